import { assertEquals, assertInstanceOf } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { RecordBatch, RecordBatchBuilder } from "../../protocol/records/mod.ts";
import { batchOf, TestBroker, valuesFrom } from "../broker_testing.ts";
import { BrokerConfig } from "../settings/config.ts";
import { HeldSyncFileSystem } from "../held_sync_testing.ts";
import type { Partition } from "./partition.ts";
import { TopicConfig } from "./topic_config.ts";
import { partitionStateOf } from "../cluster/topic_state_testing.ts";
import { ANY, append, codeRejected, codeThrown, NOW_MS } from "./partition_testing.ts";

Deno.test("Partition.append() rolls up to segment.jitter.ms before segment.ms, differently per partition", async () => {
  await using broker = await TestBroker.start();
  const segmentsAfter = async (name: string, waitMs: number, configs: [string, string][]) => {
    await broker.createTopic(name, {
      partitions: 20,
      configs: new Map([["segment.ms", "1000"], ...configs]),
    });
    return broker.topics.get(name)!.partitions.map((partition) => {
      for (const timestamp of [NOW_MS, NOW_MS + waitMs]) {
        partition!.append(batchOf(["one"], { timestamp }), { acks: 1, nowMs: timestamp });
      }
      return partition!.log.segments.length;
    });
  };
  const jitter: [string, string] = ["segment.jitter.ms", "1000"];
  assertEquals(new Set(await segmentsAfter("plain", 1000, [])), new Set([1]));
  assertEquals(new Set(await segmentsAfter("half", 500, [jitter])), new Set([1, 2]));
  assertEquals(new Set(await segmentsAfter("full", 1001, [jitter])), new Set([2]));
});

Deno.test("Partition.append() returns the original offset of a duplicate once it is on disk (KIP-98)", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  await append(partition, -1, "other").committed;
  const send = () =>
    partition.append(
      batchOf(["one", "two"], { producerId: 7, producerEpoch: 0, baseSequence: 0 }),
      { acks: -1, nowMs: NOW_MS },
    );
  fs.hold();
  const first = send();
  const early = send();
  assertEquals([first.baseOffset, early.baseOffset, partition.logEndOffset], [1, 1, 3]);
  assertInstanceOf(early.committed, Promise);
  fs.release();
  await Promise.all([first.committed, early.committed]);
  const late = send();
  assertEquals([late.baseOffset, late.committed, partition.highWatermark], [1, undefined, 3]);
});

Deno.test("Partition.append() rejects what Kafka rejects and leaves the log unchanged", async () => {
  await using broker = await TestBroker.start();
  const configs = new Map([["max.message.bytes", "200"]]);
  const partition = await broker.createTopic("a", { configs });
  const wrongCrc = batchOf(["x"]);
  wrongCrc.bytes[wrongCrc.bytes.length - 1]! ^= 1;
  const wrongCount = batchOf(["x"]);
  new DataView(wrongCount.bytes.buffer).setInt32(57, 2);
  wrongCount.setMaxTimestamp(NOW_MS);
  const stamped = batchOf(["x"]);
  stamped.setLogAppendTime(NOW_MS);
  const offset = batchOf(["x"], { baseOffset: 5 });
  const cases: [RecordBatch, number][] = [
    [wrongCrc, ErrorCode.CORRUPT_MESSAGE],
    [wrongCount, ErrorCode.INVALID_RECORD],
    [offset, ErrorCode.INVALID_RECORD],
    [batchOf(["x"], { isControl: true }), ErrorCode.INVALID_RECORD],
    [batchOf(["x"], { producerId: 1, producerEpoch: 0 }), ErrorCode.INVALID_RECORD],
    [batchOf(["x"], { isTransactional: true }), ErrorCode.INVALID_RECORD],
    [
      batchOf(["x"], {
        isTransactional: true,
        producerId: 1,
        producerEpoch: 0,
        baseSequence: 0,
      }),
      ErrorCode.INVALID_TXN_STATE,
    ],
    [batchOf(["x".repeat(200)]), ErrorCode.MESSAGE_TOO_LARGE],
    [stamped, ErrorCode.INVALID_TIMESTAMP],
    [batchOf(["x"], { timestamp: NOW_MS + 3_600_001 }), ErrorCode.INVALID_TIMESTAMP],
  ];
  for (const [batch, code] of cases) {
    assertEquals(codeThrown(() => partition.append(batch, { acks: 1, nowMs: NOW_MS })), code);
  }
  append(partition, 1, "fine");
  assertEquals(await valuesFrom(partition, 0), ["fine"]);
});

Deno.test("Partition.append() rejects records without keys on a compacted topic with INVALID_RECORD", async () => {
  await using broker = await TestBroker.start();
  const configs = new Map([["cleanup.policy", "delete,compact"]]);
  const partition = await broker.createTopic("a", { configs });
  const append = (...keys: (string | null)[]) => {
    const builder = new RecordBatchBuilder();
    for (const key of keys) builder.append(NOW_MS, key, "x");
    return partition.append(new RecordBatch(builder.build()), { acks: 1, nowMs: NOW_MS });
  };
  assertEquals(codeThrown(() => append("k", null)), ErrorCode.INVALID_RECORD);
  assertEquals(append("k", "").baseOffset, 0);
  assertEquals(partition.logEndOffset, 2);
});

Deno.test("Partition.append() rejects a sequence gap and an old epoch with Kafka's codes", async () => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("a");
  const send = (producerEpoch: number, baseSequence: number) =>
    partition.append(
      batchOf(["x"], { producerId: 7, producerEpoch, baseSequence }),
      { acks: 1, nowMs: NOW_MS },
    );
  send(1, 0);
  assertEquals(codeThrown(() => send(1, 2)), ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
  assertEquals(codeThrown(() => send(0, 1)), ErrorCode.INVALID_PRODUCER_EPOCH);
  assertEquals(codeThrown(() => send(2, 1)), ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
  assertEquals(send(1, 1).baseOffset, 1);
});

Deno.test("Partition.append() requires at most all replicas, whatever min.insync.replicas is", async (t) => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("a", {
    configs: new Map([["min.insync.replicas", "2"]]),
  });
  await t.step("a single in-sync replica is enough if there is one, with any acks", async () => {
    assertEquals(append(partition, -1, "x").baseOffset, 0);
    assertEquals(append(partition, 1, "x").baseOffset, 1);
    assertEquals(append(partition, 0, "x").baseOffset, 2);
    await partition.append(batchOf(["x"]), { acks: -1, nowMs: NOW_MS }).committed;
  });
  await t.step("fewer in-sync replicas fail with NOT_ENOUGH_REPLICAS", () => {
    const { leaderId, leaderEpoch } = partition;
    partition.updateState(
      partitionStateOf({ leaderId, leaderEpoch, isr: [leaderId], replicas: [leaderId, 7] }),
    );
    assertEquals(codeThrown(() => append(partition, -1, "x")), ErrorCode.NOT_ENOUGH_REPLICAS);
    append(partition, 1, "x");
    append(partition, 0, "x");
  });
  await t.step("a change of the setting takes effect immediately", () => {
    partition.updateConfig(new TopicConfig(new BrokerConfig(), new Map()));
    append(partition, -1, "x");
  });
});

Deno.test("Partition.append() writes internal topics with min.insync.replicas=2 on the broker", async () => {
  await using broker = await TestBroker.start({ config: { "min.insync.replicas": 2 } });
  const partition = await broker.createTopic("__consumer_offsets", { isInternal: true });
  const options = { acks: -1, nowMs: NOW_MS, isInternal: true } as const;
  await partition.append(batchOf(["x"]), options).committed;
  assertEquals(await valuesFrom(partition, 0), ["x"]);
});

Deno.test("Partition.append() rejects clients' batches for internal topics and accepts the broker's", async () => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("__consumer_offsets", { isInternal: true });
  assertEquals(codeThrown(() => append(partition, 1, "x")), ErrorCode.INVALID_TOPIC_EXCEPTION);
  partition.append(batchOf(["x"]), { acks: 1, nowMs: NOW_MS, isInternal: true });
  assertEquals(await valuesFrom(partition, 0), ["x"]);
});

Deno.test("Partition.append() sets timestamps with message.timestamp.type=LogAppendTime", async () => {
  await using broker = await TestBroker.start();
  const configs = new Map([["message.timestamp.type", "LogAppendTime"]]);
  const partition = await broker.createTopic("a", { configs });
  const result = partition.append(batchOf(["x"], { timestamp: 5 }), { acks: 1, nowMs: NOW_MS + 9 });
  assertEquals(result.logAppendTimeMs, NOW_MS + 9);
  const { chunks } = await partition.read(0, ANY);
  const batch = new RecordBatch(chunks[0]!);
  assertEquals([batch.timestampType, batch.maxTimestamp], [1, NOW_MS + 9]);
  batch.ensureValid();
});

Deno.test("Partition.append() corrects a max timestamp that kafkajs compared as text", async () => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("a");
  for (const [max, compression] of [[5, 0], [1, 1]] as const) {
    const batch = batchOf(["x"], { timestamp: 10, compression });
    batch.setMaxTimestamp(max);
    partition.append(batch, { acks: 1, nowMs: NOW_MS });
  }
  assertEquals((await partition.maxTimestampOffset())?.timestamp, 10);
  const { chunks } = await partition.read(0, ANY);
  assertEquals(new RecordBatch(chunks[0]!).maxTimestamp, 10);
});

Deno.test("Partition.endOffsetForEpoch() returns what Kafka's leader returns (KIP-320)", async () => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("a");
  const at = (leaderEpoch: number) => partitionStateOf({ leaderEpoch });
  assertEquals(partition.endOffsetForEpoch(0), { epoch: 0, endOffset: 0 });
  append(partition, 1, "one", "two");
  partition.updateState(at(3));
  assertEquals(partition.endOffsetForEpoch(1), { epoch: 0, endOffset: 2 });
  append(partition, 1, "three");
  assertEquals(partition.firstEpoch, 0);
  partition.updateState(at(5));
  const expected: [number, number, number][] = [
    [-1, -1, -1],
    [0, 0, 2],
    [1, 0, 2],
    [3, 3, 3],
    [4, 3, 3],
    [5, 5, 3],
    [6, -1, -1],
  ];
  for (const [asked, epoch, endOffset] of expected) {
    assertEquals(partition.endOffsetForEpoch(asked), { epoch, endOffset }, `epoch ${asked}`);
  }
  await partition.deleteRecordsBefore(2);
  assertEquals(partition.firstEpoch, 3);
  await partition.deleteRecordsBefore(3);
  assertEquals(partition.firstEpoch, 5);
});

Deno.test("Partition.updateState() wakes waiters when the leader changes, and later calls fail", async () => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("a");
  let wakes = 0;
  const end = partition.subscribe(() => wakes++);
  partition.updateState(
    partitionStateOf({ leaderId: 2, leaderEpoch: 1, replicas: [2, 3] }),
  );
  assertEquals([wakes, partition.isLeader, partition.isr], [1, false, [2, 3]]);
  const notLeader = ErrorCode.NOT_LEADER_OR_FOLLOWER;
  assertEquals(codeThrown(() => append(partition, 1, "x")), notLeader);
  assertEquals(codeThrown(() => partition.read(0, ANY)), notLeader);
  assertEquals(await codeRejected(partition.deleteRecordsBefore(0)), notLeader);
  end();
  partition.updateState(partitionStateOf({ leaderId: 1, leaderEpoch: 2, replicas: [1], isr: [1] }));
  assertEquals(wakes, 1);
});

Deno.test("Partition.updateState() commits in a new epoch what the one before left uncommitted", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  fs.hold();
  const { committed } = append(partition, -1, "x");
  await fs.begun(1);
  const { leaderId, leaderEpoch } = partition;
  const ids = { isr: [leaderId], replicas: [leaderId] };
  partition.updateState(partitionStateOf({ leaderId, leaderEpoch: leaderEpoch + 1, ...ids }));
  assertEquals(await codeRejected(committed!), ErrorCode.NOT_LEADER_OR_FOLLOWER);
  assertEquals(partition.highWatermark, 0);
  const advanced = Promise.withResolvers<void>();
  partition.subscribe(() => partition.highWatermark > 0 && advanced.resolve());
  fs.release();
  await advanced.promise;
  assertEquals(await valuesFrom(partition, 0), ["x"]);
});

Deno.test("Partition.updateState() commits at a new epoch what the one before had not committed", async (t) => {
  const next = (leaderEpoch: number) => partitionStateOf({ leaderEpoch });
  await t.step("appended", async () => {
    await using broker = await TestBroker.start();
    const partition = await broker.createTopic("a");
    const { committed } = append(partition, -1, "one");
    partition.updateState(next(1));
    assertEquals(await codeRejected(committed!), ErrorCode.NOT_LEADER_OR_FOLLOWER);
    await partition.log.flush();
    await until(partition, 1);
  });
  await t.step("appended and being flushed, with more after it", async () => {
    await using broker = await TestBroker.start();
    const partition = await broker.createTopic("a");
    const first = append(partition, -1, "one").committed!;
    await Promise.resolve();
    const second = append(partition, -1, "two").committed!;
    partition.updateState(next(1));
    partition.updateState(next(2));
    for (const committed of [first, second]) {
      assertEquals(await codeRejected(committed), ErrorCode.NOT_LEADER_OR_FOLLOWER);
    }
    await until(partition, 2);
    assertEquals(await valuesFrom(partition, 0), ["one", "two"]);
  });
});

/** Resolves when a partition has a high watermark. */
async function until(partition: Partition, offset: number): Promise<void> {
  while (partition.highWatermark < offset) await new Promise((resolve) => setTimeout(resolve));
  assertEquals(partition.highWatermark, offset);
}
