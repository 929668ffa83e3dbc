import { assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from "../../../protocol/messages/groups/consumer_group_heartbeat.ts";
import { DiskFullError } from "../../../storage/errors.ts";
import { ApiError } from "../../api_error.ts";
import { TestCoordinator, topicIdOf, turn } from "../testing.ts";
import { commit, fetch } from "../offsets/requests.ts";
import { describeConsumerGroup } from "./describe.ts";

type Request = Partial<ConsumerGroupHeartbeatRequest>;

async function codeOf(promise: Promise<unknown>): Promise<number> {
  try {
    await promise;
    return ErrorCode.NONE;
  } catch (error) {
    if (error instanceof ApiError) return error.code;
    throw error;
  }
}

/** The partitions of a response as `topic-partition`; `undefined` if it has none. */
function held({ assignment }: ConsumerGroupHeartbeatResponse): string[] | undefined {
  return assignment?.topicPartitions.flatMap(({ topicId, partitions }) =>
    partitions.map((partition) => `${topicId.replace(/_+A$/, "")}-${partition}`)
  ).sort();
}

function partitions(...names: string[]) {
  return names.map((name) => {
    const [topic, partition] = name.split("-");
    return { topicId: topicIdOf(topic!), partitions: [Number(partition)] };
  });
}

/** A well-behaved member, driven one heartbeat at a time. */
class Member {
  readonly #test: TestCoordinator;
  readonly #request: Request;
  epoch = 0;
  holds: string[] = [];

  constructor(test: TestCoordinator, memberId: string, request: Request = {}) {
    this.#test = test;
    this.#request = { memberId, ...request };
  }

  async beat(request: Request = {}): Promise<ConsumerGroupHeartbeatResponse> {
    const isJoining = this.epoch === 0;
    const answer = await this.#test.beat({
      memberId: this.#request.memberId!,
      instanceId: this.#request.instanceId ?? null,
      ...(isJoining ? this.#request : { topicPartitions: partitions(...this.holds) }),
      memberEpoch: this.epoch,
      ...request,
    });
    this.epoch = answer.memberEpoch;
    this.holds = held(answer) ?? this.holds;
    return answer;
  }
}

/** Lets members send heartbeats in turn until the group is stable. */
async function settle(test: TestCoordinator, ...members: Member[]): Promise<void> {
  for (let round = 0; round < 20; round++) {
    for (const member of members) await member.beat();
    if (test.shard.consumerGroup("g")!.state === "Stable") {
      for (const member of members) await member.beat();
      return;
    }
  }
  throw new Error("The group does not become stable");
}

async function start(settings = {}): Promise<TestCoordinator> {
  const test = await TestCoordinator.start(settings);
  test.topics.set("t", 4);
  return test;
}

Deno.test("consumerHeartbeat() assigns everything to the first member immediately", async () => {
  await using test = await start();
  const answer = await test.beat({});
  assertEquals([answer.memberId, answer.memberEpoch, answer.heartbeatIntervalMs], ["m", 1, 5000]);
  assertEquals(held(answer), ["t-0", "t-1", "t-2", "t-3"]);
  const next = await test.beat({ memberEpoch: 1 });
  assertEquals(
    [next.memberEpoch, next.assignment],
    [1, null],
    "an unchanged assignment is omitted",
  );
  assertEquals(test.shard.consumerGroup("g")!.state, "Stable");
});

Deno.test("consumerHeartbeat() generates a member id for version 0 (KIP-1082)", async () => {
  await using test = await start();
  const answer = await test.beat({ memberId: "", apiVersion: 0 });
  assertEquals(answer.memberId, "1");
  assertEquals((await test.beat({ memberId: "1", memberEpoch: 1, apiVersion: 0 })).memberEpoch, 1);
});

Deno.test("consumerHeartbeat() revokes partitions before assigning them to another member", async () => {
  await using test = await start();
  const [a, b] = [new Member(test, "a"), new Member(test, "b")];
  await a.beat();
  const joined = await b.beat();
  assertEquals([joined.memberEpoch, held(joined)], [2, []], "its whole target is still held by a");
  await a.beat();
  assertEquals([a.epoch, a.holds.length], [1, 2], "a stays in its old epoch until it has revoked");
  await b.beat();
  assertEquals(b.holds, [], "a was told to revoke, but has not confirmed");
  await a.beat();
  assertEquals([a.epoch, a.holds.length], [2, 2]);
  await b.beat();
  assertEquals(b.holds.length, 2);
  assertEquals([...a.holds, ...b.holds].sort(), ["t-0", "t-1", "t-2", "t-3"]);
  assertEquals(test.shard.consumerGroup("g")!.state, "Stable");
});

Deno.test("consumerHeartbeat() without owned partitions confirms no revocation", async () => {
  await using test = await start();
  const [a, b] = [new Member(test, "a"), new Member(test, "b")];
  await a.beat();
  await b.beat();
  await a.beat();
  await a.beat({ topicPartitions: null });
  assertEquals(a.epoch, 1);
  await b.beat();
  assertEquals(b.holds, []);
});

Deno.test("consumerHeartbeat() accepts a revocation in several steps", async () => {
  await using test = await start();
  const [a, b, c] = [new Member(test, "a"), new Member(test, "b"), new Member(test, "c")];
  await settle(test, a, b);
  await c.beat();
  assertEquals(c.epoch, 3);
  await settle(test, a, b, c);
  assertEquals([a, b, c].map(({ holds }) => holds.length).sort(), [1, 1, 2]);
  assertEquals([...a.holds, ...b.holds, ...c.holds].sort(), ["t-0", "t-1", "t-2", "t-3"]);
  assertEquals([a.epoch, b.epoch, c.epoch], [3, 3, 3]);
});

Deno.test("consumerHeartbeat() rejects contradictory requests", async (t) => {
  await using test = await start();
  const cases: [string, Parameters<TestCoordinator["beat"]>[0], number][] = [
    ["no member id", { memberId: "" }, ErrorCode.INVALID_REQUEST],
    ["no member id to leave", { memberId: "", memberEpoch: -1, apiVersion: 0 }, 42],
    ["empty instance id", { instanceId: "" }, ErrorCode.INVALID_REQUEST],
    ["empty rack", { rackId: "" }, ErrorCode.INVALID_REQUEST],
    ["epoch below -2", { memberEpoch: -3 }, ErrorCode.INVALID_REQUEST],
    ["temporary leave without instance id", { memberEpoch: -2 }, ErrorCode.INVALID_REQUEST],
    ["no rebalance timeout", { rebalanceTimeoutMs: -1 }, ErrorCode.INVALID_REQUEST],
    ["partitions while joining", { topicPartitions: partitions("t-0") }, 42],
    ["partitions not given", { topicPartitions: null }, ErrorCode.INVALID_REQUEST],
    ["no subscription", { subscribedTopicNames: null }, ErrorCode.INVALID_REQUEST],
    ["unknown assignor", { serverAssignor: "sticky" }, ErrorCode.UNSUPPORTED_ASSIGNOR],
    ["broken expression", { subscribedTopicRegex: "a(" }, ErrorCode.INVALID_REGULAR_EXPRESSION],
    ["an unknown group", { memberEpoch: 1 }, ErrorCode.GROUP_ID_NOT_FOUND],
  ];
  for (const [name, request, code] of cases) {
    await t.step(name, async () => assertEquals(await codeOf(test.beat(request)), code));
  }
  assertEquals(test.shard.group("g"), undefined);
});

Deno.test("consumerHeartbeat() fences wrong member epochs", async () => {
  await using test = await start();
  await test.beat({ memberId: "a" });
  assertEquals(
    await codeOf(test.beat({ memberId: "b", memberEpoch: 1 })),
    ErrorCode.UNKNOWN_MEMBER_ID,
  );
  assertEquals(
    await codeOf(test.beat({ memberId: "a", memberEpoch: 2 })),
    ErrorCode.FENCED_MEMBER_EPOCH,
  );
  await test.beat({ memberId: "a", memberEpoch: 1, subscribedTopicNames: ["t", "u"] });
  const again = { memberId: "a", memberEpoch: 1 };
  assertEquals(await codeOf(test.beat(again)), ErrorCode.FENCED_MEMBER_EPOCH);
  const lost = await test.beat({ ...again, topicPartitions: partitions("t-0") });
  assertEquals(
    lost.memberEpoch,
    2,
    "its response was lost, and it holds no more than its assignment",
  );
  assertEquals(
    await codeOf(test.beat({ ...again, topicPartitions: partitions("x-0") })),
    ErrorCode.FENCED_MEMBER_EPOCH,
  );
  const rejoined = await test.beat({ memberId: "a" });
  assertEquals(held(rejoined)!.length, 4, "epoch 0 is always accepted");
});

Deno.test("consumerHeartbeat() removes a member after its session timeout and frees its partitions", async () => {
  await using test = await start({ "group.consumer.session.timeout.ms": 10_000 });
  const [a, b] = [new Member(test, "a"), new Member(test, "b")];
  await settle(test, a, b);
  test.clock.advance(9999);
  await a.beat();
  test.clock.advance(1);
  const answer = await a.beat();
  assertEquals([answer.memberEpoch, a.holds.length], [3, 4]);
  assertEquals(await codeOf(b.beat()), ErrorCode.UNKNOWN_MEMBER_ID);
});

Deno.test("consumerHeartbeat() uses the group's session timeout and heartbeat interval if set", async () => {
  await using test = await start({ "group.consumer.session.timeout.ms": 50_000 });
  test.groupConfigs.set(
    "g",
    new Map([["consumer.session.timeout.ms", "45000"], ["consumer.heartbeat.interval.ms", "7000"]]),
  );
  assertEquals((await test.beat({ memberId: "a" })).heartbeatIntervalMs, 7000);
  const other = await test.beat({ groupId: "h", memberId: "a" });
  assertEquals(other.heartbeatIntervalMs, 5000);
  test.clock.advance(45_000);
  assertEquals(
    await codeOf(test.beat({ memberId: "a", memberEpoch: 1 })),
    ErrorCode.UNKNOWN_MEMBER_ID,
  );
  assertEquals((await test.beat({ groupId: "h", memberId: "a", memberEpoch: 1 })).memberEpoch, 1);
  // Changes take effect with the next heartbeat.
  test.groupConfigs.set("h", new Map([["consumer.heartbeat.interval.ms", "9000"]]));
  const changed = await test.beat({ groupId: "h", memberId: "a", memberEpoch: 1 });
  assertEquals(changed.heartbeatIntervalMs, 9000);
});

Deno.test("consumerHeartbeat() removes a member that does not revoke within its rebalance timeout", async () => {
  await using test = await start();
  const a = new Member(test, "a", { rebalanceTimeoutMs: 20_000 });
  const b = new Member(test, "b");
  await a.beat();
  await b.beat();
  await a.beat();
  for (let s = 0; s < 19; s++) {
    test.clock.advance(1000);
    await a.beat({ topicPartitions: partitions("t-0", "t-1", "t-2", "t-3") });
    await b.beat();
  }
  test.clock.advance(1000);
  assertEquals(await codeOf(a.beat()), ErrorCode.UNKNOWN_MEMBER_ID);
  await b.beat();
  assertEquals(b.holds.length, 4);
});

Deno.test("consumerHeartbeat() removes a member with epoch -1", async () => {
  await using test = await start();
  const [a, b] = [new Member(test, "a"), new Member(test, "b")];
  await settle(test, a, b);
  const left = await test.beat({ memberId: "a", memberEpoch: -1 });
  assertEquals([left.memberId, left.memberEpoch], ["a", -1]);
  await b.beat();
  assertEquals([b.epoch, b.holds.length], [3, 4]);
  await test.beat({ memberId: "b", memberEpoch: -1 });
  assertEquals(test.shard.consumerGroup("g")!.state, "Empty");
  assertEquals(
    await codeOf(test.beat({ memberId: "b", memberEpoch: -1 })),
    ErrorCode.UNKNOWN_MEMBER_ID,
  );
});

Deno.test("consumerHeartbeat() keeps the place of a static member with epoch -2 for its next instance", async () => {
  await using test = await start();
  const a = new Member(test, "a", { instanceId: "one" });
  const b = new Member(test, "b");
  await settle(test, a, b);
  assertEquals(
    await codeOf(test.beat({ memberId: "a2", instanceId: "one" })),
    ErrorCode.UNRELEASED_INSTANCE_ID,
  );
  await test.beat({ memberId: "a", instanceId: "one", memberEpoch: -2 });
  await b.beat();
  assertEquals([b.epoch, b.holds.length], [2, 2], "nobody gets the partitions it will return for");
  const back = await test.beat({ memberId: "a2", instanceId: "one" });
  assertEquals([back.memberEpoch, held(back)], [2, a.holds]);
  assertEquals(
    await codeOf(test.beat({ memberId: "a", instanceId: "one", memberEpoch: 2 })),
    ErrorCode.FENCED_INSTANCE_ID,
  );
  assertEquals(
    await codeOf(test.beat({ memberId: "a2", instanceId: "two", memberEpoch: 2 })),
    ErrorCode.UNKNOWN_MEMBER_ID,
  );
  await b.beat();
  assertEquals(b.epoch, 2);
  await test.restart();
  const next = await test.beat({ memberId: "a2", instanceId: "one", memberEpoch: 2 });
  assertEquals(next.memberEpoch, 2);
});

Deno.test("consumerHeartbeat() removes a static member that does not return within its session timeout", async () => {
  await using test = await start({ "group.consumer.session.timeout.ms": 10_000 });
  const a = new Member(test, "a", { instanceId: "one" });
  const b = new Member(test, "b");
  await settle(test, a, b);
  await test.beat({ memberId: "a", instanceId: "one", memberEpoch: -2 });
  test.clock.advance(9000);
  await b.beat();
  test.clock.advance(1000);
  await b.beat();
  assertEquals(b.holds.length, 4);
});

Deno.test("consumerHeartbeat() rejects new members above group.consumer.max.size", async () => {
  await using test = await start({ "group.consumer.max.size": 1 });
  await test.beat({ memberId: "a" });
  assertEquals(await codeOf(test.beat({ memberId: "b" })), ErrorCode.GROUP_MAX_SIZE_REACHED);
  assertEquals(await codeOf(test.beat({ memberId: "a" })), ErrorCode.NONE);
});

Deno.test("consumerHeartbeat() uses the assignor that most members prefer", async () => {
  await using test = await start();
  test.topics.set("u", 2);
  const names = { subscribedTopicNames: ["t", "u"] };
  const a = new Member(test, "a", { ...names, serverAssignor: "range" });
  const b = new Member(test, "b", { ...names });
  await settle(test, a, b);
  assertEquals(
    a.holds,
    ["t-0", "t-1", "u-0"],
    "ranges co-locate equal partition numbers of topics",
  );
  assertEquals(b.holds, ["t-2", "t-3", "u-1"]);
  assertEquals(describeConsumerGroup(test.shard, "g")!.assignorName, "range");
});

Deno.test("consumerHeartbeat() revokes topics removed from the subscription immediately", async () => {
  await using test = await start();
  test.topics.set("u", 1);
  const a = new Member(test, "a");
  await a.beat();
  await a.beat({ subscribedTopicNames: ["u"] });
  assertEquals([a.epoch, a.holds], [1, []], "first it has to revoke the other topic");
  await a.beat();
  assertEquals([a.epoch, a.holds], [2, ["u-0"]]);
});

Deno.test("consumerHeartbeat() follows created, extended and deleted topics", async () => {
  await using test = await start();
  const a = new Member(test, "a", { subscribedTopicNames: ["t", "later"] });
  await a.beat();
  await a.beat();
  assertEquals([a.epoch, a.holds.length], [1, 4]);
  test.topics.set("later", 1);
  await a.beat();
  assertEquals([a.epoch, a.holds.length], [2, 5]);
  test.topics.set("t", 6);
  await a.beat();
  assertEquals([a.epoch, a.holds.length], [3, 7]);
  test.topics.set("nobody's", 1);
  await a.beat();
  assertEquals(a.epoch, 3);
  test.topics.delete("t");
  for (let i = 0; i < 2; i++) await a.beat();
  assertEquals([a.epoch, a.holds], [4, ["later-0"]]);
});

Deno.test("consumerHeartbeat() follows topics that changed during a restart", async () => {
  await using test = await start();
  const a = new Member(test, "a");
  await a.beat();
  await test.coordinator.close();
  test.topics.set("t", 5);
  await test.restart();
  await a.beat();
  assertEquals([a.epoch, a.holds.length], [2, 5]);
});

Deno.test("consumerHeartbeat() resolves a regular expression against changing topics", async () => {
  await using test = await start();
  for (const name of ["orders", "orders.eu", "reorders", "__consumer_offsets"]) {
    test.topics.set(name, 1);
  }
  const a = new Member(test, "a", {
    subscribedTopicNames: null,
    subscribedTopicRegex: "(orders|__).*",
  });
  await a.beat();
  assertEquals(a.holds, ["orders-0", "orders_eu-0"], "matches whole names, and no internal topics");
  test.topics.set("orders.us", 1);
  await a.beat();
  assertEquals(a.epoch, 1, "topics are checked at most every ten seconds");
  test.clock.advance(10_001);
  await a.beat();
  assertEquals([a.epoch, a.holds.length], [2, 3]);
  await test.restart();
  test.clock.advance(10_001);
  await a.beat();
  assertEquals([a.epoch, a.holds.length], [2, 3]);
  const b = new Member(test, "b", {
    subscribedTopicNames: ["t"],
    subscribedTopicRegex: "re.*",
  });
  await b.beat();
  assertEquals(b.holds, ["reorders-0", "t-0", "t-1", "t-2", "t-3"]);
  await b.beat({ subscribedTopicRegex: "" });
  await b.beat();
  assertEquals(b.holds, ["t-0", "t-1", "t-2", "t-3"]);
  assertEquals([...test.shard.consumerGroup("g")!.regexes.keys()], ["(orders|__).*"]);
  await test.beat({ memberId: "a", memberEpoch: -1 });
  assertEquals(test.shard.consumerGroup("g")!.regexes.size, 0);
});

Deno.test("GroupShard.load() restores epochs, targets and partitions of a KIP-848 group", async () => {
  await using test = await start();
  const [a, b, c] = [new Member(test, "a"), new Member(test, "b"), new Member(test, "c")];
  await settle(test, a, b);
  await c.beat();
  await a.beat();
  const before = describeConsumerGroup(test.shard, "g");
  await test.restart();
  assertEquals(describeConsumerGroup(test.shard, "g"), before);
  test.log.compact();
  await test.restart();
  await settle(test, a, b, c);
  assertEquals([...a.holds, ...b.holds, ...c.holds].sort(), ["t-0", "t-1", "t-2", "t-3"]);
});

Deno.test("consumerHeartbeat() returns only durable state", async () => {
  await using test = await start();
  test.log.isHeld = true;
  let answer: ConsumerGroupHeartbeatResponse | undefined;
  const joined = test.beat({}).then((value) => answer = value);
  await turn();
  assertEquals(answer, undefined);
  let repeated: ConsumerGroupHeartbeatResponse | undefined;
  const again = test.beat({}).then((value) => repeated = value);
  await turn();
  assertEquals(repeated, undefined, "it would return what the first is still waiting for");
  test.log.release();
  assertEquals((await joined).memberEpoch, 1);
  assertEquals((await again).memberEpoch, 1);
});

Deno.test("consumerHeartbeat() changes nothing if the write fails", async () => {
  await using test = await start();
  test.log.nextFailure = new DiskFullError("The disk is full");
  await assertRejects(() => test.beat({}), DiskFullError);
  assertEquals(test.shard.group("g"), undefined);
  assertEquals((await test.beat({})).memberEpoch, 1);
});

Deno.test("fenceMembers() is retried after a failed write", async () => {
  await using test = await start({ "group.consumer.session.timeout.ms": 10_000 });
  await test.beat({});
  test.log.nextFailure = new DiskFullError("The disk is full");
  test.clock.advance(10_000);
  assertEquals(test.shard.consumerGroup("g")!.members.size, 1);
  test.clock.advance(1000);
  assertEquals(test.shard.consumerGroup("g")!.members.size, 0);
});

Deno.test("commit() of a member is accepted in its epoch, except for partitions of other members", async () => {
  await using test = await start();
  const [a, b] = [new Member(test, "a"), new Member(test, "b")];
  await settle(test, a, b);
  const send = async (memberId: string, epoch: number, held: string, apiVersion = 9) => {
    const request = {
      groupId: "g",
      generationIdOrMemberEpoch: epoch,
      memberId,
      groupInstanceId: null,
      retentionTimeMs: -1,
      topics: [{
        name: "t",
        topicId: topicIdOf("t"),
        partitions: [{
          partitionIndex: Number(held.split("-")[1]),
          committedOffset: 1,
          committedLeaderEpoch: -1,
          committedMetadata: "",
        }],
      }],
    };
    try {
      return (await commit(test.shard, request, apiVersion))[0]!.partitions[0]!.errorCode;
    } catch (error) {
      return (error as ApiError).code;
    }
  };
  assertEquals(await send("a", 2, a.holds[0]!), ErrorCode.NONE);
  assertEquals(await send("a", 1, a.holds[0]!), ErrorCode.STALE_MEMBER_EPOCH);
  assertEquals(await send("a", 3, a.holds[0]!), ErrorCode.STALE_MEMBER_EPOCH);
  assertEquals(await send("a", 2, b.holds[0]!), ErrorCode.STALE_MEMBER_EPOCH);
  assertEquals(await send("c", 2, a.holds[0]!), ErrorCode.UNKNOWN_MEMBER_ID);
  assertEquals(await send("", -1, a.holds[0]!), ErrorCode.UNKNOWN_MEMBER_ID);
  assertEquals(await send("a", 2, a.holds[0]!, 8), ErrorCode.UNSUPPORTED_VERSION);
  const look = (memberId: string | null, memberEpoch: number) =>
    codeOf(
      (async () =>
        await fetch(test.shard, { groupId: "g", memberId, memberEpoch, topics: null }))(),
    );
  assertEquals(await look("a", 2), ErrorCode.NONE);
  assertEquals(await look("a", 1), ErrorCode.STALE_MEMBER_EPOCH);
  assertEquals(await look("c", 2), ErrorCode.UNKNOWN_MEMBER_ID);
  assertEquals(await look(null, -1), ErrorCode.NONE);
});

Deno.test("describeConsumerGroup() describes current and target assignments", async () => {
  await using test = await start();
  const [a, b] = [new Member(test, "a"), new Member(test, "b", { rackId: "r" })];
  await a.beat();
  await b.beat();
  const described = describeConsumerGroup(test.shard, "g")!;
  assertEquals(
    [described.groupState, described.groupEpoch, described.assignmentEpoch],
    ["Reconciling", 2, 2],
  );
  assertEquals(described.assignorName, "uniform");
  const [first, second] = described.members;
  assertEquals([first!.memberEpoch, second!.memberEpoch, second!.rackId], [1, 2, "r"]);
  assertEquals(first!.assignment.topicPartitions[0]!.partitions.length, 4);
  assertEquals(first!.targetAssignment.topicPartitions[0]!.partitions.length, 2);
  assertEquals(first!.assignment.topicPartitions[0]!.topicName, "t");
  assertEquals(second!.assignment.topicPartitions, []);
  assertEquals(first!.memberType, 1);
});
