import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import { ManualClock } from "../time/clock.ts";
import { BrokerConfig } from "../settings/config.ts";
import { silentLogger } from "../logger.ts";
import { partitionOf } from "../coordinators/coordinator_topic.ts";
import { GroupCoordinator } from "./group_coordinator.ts";
import { joinGroup } from "./membership.ts";
import { MemoryOffsetsTopic, MemoryTopics } from "./testing.ts";

function start(topic: MemoryOffsetsTopic): GroupCoordinator {
  return GroupCoordinator.start({
    topic,
    topics: new MemoryTopics(),
    config: BrokerConfig.from({}),
    clock: new ManualClock(),
    logger: silentLogger,
  });
}

function codeOf(act: () => unknown): number {
  return assertThrows(act, ApiError).code;
}

Deno.test("partitionOf() uses the absolute value of Java's hash, as Kafka does", () => {
  assertEquals(partitionOf("", 50), 0);
  assertEquals(partitionOf("test", 50), 3556498 % 50);
  // In Java "Hello World".hashCode() is -862545276.
  assertEquals(partitionOf("Hello World", 50), 862545276 % 50);
  // Its hash is the minimum int, which has no absolute value.
  assertEquals(partitionOf("polygenelubricants", 50), 0);
});

Deno.test("GroupCoordinator has no shard until the topic is created, and creates it once", async () => {
  const topic = new MemoryOffsetsTopic(3, false);
  let creations = 0;
  const create = topic.create.bind(topic);
  topic.create = () => {
    creations++;
    return create();
  };
  await using coordinator = start(topic);
  assertEquals(codeOf(() => coordinator.shardOf("g")), ErrorCode.NOT_COORDINATOR);
  const found = await Promise.all([coordinator.findPartition("g"), coordinator.findPartition("g")]);
  assertEquals(found, [partitionOf("g", 3), partitionOf("g", 3)]);
  assertEquals(creations, 1);
  assertEquals(coordinator.shardOf("g").index, found[0]);
});

Deno.test("GroupCoordinator.findPartition() fails if the topic cannot be created", async () => {
  const topic = new MemoryOffsetsTopic(3, false);
  topic.create = () => Promise.reject(new Error("no"));
  await using coordinator = start(topic);
  const error = await assertRejects(() => coordinator.findPartition("g"), ApiError);
  assertEquals(error.code, ErrorCode.COORDINATOR_NOT_AVAILABLE);
});

Deno.test("GroupCoordinator coordinates only groups in partitions led by this broker", async () => {
  const topic = new MemoryOffsetsTopic(2);
  const { log } = MemoryOffsetsTopic.prototype;
  topic.log = (index) => index === partitionOf("g", 2) ? log.call(topic, index) : undefined;
  await using coordinator = start(topic);
  await coordinator.loaded();
  assertEquals(coordinator.shardOf("g").isActive, true);
  assertEquals(coordinator.shards.length, 1);
  const other = ["a", "b", "c"].find((groupId) => partitionOf(groupId, 2) !== partitionOf("g", 2))!;
  assertEquals(codeOf(() => coordinator.shardOf(other)), ErrorCode.NOT_COORDINATOR);
});

Deno.test("GroupCoordinator serves a shard when it is loaded, and fails one that cannot be", async () => {
  const topic = new MemoryOffsetsTopic(2);
  const gate = Promise.withResolvers<void>();
  topic.logs[0]!.replay = () => gate.promise;
  topic.logs[1]!.replay = () => Promise.reject(new Error("The disk is gone"));
  await using coordinator = start(topic);
  const [slow, broken] = coordinator.shards;
  assertEquals(codeOf(() => slow!.ensureActive()), ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  gate.resolve();
  await coordinator.loaded();
  slow!.ensureActive();
  assertEquals(codeOf(() => broken!.ensureActive()), ErrorCode.NOT_COORDINATOR);
});

Deno.test("GroupCoordinator.close() aborts loading and later requests", async () => {
  const topic = new MemoryOffsetsTopic(1);
  topic.logs[0]!.replay = (_visit, signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const coordinator = start(topic);
  await coordinator.close();
  await coordinator.close();
  assertEquals(codeOf(() => coordinator.shardOf("g")), ErrorCode.COORDINATOR_NOT_AVAILABLE);
});

Deno.test("GroupCoordinator loads groups when this broker becomes the leader, and unloads them when another does", async () => {
  const topic = new MemoryOffsetsTopic(2);
  const index = partitionOf("g", 2);
  topic.elect(index, undefined);
  await using coordinator = start(topic);
  await coordinator.loaded();
  const [other] = coordinator.shards;
  assertEquals(codeOf(() => coordinator.shardOf("g")), ErrorCode.NOT_COORDINATOR);
  const gate = Promise.withResolvers<void>();
  topic.logs[index]!.replay = () => gate.promise;
  topic.elect(index, 1);
  assertEquals(codeOf(() => coordinator.shardOf("g")), ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  gate.resolve();
  await coordinator.loaded();
  const shard = coordinator.shardOf("g");
  assertEquals(shard.index, index);
  topic.elect(index, undefined);
  assertEquals(shard.isActive, false);
  assertEquals(codeOf(() => shard.ensureActive()), ErrorCode.NOT_COORDINATOR);
  assertEquals(codeOf(() => coordinator.shardOf("g")), ErrorCode.NOT_COORDINATOR);
  assertEquals(coordinator.shards, [other!]);
});

Deno.test("GroupCoordinator loads a partition again that this broker leads in another epoch, and no other", async () => {
  const topic = new MemoryOffsetsTopic(2);
  await using coordinator = start(topic);
  await coordinator.loaded();
  const [first, second] = coordinator.shards;
  topic.changed();
  assertEquals(coordinator.shards, [first!, second!]);
  topic.elect(1, 5);
  assertEquals(coordinator.shards[0], first);
  assertEquals(second!.isActive, false);
  await coordinator.loaded();
  assertEquals(coordinator.shards[1]!.isActive, true);
});

Deno.test("GroupCoordinator follows a topic that another broker has created", async () => {
  const topic = new MemoryOffsetsTopic(2, false);
  await using coordinator = start(topic);
  assertEquals(coordinator.shards.length, 0);
  await topic.create();
  topic.changed();
  await coordinator.loaded();
  assertEquals(coordinator.shards.length, 2);
  assertEquals(coordinator.shardOf("g").index, partitionOf("g", 2));
});

Deno.test("GroupCoordinator answers JoinGroup with NOT_COORDINATOR when it is no longer the leader", async () => {
  const topic = new MemoryOffsetsTopic(1);
  await using coordinator = start(topic);
  await coordinator.loaded();
  const waiting = joinGroup(coordinator.shardOf("g"), {
    groupId: "g",
    memberId: "",
    groupInstanceId: null,
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: new Uint8Array() }],
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    reason: null,
  }, { clientId: "c", clientHost: "/127.0.0.1", apiVersion: 3 });
  topic.elect(0, undefined);
  assertEquals((await waiting).errorCode, ErrorCode.NOT_COORDINATOR);
});

Deno.test("GroupCoordinator.shardOf() answers only where this broker is sure to lead", async () => {
  const topic = new MemoryOffsetsTopic(2);
  await using coordinator = start(topic);
  await coordinator.loaded();
  const [first, second] = [0, 1].map((index) =>
    ["a", "b", "c", "d", "e"].find((id) => partitionOf(id, 2) === index)!
  );
  topic.unserved.add(0);
  assertEquals(codeOf(() => coordinator.shardOf(first!)), ErrorCode.COORDINATOR_NOT_AVAILABLE);
  assertEquals(coordinator.shardOf(second!).index, 1);
  topic.unserved.clear();
  assertEquals(coordinator.shardOf(first!).index, 0);
});
