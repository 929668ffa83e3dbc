import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { describeTopicPartitions } from "../../../protocol/messages/topics/describe_topic_partitions.ts";
import type { RequestTo, ResponseOf } from "../../../protocol/schema/schema.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import { TestBroker } from "../../broker_testing.ts";
import { describeTopicPartitionsHandler } from "./describe_topic_partitions.ts";

type Request = RequestTo<typeof describeTopicPartitions>;

function call(broker: TestBroker, names: string[], more: Partial<Request> = {}) {
  return broker.call(describeTopicPartitions, describeTopicPartitionsHandler, 0, {
    topics: names.map((name) => ({ name })),
    ...more,
  });
}

function indexes({ topics }: ResponseOf<typeof describeTopicPartitions>) {
  return topics.map(({ name, partitions }) => [
    name,
    ...partitions.map(({ partitionIndex }) => partitionIndex),
  ]);
}

Deno.test("DescribeTopicPartitions describes topics, sorted by name (KIP-966)", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("b");
  await broker.createTopic("a");
  const { topics, nextCursor } = await call(broker, ["b", "a", "b"]);
  assertEquals(topics.map(({ name }) => name), ["a", "b"]);
  assertEquals(nextCursor, null);
  const { partitions, ...topic } = topics[0]!;
  assertEquals(topic, {
    errorCode: ErrorCode.NONE,
    name: "a",
    topicId: broker.topics.get("a")!.id,
    isInternal: false,
    topicAuthorizedOperations: 0b1101_1111_1000,
  });
  assertEquals(partitions, [{
    errorCode: ErrorCode.NONE,
    partitionIndex: 0,
    leaderId: 1,
    leaderEpoch: 0,
    replicaNodes: [1],
    isrNodes: [1],
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    offlineReplicas: [],
  }]);
});

Deno.test("DescribeTopicPartitions continues page by page at the cursor", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a", { partitions: 3 });
  await broker.createTopic("b", { partitions: 2 });
  await broker.createTopic("c", { partitions: 1 });
  const pages: unknown[] = [];
  let cursor: Request["cursor"] = null;
  do {
    const page = await call(broker, [], { responsePartitionLimit: 2, cursor });
    pages.push(indexes(page));
    cursor = page.nextCursor;
  } while (cursor !== null);
  assertEquals(pages, [[["a", 0, 1]], [["a", 2], ["b", 0]], [["b", 1], ["c", 0]]]);
});

Deno.test("DescribeTopicPartitions limits pages to max.request.partition.size.limit", async () => {
  await using broker = await TestBroker.start({
    config: { "max.request.partition.size.limit": 2 },
  });
  await broker.createTopic("a", { partitions: 2 });
  await broker.createTopic("b");
  const page = await call(broker, []);
  assertEquals(indexes(page), [["a", 0, 1]]);
  assertEquals(page.nextCursor, { topicName: "b", partitionIndex: 0 });
  assertEquals(indexes(await call(broker, [], { responsePartitionLimit: 0 })), [["a", 0]]);
});

Deno.test("DescribeTopicPartitions skips a deleted topic of a cursor", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  await broker.createTopic("c");
  const page = await call(broker, [], { cursor: { topicName: "b", partitionIndex: 1 } });
  assertEquals([indexes(page), page.nextCursor], [[["c", 0]], null]);
});

Deno.test("DescribeTopicPartitions returns an error for each unknown topic", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  const { topics } = await call(broker, ["gone", "a", "a/b"]);
  assertEquals(topics.map(({ name, errorCode, topicId }) => [name, errorCode, topicId]), [
    ["a", ErrorCode.NONE, broker.topics.get("a")!.id],
    ["a/b", ErrorCode.INVALID_TOPIC_EXCEPTION, ZERO_UUID],
    ["gone", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ZERO_UUID],
  ]);
});

Deno.test("DescribeTopicPartitions rejects a cursor outside the requested topics", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  const cursors = [{ topicName: "b", partitionIndex: 0 }, { topicName: "a", partitionIndex: -1 }];
  for (const cursor of cursors) {
    const { topics } = await call(broker, ["a"], { cursor });
    assertEquals(topics.map(({ errorCode }) => errorCode), [ErrorCode.INVALID_REQUEST]);
  }
  const all = await call(broker, [], { cursor: { topicName: "a", partitionIndex: -1 } });
  assertEquals(all.topics[0]!.errorCode, ErrorCode.INVALID_REQUEST);
});
