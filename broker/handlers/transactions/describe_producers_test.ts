import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { describeProducers } from "../../../protocol/messages/transactions/describe_producers.ts";
import { batchOf, TestBroker } from "../../broker_testing.ts";
import { describeProducersHandler } from "./describe_producers.ts";

const TIMESTAMP = 1_700_000_000_000;

function describe(broker: TestBroker, topics: { name: string; partitionIndexes: number[] }[]) {
  return broker.call(describeProducers, describeProducersHandler, 0, { topics });
}

Deno.test("DescribeProducers returns the state of idempotent producers (KIP-664)", async () => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("t", { partitions: 2 });
  const append = (producerId: number, baseSequence: number, values: string[]) =>
    partition.append(
      batchOf(values, { producerId, producerEpoch: 3, baseSequence, timestamp: TIMESTAMP }),
      { acks: 1, nowMs: TIMESTAMP },
    );
  append(7, 0, ["a", "b"]);
  append(7, 2, ["c"]);
  append(8, 0, ["d"]);
  partition.append(batchOf(["of nobody"]), { acks: 1, nowMs: TIMESTAMP });
  const { topics } = await describe(broker, [{ name: "t", partitionIndexes: [0, 1] }]);
  const producer = {
    producerEpoch: 3,
    lastTimestamp: TIMESTAMP,
    coordinatorEpoch: -1,
    currentTxnStartOffset: -1,
  };
  assertEquals(topics[0]!.partitions.map((found) => found.activeProducers), [
    [
      { ...producer, producerId: 7, lastSequence: 2 },
      { ...producer, producerId: 8, lastSequence: 0 },
    ],
    [],
  ]);
});

Deno.test("DescribeProducers returns each partition once, and an error for unknown ones", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("t");
  const { topics } = await describe(broker, [
    { name: "t", partitionIndexes: new Array(1000).fill(0) },
    { name: "t", partitionIndexes: [0, 9] },
    { name: "unknown", partitionIndexes: [0] },
    { name: "a b", partitionIndexes: [0] },
  ]);
  const found = topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, errorCode }) => [name, partitionIndex, errorCode])
  );
  assertEquals(found, [
    ["t", 0, ErrorCode.NONE],
    ["t", 9, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ["unknown", 0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ["a b", 0, ErrorCode.INVALID_TOPIC_EXCEPTION],
  ]);
});
