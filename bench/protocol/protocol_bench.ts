/**
 * Benchmarks encoding and decoding of the messages that a busy broker spends its time on.
 *
 * `deno bench bench/protocol/protocol_bench.ts`
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { codec } from "../../protocol/schema/codec.ts";
import { fetch, metadata, produce } from "../../protocol/messages/mod.ts";
import { Reader } from "../../protocol/primitives/reader.ts";
import type { Encodable, Message } from "../../protocol/schema/schema.ts";
import { Writer } from "../../protocol/primitives/writer.ts";

const TOPIC = "orders.created.v1";
const PARTITIONS = 100;
const numbers = Array.from({ length: PARTITIONS }, (_, i) => i);

/** Benchmarks both directions of a message, after checking that it decodes to itself. */
function benchmark<M extends Message>(
  group: string,
  message: M,
  version: number,
  value: Encodable<M>,
): void {
  const { decode, encode } = codec(message, version);
  const writer = new Writer(64 * 1024);
  encode(writer, value as never);
  const bytes = writer.takeBytes();
  const again = new Writer();
  encode(again, decode(new Reader(bytes)) as never);
  assertEquals(again.takeBytes(), bytes);
  const size = `${bytes.length} bytes`;
  Deno.bench(`encode, ${size}`, { group }, () => {
    encode(writer, value as never);
    writer.take();
  });
  Deno.bench(`decode, ${size}`, { group }, () => {
    decode(new Reader(bytes));
  });
}

const batch = new Uint8Array(1000);
const largeBatch = new Uint8Array(100_000);

benchmark("Produce v9 request, 1 partition, 1 kB", produce.request, 9, {
  acks: -1,
  timeoutMs: 30_000,
  topicData: [{ name: TOPIC, partitionData: [{ index: 3, records: batch }] }],
});

benchmark("Produce v9 request, 10 partitions, 100 kB each", produce.request, 9, {
  acks: -1,
  timeoutMs: 30_000,
  topicData: [{
    name: TOPIC,
    partitionData: numbers.slice(0, 10).map((index) => ({ index, records: largeBatch })),
  }],
});

benchmark(`Produce v9 response, ${PARTITIONS} partitions`, produce.response, 9, {
  responses: [{
    name: TOPIC,
    partitionResponses: numbers.map((index) => ({
      index,
      errorCode: 0,
      baseOffset: 123_456_789 + index,
      logStartOffset: 0,
    })),
  }],
});

benchmark(`Fetch v12 request, ${PARTITIONS} partitions`, fetch.request, 12, {
  maxWaitMs: 500,
  minBytes: 1,
  topics: [{
    topic: TOPIC,
    partitions: numbers.map((partition) => ({
      partition,
      currentLeaderEpoch: 1,
      fetchOffset: 123_456_789 + partition,
      partitionMaxBytes: 1_048_576,
    })),
  }],
});

benchmark(`Fetch v12 response, ${PARTITIONS} partitions, 1 kB each`, fetch.response, 12, {
  responses: [{
    topic: TOPIC,
    partitions: numbers.map((partitionIndex) => ({
      partitionIndex,
      errorCode: 0,
      highWatermark: 123_456_789 + partitionIndex,
      lastStableOffset: 123_456_789 + partitionIndex,
      logStartOffset: 0,
      abortedTransactions: null,
      records: batch,
    })),
  }],
});

benchmark(`Metadata v12 response, 10 topics of ${PARTITIONS} partitions`, metadata.response, 12, {
  brokers: numbers.slice(0, 3).map((nodeId) => ({ nodeId, host: "kafka.local", port: 9092 })),
  topics: numbers.slice(0, 10).map((topic) => ({
    errorCode: 0,
    name: `${TOPIC}.${topic}`,
    partitions: numbers.map((partitionIndex) => ({
      errorCode: 0,
      partitionIndex,
      leaderId: 1,
      leaderEpoch: 5,
      replicaNodes: [1, 2, 3],
      isrNodes: [1, 2, 3],
    })),
  })),
});
