import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { RecordBatch, RecordBatchBuilder } from "../../protocol/records/mod.ts";
import { LogOfflineError, MemoryFileSystem, OffsetOutOfRangeError } from "../../storage/mod.ts";
import { errorCodeOf } from "../api_error.ts";
import { batchOf, TestBroker, valuesFrom } from "../broker_testing.ts";
import { BrokerConfig } from "../settings/config.ts";
import { HeldSyncFileSystem } from "../held_sync_testing.ts";
import { silentLogger } from "../logger.ts";
import type { Partition } from "./partition.ts";
import { TopicConfig } from "./topic_config.ts";
import { partitionStateOf } from "../cluster/topic_state_testing.ts";

const NOW_MS = 1_700_000_000_000;
const ANY = { maxBytes: 1 << 20, minOneBatch: true, isolationLevel: 0 };

function append(partition: Partition, acks: -1 | 0 | 1, ...values: string[]) {
  return partition.append(batchOf(values), { acks, nowMs: NOW_MS });
}

function codeThrown(fn: () => unknown): number {
  return errorCodeOf(assertThrows(fn), silentLogger);
}

async function codeRejected(promise: Promise<unknown>): Promise<number> {
  return errorCodeOf(await assertRejects(() => promise), silentLogger);
}

Deno.test("Partition.append() with acks=all and flush=commit is visible once it is on disk", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  let wakes = 0;
  partition.subscribe(() => wakes++);
  fs.hold();
  const { baseOffset, committed } = append(partition, -1, "one", "two");
  assertEquals([baseOffset, partition.logEndOffset, partition.highWatermark], [0, 2, 0]);
  assertEquals(await valuesFrom(partition, 0), []);
  assertEquals(wakes, 0);
  fs.release();
  await committed;
  assertEquals([partition.highWatermark, wakes], [2, 1]);
  assertEquals(await valuesFrom(partition, 0), ["one", "two"]);
});

Deno.test("Partition.append() with acks=1 is visible immediately, unless it follows one not yet on disk", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  fs.hold();
  assertEquals(append(partition, 1, "one").committed, undefined);
  assertEquals(partition.highWatermark, 1);
  const { committed } = append(partition, -1, "two");
  append(partition, 1, "three");
  append(partition, 0, "four");
  assertEquals(partition.highWatermark, 1);
  fs.release();
  await committed;
  assertEquals(await valuesFrom(partition, 0), ["one", "two", "three", "four"]);
});

Deno.test("Partition.append() becomes visible up to the next acks=all when a flush ends", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  fs.hold();
  const first = append(partition, -1, "one");
  await fs.begun(1);
  append(partition, 1, "two");
  const second = append(partition, -1, "three");
  append(partition, 1, "four");
  fs.release();
  fs.hold();
  await first.committed;
  assertEquals(partition.highWatermark, 2);
  fs.release();
  await second.committed;
  assertEquals(partition.highWatermark, 4);
});

Deno.test("Partition.append() shares one flush within a turn of the event loop", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  const appends = Array.from({ length: 50 }, (_, i) => append(partition, -1, String(i)).committed);
  await Promise.all(appends);
  assertEquals(fs.syncCount, 1);
  assertEquals(partition.highWatermark, 50);
});

Deno.test("Partition.append() shares one flush for all appends during another", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  fs.hold();
  const appends = [append(partition, -1, "first").committed];
  await fs.begun(1);
  for (let i = 1; i < 50; i++) {
    appends.push(append(partition, -1, String(i)).committed);
    await Promise.resolve();
  }
  assertEquals(partition.highWatermark, 0);
  fs.release();
  await Promise.all(appends);
  assertEquals(fs.syncCount, 2);
  assertEquals(partition.highWatermark, 50);
});

Deno.test("Partition.append() fails when its flush fails, and so do later appends", async () => {
  const fs = new HeldSyncFileSystem();
  const broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  await append(partition, -1, "kept").committed;
  fs.hold();
  const first = append(partition, -1, "one");
  await fs.begun(2);
  const second = append(partition, -1, "two");
  let wakes = 0;
  partition.subscribe(() => wakes++);
  fs.isFailing = true;
  fs.release();
  assertEquals(await codeRejected(first.committed!), ErrorCode.KAFKA_STORAGE_ERROR);
  assertEquals(await codeRejected(second.committed!), ErrorCode.KAFKA_STORAGE_ERROR);
  assertEquals([partition.isOffline, partition.highWatermark, wakes], [true, 1, 1]);
  assertInstanceOf(assertThrows(() => append(partition, 1, "three")), LogOfflineError);
  assertEquals(await valuesFrom(partition, 0), ["kept"]);
  await broker.close();
});

Deno.test("Partition.append() fails without a flush if the partition is deleted in the same turn", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  const { committed } = append(partition, -1, "one");
  partition.markDeleted();
  assertEquals(await codeRejected(committed!), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  assertEquals(fs.syncCount, 0);
});

Deno.test("Partition.append() with flush=os or interval is visible and acknowledged after the write", async () => {
  for (const flush of ["os", "interval"]) {
    const fs = new HeldSyncFileSystem();
    await using broker = await TestBroker.start({ fs });
    const partition = await broker.createTopic("a", { configs: new Map([["flush", flush]]) });
    assertEquals(append(partition, -1, "one").committed, undefined);
    assertEquals([partition.highWatermark, fs.syncCount], [1, 0]);
  }
});

Deno.test("Partition.append() with flush=interval is flushed within flush.ms", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const configs = new Map([["flush", "interval"], ["flush.ms", "500"]]);
  const partition = await broker.createTopic("a", { configs });
  append(partition, 1, "one");
  broker.clock.advance(400);
  append(partition, 1, "two");
  assertEquals(fs.syncCount, 0);
  broker.clock.advance(100);
  assertEquals(fs.syncCount, 1);
  broker.clock.advance(500);
  assertEquals(fs.syncCount, 1);
  append(partition, 1, "three");
  await partition.log.flush();
  assertEquals(partition.log.flushedOffset, 3);
});

Deno.test("Partition.append() is visible after a flush at flush.messages, whatever acks and flush", async (t) => {
  for (const flush of ["commit", "interval", "os"]) {
    for (const acks of [0, 1] as const) {
      await t.step(`flush=${flush} acks=${acks}`, async () => {
        const fs = new HeldSyncFileSystem();
        await using broker = await TestBroker.start({ fs });
        const configs = new Map([["flush", flush], ["flush.messages", "3"]]);
        const partition = await broker.createTopic("a", { configs });
        fs.hold();
        assertEquals(append(partition, acks, "one", "two").committed, undefined);
        assertEquals([partition.highWatermark, fs.syncCount], [2, 0]);
        const { committed } = append(partition, acks, "three");
        assertEquals(partition.highWatermark, 2);
        fs.release();
        await committed;
        assertEquals([partition.highWatermark, partition.log.flushedOffset], [3, 3]);
        // Counting restarts at each flush.
        assertEquals(append(partition, acks, "four", "five").committed, undefined);
        assertEquals([partition.highWatermark, partition.log.flushedOffset], [5, 3]);
      });
    }
  }
});

Deno.test("Partition.append() uses log.flush.interval.messages if the topic has no flush.messages", async () => {
  await using broker = await TestBroker.start({ config: { "log.flush.interval.messages": 1 } });
  const partition = await broker.createTopic("a");
  const { committed } = append(partition, 1, "one");
  assertEquals(partition.highWatermark, 0);
  await committed;
  assertEquals([partition.highWatermark, partition.log.flushedOffset], [1, 1]);
  const other = await broker.createTopic("b", { configs: new Map([["flush.messages", "2"]]) });
  assertEquals(append(other, 1, "one").committed, undefined);
});

Deno.test("Partition.append() is flushed within flush.ms, whatever flush is", async (t) => {
  for (const flush of ["commit", "os"]) {
    await t.step(`flush=${flush}`, async () => {
      const fs = new HeldSyncFileSystem();
      await using broker = await TestBroker.start({ fs });
      const configs = new Map([["flush", flush], ["flush.ms", "500"]]);
      const partition = await broker.createTopic("a", { configs });
      append(partition, 1, "one");
      broker.clock.advance(499);
      assertEquals(fs.syncCount, 0);
      broker.clock.advance(1);
      assertEquals(fs.syncCount, 1);
      await partition.log.flush();
    });
  }
});

Deno.test("Partition.append() with flush=interval is flushed within one second or log.flush.interval.ms", async () => {
  for (const [config, ms] of [[{}, 1000], [{ "log.flush.interval.ms": 70 }, 70]] as const) {
    const fs = new HeldSyncFileSystem();
    await using broker = await TestBroker.start({ fs, config });
    const configs = new Map([["flush", "interval"]]);
    const partition = await broker.createTopic("a", { configs });
    append(partition, 1, "one");
    broker.clock.advance(ms - 1);
    assertEquals(fs.syncCount, 0);
    broker.clock.advance(1);
    assertEquals(fs.syncCount, 1);
    await partition.log.flush();
  }
});

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

Deno.test("Partition.append() waits for a flush for a duplicate with acks=all of a visible append", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  const send = (acks: -1 | 1) =>
    partition.append(
      batchOf(["one"], { producerId: 7, producerEpoch: 0, baseSequence: 0 }),
      { acks, nowMs: NOW_MS },
    );
  fs.hold();
  send(1);
  const { committed } = send(-1);
  assertEquals([partition.highWatermark, partition.log.flushedOffset], [1, 0]);
  fs.release();
  await committed;
  assertEquals(partition.log.flushedOffset, 1);
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

Deno.test("Partition.logStartOffset shows no deletion that a crash could undo", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  append(partition, 1, "one", "two");
  fs.hold();
  const deleted = [partition.deleteRecordsBefore(2), partition.deleteRecordsBefore(1)];
  assertEquals(partition.logStartOffset, 0);
  fs.release();
  await Promise.all(deleted);
  assertEquals(partition.logStartOffset, 2);
});

Deno.test("Partition.read() rejects an offset that is being deleted once logStartOffset says so", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  append(partition, 1, "one", "two", "three");
  fs.hold();
  const deleted = partition.deleteRecordsBefore(2);
  const starts = [0, 1].map(async (offset) => {
    await assertRejects(async () => await partition.read(offset, ANY), OffsetOutOfRangeError);
    return partition.logStartOffset;
  });
  assertEquals(await valuesFrom(partition, 2), ["three"]);
  assertEquals(partition.logStartOffset, 0);
  fs.release();
  assertEquals(await Promise.all(starts), [2, 2]);
  await deleted;
  assertThrows(() => partition.read(1, ANY), OffsetOutOfRangeError);
});

Deno.test("Partition.read() rejects an offset in a segment that retention deletes once logStartOffset says so", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a", { configs: new Map([["retention.bytes", "0"]]) });
  append(partition, 1, "one");
  const retention = partition.applyRetention(Date.now());
  const startWhenRejected = async () => {
    for (;;) {
      try {
        await partition.read(0, ANY);
      } catch (error) {
        assertInstanceOf(error, OffsetOutOfRangeError);
        return partition.logStartOffset;
      }
    }
  };
  assertEquals(await startWhenRejected(), 1);
  assertEquals(await retention, 1);
});

Deno.test("Partition.read() is bounded by log start offset, log end offset and high watermark", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  append(partition, 1, "one", "two");
  await partition.deleteRecordsBefore(1);
  fs.hold();
  const { committed } = append(partition, -1, "three");
  assertThrows(() => partition.read(0, ANY), OffsetOutOfRangeError);
  assertThrows(() => partition.read(4, ANY), OffsetOutOfRangeError);
  for (const offset of [2, 3]) {
    assertEquals(partition.read(offset, ANY), { chunks: [], sizeInBytes: 0, nextOffset: offset });
  }
  assertEquals(await valuesFrom(partition, 1), ["two"]);
  fs.release();
  await committed;
});

Deno.test("Partition.read() from within a batch returns the batch that contains the offset", async () => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("a");
  append(partition, 1, "one", "two", "three");
  append(partition, 1, "four");
  const { chunks } = await partition.read(1, { ...ANY, maxBytes: 1 });
  assertEquals(new RecordBatch(chunks[0]!).baseOffset, 0);
  assertEquals(await valuesFrom(partition, 1), ["two", "three", "four"]);
});

Deno.test("Partition.deleteRecordsBefore() moves the log start offset, wakes waiters and is durable (KIP-107)", async () => {
  const fs = new MemoryFileSystem();
  const broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  await append(partition, -1, "one", "two", "three").committed;
  let wakes = 0;
  partition.subscribe(() => wakes++);
  assertEquals(await partition.deleteRecordsBefore(2), 2);
  assertEquals(await partition.deleteRecordsBefore(1), 2);
  assertEquals(wakes, 1);
  const outOfRange = ErrorCode.OFFSET_OUT_OF_RANGE;
  assertEquals(await codeRejected(partition.deleteRecordsBefore(4)), outOfRange);
  assertEquals(await codeRejected(partition.deleteRecordsBefore(-2)), outOfRange);
  await using after = await TestBroker.start({ fs: fs.clone({ unsynced: "lost" }) });
  const found = after.topics.partition("a", 0)!;
  assertEquals([found.logStartOffset, found.highWatermark], [2, 3]);
  assertEquals(await partition.deleteRecordsBefore(-1), 3);
  await broker.close();
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
