import { assertEquals } from "@std/assert";
import { CompressionType } from "../protocol/compression/mod.ts";
import { Random } from "../protocol/random_testing.ts";
import { RecordBatch, RecordBatchBuilder } from "../protocol/records/mod.ts";
import { MemoryFileSystem } from "../storage/mod.ts";
import { batchOf, TestBroker } from "./broker_testing.ts";
import { HeldSyncFileSystem } from "./held_sync_testing.ts";
import { createLogger } from "./logger.ts";
import { Maintenance } from "./maintenance.ts";
import type { Partition } from "./topics/partition.ts";

function start(broker: TestBroker): Maintenance {
  const { topics, config, clock, logger } = broker.context;
  return Maintenance.start({ directory: broker.directory, topics, config, clock, logger });
}

Deno.test("Maintenance applies retention every log.retention.check.interval.ms", async () => {
  await using broker = await TestBroker.start({
    config: { "log.retention.check.interval.ms": 500 },
  });
  const configs = new Map([["retention.ms", "100"], ["internal.segment.bytes", "1024"]]);
  const partition = await broker.createTopic("a", { configs });
  const fill = () => {
    const timestamp = broker.clock.now();
    const batch = batchOf(["x".repeat(900)], { timestamp });
    return partition.append(batch, { acks: 1, nowMs: timestamp });
  };
  for (let i = 0; i < 3; i++) fill();
  const maintenance = start(broker);
  const { timerCount } = broker.clock;
  broker.clock.advance(499);
  assertEquals(partition.logStartOffset, 0);
  broker.clock.advance(1);
  // The timer of retention, and one for the removal of files.
  while (broker.clock.timerCount < timerCount + 1) await broker.clock.yield();
  assertEquals(partition.logStartOffset, 3);
  fill();
  broker.clock.advance(500);
  await maintenance.close();
  assertEquals(partition.logStartOffset, 4);
});

Deno.test("Maintenance keeps fresh records in a batch with an old max timestamp", async () => {
  await using broker = await TestBroker.start({
    config: { "log.retention.check.interval.ms": 500 },
  });
  const configs = new Map([["retention.ms", "1000"], ["internal.segment.bytes", "1024"]]);
  const partition = await broker.createTopic("a", { configs });
  const fresh = broker.clock.now();
  // kafkajs sends such a batch for a record with a timestamp of 1970 and one without.
  for (const compression of Object.values(CompressionType)) {
    const builder = new RecordBatchBuilder({ compression });
    builder.append(5, null, new Random(1).bytes(700));
    builder.append(fresh, null, "fresh");
    const batch = new RecordBatch(builder.build());
    batch.setMaxTimestamp(5);
    partition.append(batch, { acks: 1, nowMs: fresh });
  }
  assertEquals(partition.log.segments.length, 5);
  assertEquals(await partition.applyRetention(fresh + 999), 0);
  const found = await partition.offsetForTimestamp(fresh);
  assertEquals([found?.offset, found?.timestamp], [1, fresh]);
  assertEquals((await partition.maxTimestampOffset())?.offset, 1);
  assertEquals(await partition.applyRetention(fresh + 1001), 5);
});

Deno.test("Maintenance writes checkpoints every log.flush.offset.checkpoint.interval.ms", async () => {
  const fs = new MemoryFileSystem();
  await using broker = await TestBroker.start({
    fs,
    config: { "log.flush.offset.checkpoint.interval.ms": 1000 },
  });
  const partition = await broker.createTopic("a");
  partition.append(batchOf(["x"]), { acks: 1, nowMs: broker.clock.now() });
  const maintenance = start(broker);
  broker.clock.advance(1000);
  while (partition.log.recoveryPoint < 1) await broker.clock.yield();
  await maintenance.close();
  const path = "/data/recovery-point-offset-checkpoint";
  const text = new TextDecoder().decode(fs.clone({ unsynced: "lost" }).readFileSync(path));
  assertEquals(text.includes("a 0 1"), true);
});

Deno.test("TopicRegistry.checkpointHighWatermarks() notes high watermarks as far as they are flushed", async () => {
  const fs = new MemoryFileSystem();
  await using broker = await TestBroker.start({ fs });
  const { topics } = broker.context;
  const partition = await broker.createTopic("a");
  await broker.createTopic("b");
  const written = () => {
    const bytes = fs.clone({ unsynced: "lost" }).readFileSync(
      "/data/replication-offset-checkpoint",
    );
    return new TextDecoder().decode(bytes);
  };
  await topics.checkpointHighWatermarks();
  assertEquals(written(), "0\n2\na 0 0\nb 0 0\n");
  partition.append(batchOf(["x"]), { acks: 1, nowMs: broker.clock.now() });
  assertEquals(partition.highWatermark, 1);
  await topics.checkpointHighWatermarks();
  assertEquals(written(), "0\n2\na 0 0\nb 0 0\n");
  await partition.log.flush();
  await topics.checkpointHighWatermarks();
  assertEquals(written(), "0\n2\na 0 1\nb 0 0\n");
});

Deno.test("Maintenance of a broker without replicas writes no high watermarks", async () => {
  const fs = new MemoryFileSystem();
  await using broker = await TestBroker.start({ fs });
  await broker.createTopic("a");
  assertEquals(broker.context.topics.canHaveReplicas, false);
  const { timerCount } = broker.clock;
  const maintenance = start(broker);
  assertEquals(broker.clock.timerCount, timerCount + 3);
  await maintenance.close();
  assertEquals(fs.statSync("/data/replication-offset-checkpoint"), undefined);
});

/** Appends batches of one record with the key "a" to a compacted topic, each in its own segment. */
async function compactedTopic(broker: TestBroker, batches: number): Promise<Partition> {
  const configs = {
    "cleanup.policy": "compact",
    "internal.segment.bytes": "1024",
    "min.cleanable.dirty.ratio": "0",
  };
  const partition = await broker.createTopic("c", { configs: new Map(Object.entries(configs)) });
  for (let i = 0; i < batches; i++) {
    const builder = new RecordBatchBuilder();
    builder.append(broker.clock.now(), "a", `${i}`.padEnd(900));
    const batch = new RecordBatch(builder.build());
    partition.append(batch, { acks: 1, nowMs: broker.clock.now() });
  }
  return partition;
}

Deno.test("Maintenance compacts every log.cleaner.backoff.ms", async () => {
  await using broker = await TestBroker.start({ config: { "log.cleaner.backoff.ms": 200 } });
  const partition = await compactedTopic(broker, 5);
  const { sizeInBytes } = partition.log;
  const maintenance = start(broker);
  broker.clock.advance(199);
  assertEquals(partition.log.firstDirtyOffset, 0);
  broker.clock.advance(1);
  while (partition.log.firstDirtyOffset === 0) await new Promise((resolve) => setTimeout(resolve));
  assertEquals(partition.log.firstDirtyOffset, 4);
  assertEquals(partition.log.sizeInBytes, sizeInBytes * 2 / 5);
  assertEquals([partition.logStartOffset, partition.highWatermark], [0, 5]);
  await maintenance.close();
});

Deno.test("Maintenance does not compact with log.cleaner.enable=false", async () => {
  await using broker = await TestBroker.start({ config: { "log.cleaner.enable": false } });
  const partition = await compactedTopic(broker, 5);
  const maintenance = start(broker);
  broker.clock.advance(15_000);
  await maintenance.close();
  assertEquals(partition.log.segments.length, 5);
});

Deno.test("Maintenance.close() aborts a running compaction", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await compactedTopic(broker, 5);
  const maintenance = start(broker);
  fs.hold();
  broker.clock.advance(15_000);
  const closed = maintenance.close();
  fs.release();
  await closed;
  assertEquals(partition.log.segments.length, 5);
  assertEquals(partition.log.firstDirtyOffset, 0);
});

Deno.test("Maintenance logs a failed task and continues", async () => {
  const lines: string[] = [];
  const logger = createLogger({ sink: (line) => lines.push(line) });
  await using broker = await TestBroker.start({
    config: { "log.retention.check.interval.ms": 10 },
  });
  const { topics, config, clock } = broker.context;
  let runs = 0;
  const failing = {
    removeExpiredProducers: () => {
      runs++;
      throw new Error("out of order");
    },
  } as unknown as TestBroker["directory"];
  const maintenance = Maintenance.start({ directory: failing, topics, config, clock, logger });
  for (let run = 1; run <= 3; run++) {
    broker.clock.advance(10);
    while (lines.length < run) await broker.clock.yield();
    for (let turn = 0; turn < 10; turn++) await broker.clock.yield();
  }
  assertEquals(runs, 3);
  assertEquals(lines[0]!.includes("Retention failed") && lines[0]!.includes("out of order"), true);
  await maintenance.close();
});

Deno.test("Maintenance.close() waits for running tasks and clears its timers", async () => {
  await using broker = await TestBroker.start();
  const timers = broker.clock.timerCount;
  const maintenance = start(broker);
  broker.clock.advance(60_000);
  await maintenance.close();
  assertEquals(broker.clock.timerCount, timers);
});
