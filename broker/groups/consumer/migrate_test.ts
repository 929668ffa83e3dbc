import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import type { ApiError } from "../../api_error.ts";
import type { ClassicGroup } from "../classic/classic_group.ts";
import { decodeAssignment, encodeAssignment } from "../../../protocol/consumer_protocol.ts";
import { subscription, TestCoordinator, topicIdOf } from "../testing.ts";

async function start(settings = {}): Promise<TestCoordinator> {
  const test = await TestCoordinator.start(settings);
  test.topics.set("t", 4);
  return test;
}

const CONSUMER = { protocols: [["range", subscription("t")]] } as const;

/** A classic group of two members with two partitions each. */
async function classicGroup(test: TestCoordinator): Promise<string[]> {
  const joins = [test.join(CONSUMER), test.join(CONSUMER)];
  test.clock.advance(0);
  const ids = await Promise.all(joins.map(async ({ promise }) => (await promise).memberId));
  const assignments = ids.map((memberId, i) => ({
    memberId,
    assignment: encodeAssignment({
      assignedPartitions: [{ topic: "t", partitions: [2 * i, 2 * i + 1] }],
    }, 0),
  }));
  const syncs = [
    test.sync(ids[0]!, 1, {}, { assignments }),
    test.sync(ids[1]!, 1),
  ];
  await Promise.all(syncs.map(({ promise }) => promise));
  return ids;
}

async function codeOf(promise: Promise<unknown>): Promise<number> {
  try {
    await promise;
    return ErrorCode.NONE;
  } catch (error) {
    return (error as ApiError).code;
  }
}

/** The partitions of an assignment in the classic protocol's format. */
function classicPartitions(assignment: Uint8Array): number[] {
  return decodeAssignment(assignment).assignedPartitions.flatMap(({ partitions }) => partitions);
}

/** Lets a classic member join and sync until it need not rejoin. Returns its partitions. */
async function follow(test: TestCoordinator, memberId: string): Promise<number[]> {
  for (let round = 0; round < 10; round++) {
    const joined = await test.join({ memberId, ...CONSUMER }).promise;
    assertEquals(joined.errorCode, ErrorCode.NONE);
    const synced = await test.sync(memberId, joined.generationId!).promise;
    assertEquals(synced.errorCode, ErrorCode.NONE);
    if (test.heartbeat(memberId, joined.generationId!) === ErrorCode.NONE) {
      return classicPartitions(synced.assignment);
    }
  }
  throw new Error("The member keeps rejoining");
}

Deno.test("upgrade() converts a classic group when the first KIP-848 member joins", async () => {
  await using test = await start();
  const [a, b] = await classicGroup(test) as [string, string];
  const joined = await test.beat({ memberId: "new" });
  assertEquals([joined.memberEpoch, joined.assignment!.topicPartitions], [2, []]);
  const group = test.shard.consumerGroup("g")!;
  assertEquals([group.groupEpoch, group.classicMembers.length], [2, 2]);
  assertEquals(test.heartbeat(a, 1), ErrorCode.REBALANCE_IN_PROGRESS);
  assertEquals(await follow(test, a), [0]);
  assertEquals(await follow(test, b), [2, 3]);
  const next = await test.beat({ memberId: "new", memberEpoch: 2, topicPartitions: [] });
  assertEquals(next.assignment!.topicPartitions, [{ topicId: topicIdOf("t"), partitions: [1] }]);
  await test.restart();
  assertEquals(test.heartbeat(a, 2), ErrorCode.NONE);
  assertEquals(test.shard.consumerGroup("g")!.state, "Stable");
});

Deno.test("joinConsumerGroup() revokes partitions of classic members before assigning them", async () => {
  await using test = await start();
  const [a] = await classicGroup(test) as [string, string];
  await test.beat({ memberId: "new" });
  const withOwned = { protocols: [["range", owning(0, 1)]] } as const;
  const told = await test.join({ memberId: a, ...withOwned }).promise;
  assertEquals(told.generationId, 1, "it has to revoke first, in its old generation");
  assertEquals(classicPartitions((await test.sync(a, 1).promise).assignment), [0]);
  const waiting = await test.beat({ memberId: "new", memberEpoch: 2, topicPartitions: [] });
  assertEquals(waiting.assignment, null);
  assertEquals(test.heartbeat(a, 1), ErrorCode.REBALANCE_IN_PROGRESS);
  const gone = await test.join({ memberId: a, protocols: [["range", owning(0)]] }).promise;
  assertEquals(gone.generationId, 2);
  const next = await test.beat({ memberId: "new", memberEpoch: 2, topicPartitions: [] });
  assertEquals(next.assignment!.topicPartitions[0]!.partitions, [1]);
});

/** A subscription to "t" with owned partitions. */
function owning(...partitions: number[]): Uint8Array {
  const plain = subscription("t");
  const owned = encodeAssignment({ assignedPartitions: [{ topic: "t", partitions }] }, 0);
  // From version 1 on, owned partitions are encoded like an assignment without user data.
  const bytes = new Uint8Array([...plain, ...owned.subarray(2, owned.length - 4)]);
  bytes[1] = 1;
  return bytes;
}

Deno.test("downgrade() converts a group when its last KIP-848 member leaves", async () => {
  await using test = await start();
  const [a, b] = await classicGroup(test) as [string, string];
  await test.beat({ memberId: "new" });
  await follow(test, a);
  await follow(test, b);
  await test.beat({ memberId: "new", memberEpoch: -1 });
  const group = test.shard.group("g") as ClassicGroup;
  assertEquals([group.type, group.generation, group.state], ["classic", 2, "PreparingRebalance"]);
  assertEquals(test.heartbeat(a, 2), ErrorCode.REBALANCE_IN_PROGRESS);
  const joins = [a, b].map((memberId) => test.join({ memberId, ...CONSUMER }));
  assertEquals((await joins[0]!.promise).generationId, 3);
  assertEquals((await joins[0]!.promise).members!.length, 2);
  await test.restart();
  const restored = test.shard.group("g") as ClassicGroup;
  assertEquals([restored.type, restored.generation], ["classic", 2]);
  assertEquals(
    restored.state,
    "PreparingRebalance",
    "partitions of the member that left are unassigned",
  );
  const shown = [...restored.members.values()].map(({ assignment }) =>
    classicPartitions(assignment)
  );
  assertEquals(shown, [[0], [2, 3]]);
});

Deno.test("downgrade() converts a group when its last KIP-848 member's session ends", async () => {
  await using test = await start({ "group.consumer.session.timeout.ms": 7000 });
  const [a, b] = await classicGroup(test) as [string, string];
  await test.beat({ memberId: "new" });
  await follow(test, a);
  await follow(test, b);
  test.clock.advance(7000);
  assertEquals(test.shard.group("g")!.type, "classic");
});

Deno.test("upgrade() and downgrade() keep the place of a static member that changes its protocol", async (t) => {
  const instance = { groupInstanceId: "one", ...CONSUMER };
  await t.step("from classic to KIP-848 and back", async () => {
    await using test = await start();
    const join = test.join(instance);
    test.clock.advance(0);
    const { memberId } = await join.promise;
    const assignments = [{
      memberId,
      assignment: encodeAssignment({
        assignedPartitions: [{ topic: "t", partitions: [0, 1, 2, 3] }],
      }, 0),
    }];
    await test.sync(memberId, 1, {}, { assignments, groupInstanceId: "one" }).promise;
    const taken = await test.beat({ memberId: "new", instanceId: "one" });
    assertEquals(taken.assignment!.topicPartitions[0]!.partitions, [0, 1, 2, 3]);
    assertEquals(test.shard.consumerGroup("g")!.members.size, 1);
    assertEquals(test.heartbeat(memberId, 1, "one"), ErrorCode.FENCED_INSTANCE_ID);

    const back = await test.join(instance).promise;
    assertEquals(back.errorCode, ErrorCode.NONE);
    const group = test.shard.group("g") as ClassicGroup;
    assertEquals([group.type, group.members.size], ["classic", 1]);
    assertEquals(back.generationId, group.generation);
    const synced = await test.sync(back.memberId, back.generationId!, {}, {
      groupInstanceId: "one",
    }).promise;
    assertEquals(classicPartitions(synced.assignment), [0, 1, 2, 3]);
    await test.restart();
    assertEquals(test.heartbeat(back.memberId, back.generationId!, "one"), ErrorCode.NONE);
  });
});

Deno.test("group.consumer.migration.policy controls the conversion of active groups", async (t) => {
  const policies = {
    disabled: [],
    upgrade: ["up"],
    downgrade: ["down"],
    bidirectional: ["up", "down"],
  };
  for (const [policy, ways] of Object.entries(policies) as [keyof typeof policies, string[]][]) {
    await t.step(policy, async () => {
      await using test = await start({ "group.consumer.migration.policy": policy });
      await classicGroup(test);
      const upgraded = await codeOf(test.beat({ memberId: "new" }));
      const expected = ways.includes("up") ? ErrorCode.NONE : ErrorCode.GROUP_ID_NOT_FOUND;
      assertEquals(upgraded, expected);
      if (upgraded !== ErrorCode.NONE) return;
      await test.beat({ memberId: "new", memberEpoch: -1 });
      const isClassic = test.shard.group("g")!.type === "classic";
      assertEquals(isClassic, ways.includes("down"));
    });
  }
});

Deno.test("upgrade() leaves a group unchanged if it cannot be converted", async (t) => {
  await t.step("not a consumer group", async () => {
    await using test = await start();
    await test.stable({ protocolType: "connect" });
    assertEquals(await codeOf(test.beat({})), ErrorCode.GROUP_ID_NOT_FOUND);
    assertEquals(test.shard.group("g")!.type, "classic");
  });
  await t.step("unreadable assignment", async () => {
    await using test = await start();
    const { ids } = await test.stable(CONSUMER);
    assertEquals(await codeOf(test.beat({})), ErrorCode.GROUP_ID_NOT_FOUND);
    assertEquals(test.heartbeat(ids[0]!, 1), ErrorCode.NONE);
  });
  await t.step("too many members", async () => {
    await using test = await start({ "group.consumer.max.size": 1 });
    await classicGroup(test);
    assertEquals(await codeOf(test.beat({})), ErrorCode.GROUP_ID_NOT_FOUND);
  });
});

Deno.test("joinGroup() and consumerHeartbeat() convert an empty group and continue its epochs", async () => {
  await using test = await start();
  const [a, b] = await classicGroup(test) as [string, string];
  await test.leave(a, b);
  assertEquals((test.shard.group("g") as ClassicGroup).generation, 2);
  assertEquals((await test.beat({})).memberEpoch, 3);
  await test.restart();
  assertEquals(test.shard.group("g")!.type, "consumer");
  await test.beat({ memberEpoch: -1 });
  const join = test.join(CONSUMER);
  await test.restart();
  assertEquals((test.shard.group("g") as ClassicGroup).generation, 4);
  const again = test.join(CONSUMER);
  test.clock.advance(0);
  const { memberId, generationId } = await again.promise;
  assertEquals(generationId, 5);
  await test.sync(memberId, 5).promise;
  await test.restart();
  assertEquals(test.shard.group("g")!.type, "classic");
  assertEquals((await join.promise).errorCode, ErrorCode.NOT_COORDINATOR);
});

Deno.test("joinConsumerGroup() enforces the rules of the classic protocol", async () => {
  await using test = await start();
  await test.beat({ memberId: "new" });
  const refused = await codeOf(test.join({ protocolType: "connect" }).promise);
  assertEquals(refused, ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  const asked = await test.join({ apiVersion: 4, ...CONSUMER }).promise;
  assertEquals(asked.errorCode, ErrorCode.MEMBER_ID_REQUIRED);
  const joined = await test.join({ apiVersion: 4, memberId: asked.memberId, ...CONSUMER }).promise;
  assertEquals([joined.generationId, joined.leader, joined.members], [2, "", undefined]);
  const { memberId } = joined;
  const sync = (generation: number, rest = {}) =>
    codeOf(test.sync(memberId, generation, {}, rest).promise);
  assertEquals(await sync(1), ErrorCode.ILLEGAL_GENERATION);
  assertEquals(await sync(2, { protocolName: "x" }), ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  assertEquals(await sync(2), ErrorCode.NONE);
  const other = await codeOf(test.sync("new", 1).promise);
  assertEquals(other, ErrorCode.UNKNOWN_MEMBER_ID, "it does not use the classic protocol");
  test.clock.advance(10_000);
  assertEquals(
    test.shard.consumerGroup("g")!.members.has(memberId),
    false,
    "its own session applies",
  );
});

Deno.test("joinConsumerGroup() removes a classic member that does not rejoin or sync in time", async (t) => {
  await t.step("sync", async () => {
    await using test = await start();
    await test.beat({ memberId: "new" });
    const request = { ...CONSUMER, sessionTimeoutMs: 40_000, rebalanceTimeoutMs: 20_000 };
    const { memberId } = await test.join(request).promise;
    test.clock.advance(19_999);
    assertEquals(test.shard.consumerGroup("g")!.members.has(memberId), true);
    test.clock.advance(1);
    assertEquals(test.shard.consumerGroup("g")!.members.has(memberId), false);
  });
  await t.step("join", async () => {
    await using test = await start();
    await test.beat({ memberId: "new" });
    const request = { ...CONSUMER, sessionTimeoutMs: 40_000, rebalanceTimeoutMs: 20_000 };
    const { memberId } = await test.join(request).promise;
    await test.sync(memberId, 2).promise;
    await test.beat({ memberId: "third" });
    for (let s = 0; s < 20; s++) {
      assertEquals(test.heartbeat(memberId, 2), ErrorCode.REBALANCE_IN_PROGRESS);
      test.clock.advance(1000);
    }
    assertEquals(test.shard.consumerGroup("g")!.members.has(memberId), false);
  });
});

Deno.test("leaveConsumerGroup() removes members of a KIP-848 group for an operator", async () => {
  await using test = await start();
  await test.beat({ memberId: "a", instanceId: "one" });
  await test.beat({ memberId: "b" });
  const left = await test.leave({ instance: "one" }, { instance: "two" }, "b", "c");
  assertEquals(left.members!.map(({ errorCode }) => errorCode), [
    ErrorCode.NONE,
    ErrorCode.UNKNOWN_MEMBER_ID,
    ErrorCode.NONE,
    ErrorCode.UNKNOWN_MEMBER_ID,
  ]);
  assertEquals(test.shard.consumerGroup("g")!.state, "Empty");
});
