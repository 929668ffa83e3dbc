import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import { ApiError } from "../../api_error.ts";
import { deleteGroup, expireGroups, forgetTopic } from "../administration.ts";
import { TestCoordinator, turn } from "../testing.ts";
import { commit, deleteOffsets, fetch } from "./requests.ts";
import { commitInTransaction, type TransactionalCommit } from "./transactional_commit.ts";

const MINUTE_MS = 60_000;
const UNSTABLE = ErrorCode.UNSTABLE_OFFSET_COMMIT;

type Offsets = Readonly<Record<string, number>>;

interface Options extends Partial<Omit<TransactionalCommit, "topics">> {
  readonly metadata?: string;
}

function topicsOf(test: TestCoordinator, offsets: Offsets, metadata = "") {
  return Object.entries(offsets).map(([partition, committedOffset]) => {
    const [name, index] = partition.split("-");
    if (test.topics.topic(name!) === undefined) test.topics.set(name!, 10);
    return {
      name: name!,
      partitions: [{
        partitionIndex: Number(index),
        committedOffset,
        committedLeaderEpoch: -1,
        committedMetadata: metadata,
      }],
    };
  });
}

/** Commits offsets given as `topic-partition` in a transaction. Returns the code of each. */
async function commitFor(
  test: TestCoordinator,
  producerId: number,
  offsets: Offsets,
  { metadata, ...options }: Options = {},
): Promise<number[]> {
  const results = await commitInTransaction(test.shard, {
    groupId: "g",
    generationId: -1,
    memberId: "",
    groupInstanceId: null,
    ...options,
    topics: topicsOf(test, offsets, metadata),
  }, { producerId, producerEpoch: 0 });
  return results.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
}

/** Commits offsets outside a transaction. */
async function commitPlainly(test: TestCoordinator, offsets: Offsets): Promise<void> {
  await commit(test.shard, {
    groupId: "g",
    generationIdOrMemberEpoch: -1,
    memberId: "",
    groupInstanceId: null,
    retentionTimeMs: -1,
    topics: topicsOf(test, offsets).map((topic) => ({ ...topic, topicId: ZERO_UUID })),
  }, 8);
}

/** The offsets of topic "a", by partition, or the code where there is one. */
async function offsetsOf(
  test: TestCoordinator,
  requireStable = false,
  partitions = [0, 1],
): Promise<number[]> {
  const topics = [{ name: "a", topicId: ZERO_UUID, partitionIndexes: partitions }];
  const request = { groupId: "g", memberId: null, memberEpoch: -1, topics };
  const [topic] = await fetch(test.shard, request, requireStable);
  return topic!.partitions.map(({ errorCode, committedOffset }) => errorCode || committedOffset);
}

async function codeOf(attempt: () => Promise<number[]>): Promise<number> {
  try {
    return (await attempt())[0]!;
  } catch (error) {
    return (error as ApiError).code;
  }
}

Deno.test("commitInTransaction() shows offsets when the transaction is committed, over restarts", async (t) => {
  for (const [isCommit, expected] of [[true, [5, 6]], [false, [1, -1]]] as [boolean, number[]][]) {
    for (const restarts of [0, 1, 2, 3]) {
      await t.step(`${isCommit ? "commit" : "abort"}, restarts ${restarts}`, async () => {
        await using test = await TestCoordinator.start();
        await commitPlainly(test, { "a-0": 1 });
        assertEquals(await commitFor(test, 7, { "a-0": 5, "a-1": 6 }), [0, 0]);
        if (restarts & 1) await test.restart();
        assertEquals(await offsetsOf(test), [1, -1]);
        test.endTransaction(7, isCommit);
        assertEquals(await offsetsOf(test), expected);
        if (restarts & 2) await test.restart();
        assertEquals(await offsetsOf(test), expected);
        assertEquals(await offsetsOf(test, true), expected);
        test.log.compact();
        await test.restart();
        assertEquals(await offsetsOf(test), expected);
      });
    }
  }
});

Deno.test("fetch() with requireStable returns UNSTABLE_OFFSET_COMMIT while an offset is pending (KIP-447)", async () => {
  await using test = await TestCoordinator.start();
  await commitPlainly(test, { "a-0": 1, "a-1": 1 });
  await commitFor(test, 7, { "a-0": 5 });
  await commitFor(test, 8, { "a-0": 6 });
  assertEquals(await offsetsOf(test, true), [UNSTABLE, 1]);
  const all = { groupId: "g", memberId: null, memberEpoch: -1, topics: null };
  const [topic] = await fetch(test.shard, all, true);
  assertEquals(
    topic!.partitions.map((found) => [found.errorCode, found.committedOffset]),
    [[UNSTABLE, -1], [0, 1]],
  );
  await test.restart();
  assertEquals(await offsetsOf(test, true), [UNSTABLE, 1]);
  test.endTransaction(7, false);
  assertEquals(await offsetsOf(test, true), [UNSTABLE, 1], "the other transaction is open");
  test.endTransaction(8, true);
  assertEquals(await offsetsOf(test, true), [6, 1]);
});

Deno.test("commitInTransaction() loses to a commit that was written later, and wins over an earlier one", async (t) => {
  const view = async (test: TestCoordinator) => [await offsetsOf(test)];
  await t.step("later commit outside the transaction", async () => {
    await using test = await TestCoordinator.start();
    await commitFor(test, 7, { "a-0": 6, "a-1": 6 });
    await commitPlainly(test, { "a-0": 4 });
    test.endTransaction(7, true);
    assertEquals(await view(test), [[4, 6]]);
    await test.restart();
    assertEquals(await view(test), [[4, 6]]);
    test.log.compact();
    await test.restart();
    assertEquals(await view(test), [[4, 6]]);
  });
  await t.step("transactions that end in another order than they were written", async () => {
    await using test = await TestCoordinator.start();
    await commitFor(test, 7, { "a-0": 1 });
    await commitFor(test, 8, { "a-0": 2 });
    test.endTransaction(8, true);
    test.endTransaction(7, true);
    assertEquals(await view(test), [[2, -1]]);
    test.log.compact();
    await test.restart();
    assertEquals(await view(test), [[2, -1]]);
  });
  await t.step("twice in one transaction", async () => {
    await using test = await TestCoordinator.start();
    await commitFor(test, 7, { "a-0": 2 });
    await commitFor(test, 7, { "a-0": 1 });
    test.endTransaction(7, true);
    assertEquals(await view(test), [[1, -1]]);
  });
});

Deno.test("commitInTransaction() ends with its own transaction only", async () => {
  await using test = await TestCoordinator.start();
  await commitFor(test, 7, { "a-0": 1 });
  test.endTransaction(8, true);
  assertEquals(await offsetsOf(test, true), [UNSTABLE, -1]);
  test.endTransaction(7, false);
  await commitFor(test, 7, { "a-1": 2 });
  test.endTransaction(7, true);
  // Also when a marker is written twice.
  test.endTransaction(7, false);
  await test.restart();
  assertEquals(await offsetsOf(test, true), [-1, 2]);
});

Deno.test("commitInTransaction() fences members of a classic group", async () => {
  await using test = await TestCoordinator.start();
  const code = (memberId: string, generationId: number, groupInstanceId: string | null = null) =>
    codeOf(() => commitFor(test, 7, { "a-0": 1 }, { memberId, generationId, groupInstanceId }));
  assertEquals(await code("nobody", 1), ErrorCode.ILLEGAL_GENERATION);
  assertEquals(test.shard.group("g"), undefined);
  assertEquals(await code("nobody", -1), ErrorCode.NONE, "a group that only stores offsets");
  const { ids } = await test.stable({}, { groupInstanceId: "one" });
  assertEquals(await code(ids[0]!, 1), ErrorCode.NONE);
  assertEquals(await code(ids[1]!, 1, "one"), ErrorCode.NONE);
  assertEquals(await code("", -1), ErrorCode.NONE, "old versions do not name the member");
  assertEquals(await code(ids[0]!, 0), ErrorCode.ILLEGAL_GENERATION);
  assertEquals(await code(ids[0]!, 2), ErrorCode.ILLEGAL_GENERATION);
  assertEquals(await code(ids[0]!, -1), ErrorCode.ILLEGAL_GENERATION);
  assertEquals(await code("nobody", 1), ErrorCode.UNKNOWN_MEMBER_ID);
  assertEquals(await code("nobody", -1), ErrorCode.UNKNOWN_MEMBER_ID);
  assertEquals(await code(ids[0]!, 1, "one"), ErrorCode.FENCED_INSTANCE_ID);
  const joins = [
    test.join({ memberId: ids[0]! }),
    test.join({ memberId: ids[1]!, groupInstanceId: "one" }),
  ];
  await Promise.all(joins.map(({ promise }) => promise));
  assertEquals(await code(ids[0]!, 2), ErrorCode.NONE, "a rebalance is no obstacle");
  assertEquals(await code(ids[0]!, 1), ErrorCode.ILLEGAL_GENERATION);
});

Deno.test("commitInTransaction() does not extend the member's session", async () => {
  await using test = await TestCoordinator.start();
  const { ids } = await test.stable({ sessionTimeoutMs: 6000 });
  test.clock.advance(5999);
  await commitFor(test, 7, { "a-0": 1 }, { memberId: ids[0]!, generationId: 1 });
  test.clock.advance(2);
  assertEquals(test.heartbeat(ids[0]!, 1), ErrorCode.UNKNOWN_MEMBER_ID);
});

Deno.test("commitInTransaction() fences members of a KIP-848 group with ILLEGAL_GENERATION", async () => {
  await using test = await TestCoordinator.start();
  test.topics.set("a", 2);
  const { memberId, memberEpoch } = await test.beat({ subscribedTopicNames: ["a"] });
  const code = (memberId: string, generationId: number) =>
    codeOf(() => commitFor(test, 7, { "a-0": 1 }, { memberId, generationId }));
  assertEquals(await code(memberId!, memberEpoch), ErrorCode.NONE);
  assertEquals(await code("", -1), ErrorCode.NONE);
  assertEquals(await code(memberId!, memberEpoch - 1), ErrorCode.ILLEGAL_GENERATION);
  assertEquals(await code(memberId!, memberEpoch + 1), ErrorCode.ILLEGAL_GENERATION);
  assertEquals(await code("nobody", memberEpoch), ErrorCode.UNKNOWN_MEMBER_ID);
});

Deno.test("commitInTransaction() rejects metadata that is too large, partition by partition", async () => {
  await using test = await TestCoordinator.start({ "offset.metadata.max.bytes": 4 });
  assertEquals(await commitFor(test, 7, { "a-0": 1 }, { metadata: "12345" }), [
    ErrorCode.OFFSET_METADATA_TOO_LARGE,
  ]);
  assertEquals(await commitFor(test, 7, { "a-0": 1 }, { metadata: "1234" }), [ErrorCode.NONE]);
});

Deno.test("commitInTransaction() changes nothing if the write fails, or is lost in a crash", async () => {
  await using test = await TestCoordinator.start();
  test.log.nextFailure = new ApiError(ErrorCode.NOT_ENOUGH_REPLICAS);
  assertEquals(
    await codeOf(() => commitFor(test, 7, { "a-0": 1 })),
    ErrorCode.NOT_ENOUGH_REPLICAS,
  );
  assertEquals(await offsetsOf(test, true), [-1, -1]);
  test.log.isHeld = true;
  let isAnswered = false;
  void commitFor(test, 7, { "a-0": 2 }).then(() => isAnswered = true);
  await turn();
  assertEquals(isAnswered, false);
  await test.restart();
  test.log.isHeld = false;
  assertEquals(await offsetsOf(test, true), [-1, -1]);
});

Deno.test("GroupCoordinator.endTransaction() leaves the log's order to a shard that is being loaded", async () => {
  await using test = await TestCoordinator.start();
  await commitFor(test, 7, { "a-0": 1 });
  await test.log.appendMarker(7, true);
  const replay = test.log.replay.bind(test.log);
  test.log.replay = async (...args) => {
    await replay(...args);
    await gate.promise;
  };
  const gate = Promise.withResolvers<void>();
  test.topic.elect(0, 1);
  const code = () => {
    try {
      test.coordinator.ensureLoaded(0);
      return ErrorCode.NONE;
    } catch (error) {
      return (error as ApiError).code;
    }
  };
  assertEquals(code(), ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  test.coordinator.endTransaction(0, 7, false);
  gate.resolve();
  await test.coordinator.loaded();
  assertEquals(code(), ErrorCode.NONE);
  assertEquals(await offsetsOf(test, true), [1, -1]);
  test.topic.elect(0, undefined);
  assertEquals(code(), ErrorCode.NOT_COORDINATOR);
  test.coordinator.endTransaction(0, 7, true);
});

Deno.test("expireGroups() keeps offsets and groups with an open transaction", async () => {
  await using test = await TestCoordinator.start({ "offsets.retention.minutes": 10 });
  await commitPlainly(test, { "a-0": 1, "a-1": 1 });
  await commitFor(test, 7, { "a-0": 5 });
  test.clock.advance(11 * MINUTE_MS);
  expireGroups(test.shard);
  assertEquals(await offsetsOf(test), [1, -1]);
  await commitFor(test, 8, { "b-0": 5 }, { groupId: "only pending" });
  test.clock.advance(11 * MINUTE_MS);
  expireGroups(test.shard);
  assertEquals([...test.shard.groups].map(({ groupId }) => groupId), ["g", "only pending"]);
  test.endTransaction(7, false);
  test.endTransaction(8, false);
  expireGroups(test.shard);
  assertEquals([...test.shard.groups], []);
});

Deno.test("expireGroups() starts the retention of an offset when it was sent, not when it was committed", async () => {
  await using test = await TestCoordinator.start({ "offsets.retention.minutes": 10 });
  await commitFor(test, 7, { "a-0": 5 });
  test.clock.advance(9 * MINUTE_MS);
  test.endTransaction(7, true);
  expireGroups(test.shard);
  assertEquals(await offsetsOf(test), [5, -1]);
  test.clock.advance(MINUTE_MS);
  expireGroups(test.shard);
  assertEquals(await offsetsOf(test), [-1, -1]);
});

Deno.test("deleteOffsets(), deleteGroup() and forgetTopic() also drop what is pending", async (t) => {
  const ways: Record<string, (test: TestCoordinator) => unknown> = {
    deleteOffsets: ({ shard }) =>
      deleteOffsets(shard, "g", [{ name: "a", partitions: [{ partitionIndex: 0 }] }]),
    deleteGroup: ({ shard }) => deleteGroup(shard, "g"),
    forgetTopic: ({ shard }) => forgetTopic(shard, "a"),
    "topic deleted while the broker was down": (test) =>
      test.restart(() => test.topics.delete("a")),
  };
  for (const [name, remove] of Object.entries(ways)) {
    await t.step(name, async () => {
      await using test = await TestCoordinator.start();
      await commitFor(test, 7, { "a-0": 5 });
      await commitFor(test, 8, { "a-0": 6 });
      await remove(test);
      assertEquals(await offsetsOf(test, true), [-1, -1]);
      test.endTransaction(7, true);
      test.endTransaction(8, true);
      assertEquals(await offsetsOf(test), [-1, -1]);
      await test.restart();
      assertEquals(await offsetsOf(test, true), [-1, -1]);
    });
  }
});
