import { assertEquals, assertNotEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { createTopics } from "../../../protocol/messages/topics/create_topics.ts";
import type { RequestTo } from "../../../protocol/schema/schema.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import { TestBroker } from "../../broker_testing.ts";
import { HeldSyncFileSystem } from "../../held_sync_testing.ts";
import { createTopicsHandler } from "./create_topics.ts";

type Request = RequestTo<typeof createTopics>;
type Topic = Request["topics"][number];

function topic(name: string, more: Partial<Topic> = {}): Topic {
  return { name, numPartitions: 1, replicationFactor: 1, ...more };
}

function call(broker: TestBroker, topics: Topic[], apiVersion = 7, more: Partial<Request> = {}) {
  return broker.call(createTopics, createTopicsHandler, apiVersion, { topics, ...more });
}

Deno.test("CreateTopics returns each topic in request order, in every version", async (t) => {
  for (let version = 0; version <= 7; version++) {
    await t.step(`version ${version}`, async () => {
      await using broker = await TestBroker.start();
      await broker.createTopic("taken");
      const { topics } = await call(broker, [
        topic("b", { numPartitions: 3 }),
        topic("taken"),
        topic("a b"),
        topic("a"),
      ], version);
      assertEquals(topics.map(({ name, errorCode }) => [name, errorCode]), [
        ["b", ErrorCode.NONE],
        ["taken", ErrorCode.TOPIC_ALREADY_EXISTS],
        ["a b", ErrorCode.INVALID_TOPIC_EXCEPTION],
        ["a", ErrorCode.NONE],
      ]);
      assertEquals(broker.topics.get("b")!.partitions.length, 3);
      assertEquals(topics[0]!.numPartitions, version >= 5 ? 3 : -1);
      assertEquals(
        topics[0]!.topicId,
        version >= 7 ? broker.topics.get("b")!.id : ZERO_UUID,
      );
    });
  }
});

Deno.test("CreateTopics uses the broker's defaults for -1 (KIP-464)", async () => {
  await using broker = await TestBroker.start({ config: { "num.partitions": 4 } });
  const { topics } = await call(broker, [
    topic("a", { numPartitions: -1, replicationFactor: -1 }),
  ], 4);
  assertEquals(topics[0]!.errorCode, ErrorCode.NONE);
  assertEquals(broker.topics.get("a")!.partitions.length, 4);
});

Deno.test("CreateTopics returns the settings and their sources (KIP-525)", async () => {
  await using broker = await TestBroker.start({ config: { "log.segment.bytes": 4_194_304 } });
  const { topics } = await call(broker, [
    topic("a", { configs: [{ name: "retention.ms", value: "9" }] }),
  ]);
  const configOf = (name: string) => topics[0]!.configs!.find((config) => config.name === name)!;
  assertEquals([configOf("retention.ms").value, configOf("retention.ms").configSource], ["9", 1]);
  assertEquals([configOf("segment.bytes").value, configOf("segment.bytes").configSource], [
    "4194304",
    4,
  ]);
  assertEquals(configOf("cleanup.policy"), {
    name: "cleanup.policy",
    value: "delete",
    readOnly: false,
    configSource: 5,
    isSensitive: false,
  });
  assertEquals([topics[0]!.replicationFactor, topics[0]!.topicConfigErrorCode], [1, 0]);
});

Deno.test("CreateTopics rejects a duplicate topic with INVALID_REQUEST and creates the others", async () => {
  await using broker = await TestBroker.start();
  const { topics } = await call(broker, [topic("a"), topic("b"), topic("a", { numPartitions: 2 })]);
  assertEquals(topics.map(({ name, errorCode }) => [name, errorCode]), [
    ["a", ErrorCode.INVALID_REQUEST],
    ["b", ErrorCode.NONE],
  ]);
  assertEquals(broker.topics.get("a"), undefined);
});

Deno.test("CreateTopics accepts only assignments of each partition to this broker", async () => {
  await using broker = await TestBroker.start();
  const assigned = (...of: [number, number[]][]) => ({
    numPartitions: -1,
    replicationFactor: -1,
    assignments: of.map(([partitionIndex, brokerIds]) => ({ partitionIndex, brokerIds })),
  });
  const invalid = ErrorCode.INVALID_REPLICA_ASSIGNMENT;
  const { topics } = await call(broker, [
    topic("fine", assigned([1, [1]], [0, [1]])),
    topic("other broker", assigned([0, [2]])),
    topic("other-broker", assigned([0, [2]])),
    topic("gap", assigned([0, [1]], [2, [1]])),
    topic("twice", assigned([0, [1]], [0, [1]])),
    topic("count-too", { ...assigned([0, [1]]), numPartitions: 1 }),
  ]);
  assertEquals(topics.map(({ errorCode }) => errorCode), [
    ErrorCode.NONE,
    ErrorCode.INVALID_TOPIC_EXCEPTION,
    invalid,
    invalid,
    invalid,
    ErrorCode.INVALID_REQUEST,
  ]);
  assertEquals(broker.topics.get("fine")!.partitions.length, 2);
});

Deno.test("CreateTopics rejects unsupported requests with a reason", async () => {
  await using broker = await TestBroker.start();
  const config = (name: string, value: string | null) => ({ configs: [{ name, value }] });
  const { topics } = await call(broker, [
    topic("a", config("cleanup.policy", "shred")),
    topic("b", config("no.such", "1")),
    topic("c", config("retention.ms", null)),
    topic("d", { replicationFactor: 3 }),
  ]);
  assertEquals(topics.map(({ errorCode }) => errorCode), [
    ErrorCode.INVALID_CONFIG,
    ErrorCode.INVALID_CONFIG,
    ErrorCode.INVALID_CONFIG,
    ErrorCode.INVALID_REPLICATION_FACTOR,
  ]);
  assertEquals(
    topics[3]!.errorMessage,
    "Cannot place 3 replicas of a partition: the cluster has 1 broker",
  );
  assertEquals([...broker.topics.all()], []);
});

Deno.test("CreateTopics only validates with validateOnly", async () => {
  await using broker = await TestBroker.start();
  const { topics } = await call(broker, [topic("a"), topic("?")], 7, { validateOnly: true });
  assertEquals(topics.map(({ errorCode }) => errorCode), [
    ErrorCode.NONE,
    ErrorCode.INVALID_TOPIC_EXCEPTION,
  ]);
  assertEquals(broker.topics.get("a"), undefined);
});

Deno.test("CreateTopics rejects more than 10,000 partitions per request with POLICY_VIOLATION", async () => {
  await using broker = await TestBroker.start();
  const { topics } = await call(broker, [
    topic("a", { numPartitions: 6000 }),
    topic("b", { numPartitions: 6000 }),
  ]);
  assertEquals(topics.map(({ errorCode }) => errorCode), [
    ErrorCode.POLICY_VIOLATION,
    ErrorCode.POLICY_VIOLATION,
  ]);
});

Deno.test("CreateTopics returns NOT_CONTROLLER if another broker is the controller", async () => {
  await using broker = await TestBroker.start();
  const value = new TextEncoder().encode('{"brokerId":2}');
  const changed = new Promise<void>((resolve) => broker.cluster.onChange(() => resolve()));
  await broker.store.commit([{ key: "controller", value }]);
  await changed;
  const { topics } = await call(broker, [topic("a")]);
  assertEquals(topics[0]!.errorCode, ErrorCode.NOT_CONTROLLER);
});

Deno.test("CreateTopics returns REQUEST_TIMED_OUT after the request's timeout", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  fs.holdsMetadata = true;
  fs.hold();
  const answer = call(broker, [topic("a")], 7, { timeoutMs: 100 });
  await broker.clock.yield();
  broker.clock.advance(100);
  assertEquals((await answer).topics[0]!.errorCode, ErrorCode.REQUEST_TIMED_OUT);
  fs.release();
  await broker.topics.autoCreate("a", true);
  assertNotEquals(broker.topics.get("a"), undefined);
});
