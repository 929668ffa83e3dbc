import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import type { OffsetCommitRequest } from "../../../protocol/messages/groups/offset_commit.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import { ApiError } from "../../api_error.ts";
import { expireGroups, forgetTopic } from "../administration.ts";
import { subscription, TestCoordinator, turn } from "../testing.ts";
import { commit, deleteOffsets, fetch } from "./requests.ts";

const MINUTE_MS = 60_000;
const ID_A = "AAECAwQFBgcICQoLDA0ODw";
const ID_B = "BBECAwQFBgcICQoLDA0ODw";

interface CommitOptions extends Partial<Omit<OffsetCommitRequest, "topics">> {
  readonly apiVersion?: number;
  readonly metadata?: string | null;
  readonly topicId?: string;
  readonly leaderEpoch?: number;
}

/** Commits offsets given as `topic-partition`. */
async function commitTo(
  test: TestCoordinator,
  offsets: Readonly<Record<string, number>>,
  options: CommitOptions = {},
): Promise<number[]> {
  const { apiVersion = 8, metadata = "", topicId = ZERO_UUID, leaderEpoch = -1, ...rest } = options;
  for (const partition of Object.keys(offsets)) {
    const [name] = partition.split("-");
    if (test.topics.topic(name!) === undefined) test.topics.set(name!, 10);
  }
  const results = await commit(
    test.shard,
    {
      groupId: "g",
      generationIdOrMemberEpoch: -1,
      memberId: "",
      groupInstanceId: null,
      retentionTimeMs: -1,
      ...rest,
      topics: Object.entries(offsets).map(([partition, committedOffset]) => ({
        name: partition.split("-")[0]!,
        topicId,
        partitions: [{
          partitionIndex: Number(partition.split("-")[1]),
          committedOffset,
          committedLeaderEpoch: leaderEpoch,
          committedMetadata: metadata,
        }],
      })),
    },
    apiVersion,
  );
  return results.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
}

/** The error code of a commit, 0 if it is accepted. */
async function codeOf(attempt: () => Promise<unknown>): Promise<number> {
  try {
    await attempt();
    return ErrorCode.NONE;
  } catch (error) {
    return (error as ApiError).code;
  }
}

/** All offsets of a group, by `topic-partition`. */
async function allOffsets(test: TestCoordinator, groupId = "g"): Promise<Record<string, number>> {
  const topics = await fetch(test.shard, {
    groupId,
    memberId: null,
    memberEpoch: -1,
    topics: null,
  });
  return Object.fromEntries(
    topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, committedOffset }) => [
        `${name}-${partitionIndex}`,
        committedOffset,
      ])
    ),
  );
}

Deno.test("commit() keeps offset, leader epoch and metadata over a restart", async () => {
  await using test = await TestCoordinator.start();
  assertEquals(await commitTo(test, { "a-0": 5 }, { metadata: "half", leaderEpoch: 3 }), [0]);
  assertEquals(await commitTo(test, { "a-1": -1, "b-0": 0 }, { metadata: null }), [0, 0]);
  const check = async () => {
    assertEquals(await allOffsets(test), { "a-0": 5, "a-1": -1, "b-0": 0 });
    const topics = [{ name: "a", topicId: ZERO_UUID, partitionIndexes: [0, 1, 2] }];
    const [topic] = await fetch(test.shard, {
      groupId: "g",
      memberId: null,
      memberEpoch: -1,
      topics,
    });
    assertEquals(topic!.partitions, [
      partition(0, 5, 3, "half"),
      partition(1, -1, -1, ""),
      partition(2, -1, -1, ""),
    ]);
  };
  await check();
  await test.restart();
  await check();
  test.log.compact();
  await test.restart();
  await check();
});

function partition(
  partitionIndex: number,
  committedOffset: number,
  committedLeaderEpoch: number,
  metadata: string,
) {
  return { partitionIndex, committedOffset, committedLeaderEpoch, metadata, errorCode: 0 };
}

Deno.test("commit() accepts metadata up to offset.metadata.max.bytes, partition by partition", async () => {
  await using test = await TestCoordinator.start({ "offset.metadata.max.bytes": 4 });
  assertEquals(await commitTo(test, { "a-0": 1 }, { metadata: "1234" }), [ErrorCode.NONE]);
  assertEquals(await commitTo(test, { "a-0": 2 }, { metadata: "12345" }), [
    ErrorCode.OFFSET_METADATA_TOO_LARGE,
  ]);
  assertEquals(await allOffsets(test), { "a-0": 1 });
});

Deno.test("commit() accepts a client outside the group while the group is empty", async () => {
  await using test = await TestCoordinator.start();
  const code = () => codeOf(() => commitTo(test, { "a-0": 1 }));
  assertEquals(await code(), ErrorCode.NONE);
  const { ids } = await test.stable({});
  assertEquals(await code(), ErrorCode.UNKNOWN_MEMBER_ID);
  test.leave(ids[0]!);
  assertEquals(await code(), ErrorCode.NONE);
});

Deno.test("commit() accepts a member in its generation only", async () => {
  await using test = await TestCoordinator.start();
  const code = (memberId: string, generation: number, instance: string | null = null) =>
    codeOf(() =>
      commitTo(test, { "a-0": 1 }, {
        memberId,
        generationIdOrMemberEpoch: generation,
        groupInstanceId: instance,
      })
    );
  assertEquals(await code("nobody", 1), ErrorCode.ILLEGAL_GENERATION);
  const { ids } = await test.stable({}, { groupInstanceId: "one" });
  assertEquals(await code(ids[0]!, 1), ErrorCode.NONE);
  assertEquals(await code(ids[0]!, 0), ErrorCode.ILLEGAL_GENERATION);
  assertEquals(await code(ids[0]!, -1), ErrorCode.ILLEGAL_GENERATION);
  assertEquals(await code("nobody", 1), ErrorCode.UNKNOWN_MEMBER_ID);
  assertEquals(await code(ids[0]!, 1, "one"), ErrorCode.FENCED_INSTANCE_ID);
  const joins = [test.join({ memberId: ids[0]! })];
  assertEquals(
    await code(ids[0]!, 1),
    ErrorCode.NONE,
    "commits are accepted until the rebalance ends",
  );
  joins.push(test.join({ memberId: ids[1]!, groupInstanceId: "one" }));
  await Promise.all(joins.map(({ promise }) => promise));
  assertEquals(await code(ids[0]!, 1), ErrorCode.ILLEGAL_GENERATION);
  assertEquals(await code(ids[0]!, 2), ErrorCode.REBALANCE_IN_PROGRESS);
});

Deno.test("commit() returns another error code for an unknown group from version 9 on", async () => {
  await using test = await TestCoordinator.start();
  const code = (apiVersion: number) =>
    codeOf(() => commitTo(test, { "a-0": 1 }, { apiVersion, generationIdOrMemberEpoch: 1 }));
  assertEquals(await code(8), ErrorCode.ILLEGAL_GENERATION);
  assertEquals(await code(9), ErrorCode.GROUP_ID_NOT_FOUND);
  assertEquals(test.shard.group("g"), undefined);
});

Deno.test("commit() extends the member's session", async () => {
  await using test = await TestCoordinator.start();
  const { ids } = await test.stable({ sessionTimeoutMs: 6000 });
  for (let i = 0; i < 5; i++) {
    test.clock.advance(5999);
    await commitTo(test, { "a-0": i }, { memberId: ids[0]!, generationIdOrMemberEpoch: 1 });
  }
  assertEquals(test.heartbeat(ids[0]!, 1), ErrorCode.NONE);
});

Deno.test("fetch() returns nothing that a crash could undo", async () => {
  await using test = await TestCoordinator.start();
  await commitTo(test, { "a-0": 1 });
  test.log.isHeld = true;
  const committed = commitTo(test, { "a-0": 2 });
  let told: Record<string, number> | undefined;
  const fetched = allOffsets(test).then((offsets) => told = offsets);
  await turn();
  assertEquals(told, undefined);
  test.log.release();
  assertEquals(await fetched, { "a-0": 2 });
  assertEquals(await committed, [0]);
  assertEquals(await allOffsets(test), { "a-0": 2 });
  void commitTo(test, { "a-0": 3 });
  await test.restart();
  assertEquals(await allOffsets(test), { "a-0": 2 });
});

Deno.test("commit() changes nothing if the write fails", async () => {
  await using test = await TestCoordinator.start();
  await commitTo(test, { "a-0": 1 });
  test.log.nextFailure = new Error("no");
  await assertRejects(() => commitTo(test, { "a-0": 2 }));
  assertEquals(await allOffsets(test), { "a-0": 1 });
});

Deno.test("fetch() returns no offset of an earlier topic of the same name (version 10)", async () => {
  await using test = await TestCoordinator.start();
  await commitTo(test, { "a-0": 7 }, { topicId: ID_A, apiVersion: 10 });
  await test.restart();
  const offset = async (topicId: string) => {
    const topics = [{ name: "a", topicId, partitionIndexes: [0] }];
    const fetched = await fetch(test.shard, {
      groupId: "g",
      memberId: null,
      memberEpoch: -1,
      topics,
    });
    return fetched[0]!.partitions[0]!.committedOffset;
  };
  assertEquals([await offset(ID_A), await offset(ID_B), await offset(ZERO_UUID)], [7, -1, 7]);
});

Deno.test("fetch() returns no offsets for an unknown group", async () => {
  await using test = await TestCoordinator.start();
  assertEquals(await allOffsets(test, "none"), {});
});

Deno.test("deleteOffsets() deletes offsets of topics the group is not subscribed to (KIP-496)", async () => {
  await using test = await TestCoordinator.start();
  const remove = async (...topics: string[]) => {
    const asked = topics.map((name) => ({ name, partitions: [{ partitionIndex: 0 }] }));
    const results = await deleteOffsets(test.shard, "g", asked);
    return results.map(({ partitions }) => partitions[0]!.errorCode);
  };
  assertThrows(() => deleteOffsets(test.shard, "g", []), ApiError, "no group");
  await commitTo(test, { "read-0": 1, "left-0": 1 });
  await test.stable({ protocols: [["range", subscription("read")]] });
  assertEquals(await remove("read", "left", "never"), [
    ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC,
    ErrorCode.NONE,
    ErrorCode.NONE,
  ]);
  await test.restart();
  assertEquals(await allOffsets(test), { "read-0": 1 });
});

Deno.test("deleteOffsets() rejects an active group that is not a consumer group", async () => {
  await using test = await TestCoordinator.start();
  await test.stable({ protocolType: "connect" });
  const error = assertThrows(() => deleteOffsets(test.shard, "g", []), ApiError);
  assertEquals(error.code, ErrorCode.NON_EMPTY_GROUP);
});

Deno.test("expireGroups() deletes expired offsets, then their group", async () => {
  await using test = await TestCoordinator.start({ "offsets.retention.minutes": 10 });
  await commitTo(test, { "a-0": 1 });
  test.clock.advance(5 * MINUTE_MS);
  await commitTo(test, { "a-1": 1 });
  test.clock.advance(5 * MINUTE_MS - 1);
  expireGroups(test.shard);
  assertEquals(Object.keys(await allOffsets(test)), ["a-0", "a-1"]);
  test.clock.advance(1);
  expireGroups(test.shard);
  assertEquals(Object.keys(await allOffsets(test)), ["a-1"]);
  test.clock.advance(5 * MINUTE_MS);
  expireGroups(test.shard);
  assertEquals(test.shard.group("g"), undefined);
  await test.restart();
  assertEquals(test.shard.group("g"), undefined);
});

Deno.test("expireGroups() starts an empty group's retention when it becomes empty (KIP-211)", async () => {
  await using test = await TestCoordinator.start({ "offsets.retention.minutes": 10 });
  const { ids } = await test.stable({ sessionTimeoutMs: 1_800_000 });
  await commitTo(test, { "a-0": 1 }, { memberId: ids[0]!, generationIdOrMemberEpoch: 1 });
  test.clock.advance(9 * MINUTE_MS);
  test.leave(ids[0]!);
  test.clock.advance(10 * MINUTE_MS - 1);
  expireGroups(test.shard);
  assertEquals(await allOffsets(test), { "a-0": 1 });
  await test.restart();
  test.clock.advance(1);
  expireGroups(test.shard);
  assertEquals(await allOffsets(test), {});
});

Deno.test("expireGroups() deletes only unsubscribed topics of an active group", async () => {
  await using test = await TestCoordinator.start({ "offsets.retention.minutes": 10 });
  await commitTo(test, { "read-0": 1, "left-0": 1 });
  await test.stable({
    protocols: [["range", subscription("read")]],
    sessionTimeoutMs: 1_800_000,
  });
  test.clock.advance(10 * MINUTE_MS);
  expireGroups(test.shard);
  assertEquals(await allOffsets(test), { "read-0": 1 });
});

Deno.test("expireGroups() uses the retention time of the commit (versions 2 to 4)", async () => {
  await using test = await TestCoordinator.start({ "offsets.retention.minutes": 10 });
  await commitTo(test, { "a-0": 1 }, { retentionTimeMs: 5000 });
  await commitTo(test, { "a-1": 1 }, { retentionTimeMs: 30 * MINUTE_MS });
  await test.restart();
  test.clock.advance(5000);
  expireGroups(test.shard);
  assertEquals(await allOffsets(test), { "a-1": 1 });
  test.clock.advance(29 * MINUTE_MS);
  expireGroups(test.shard);
  assertEquals(await allOffsets(test), { "a-1": 1 });
});

Deno.test("GroupCoordinator expires offsets every offsets.retention.check.interval.ms", async () => {
  await using test = await TestCoordinator.start({
    "offsets.retention.minutes": 1,
    "offsets.retention.check.interval.ms": 45_000,
  });
  await commitTo(test, { "a-0": 1 });
  test.clock.advance(45_000);
  await turn();
  assertEquals(await allOffsets(test), { "a-0": 1 });
  test.clock.advance(45_000);
  await turn();
  assertEquals(await allOffsets(test), {});
});

Deno.test("forgetTopic() deletes the offsets of a deleted topic in all groups", async () => {
  await using test = await TestCoordinator.start();
  await commitTo(test, { "gone-0": 1, "gone-1": 1, "kept-0": 1 });
  await commitTo(test, { "gone-0": 1 }, { groupId: "other" });
  forgetTopic(test.shard, "gone");
  await test.restart();
  assertEquals([await allOffsets(test), await allOffsets(test, "other")], [{ "kept-0": 1 }, {}]);
});

Deno.test("GroupCoordinator deletes offsets of a topic whose deletion a crash interrupted", async () => {
  await using test = await TestCoordinator.start();
  await commitTo(test, { "gone-0": 1, "kept-0": 1 });
  await test.restart(() => test.topics.delete("gone"));
  assertEquals(await allOffsets(test), { "kept-0": 1 });
});
