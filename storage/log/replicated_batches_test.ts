import { assert, assertEquals, assertThrows } from "@std/assert";
import { CorruptRecordError, RecordBatch } from "../../protocol/records/mod.ts";
import { markerBatch } from "../cleaner/cleaner_testing.ts";
import {
  DiskFullError,
  InvalidRecordError,
  UnexpectedAppendOffsetError,
  UnexpectedLeaderEpochError,
} from "../errors.ts";
import { MemoryFileSystem } from "../file_system/memory_file_system.ts";
import { diskFull, WatchedFileSystem } from "../file_system/watched_file_system_testing.ts";
import type { Log } from "../log.ts";
import {
  append,
  batchOf,
  configOf,
  NOW_MS,
  openDirectory,
  readAll,
  withLog,
} from "../log_testing.ts";
import { batchesIn, copyLog, fetchBytes } from "../replica_testing.ts";
import type { LogConfig } from "./log_config.ts";

// deno-lint-ignore no-explicit-any
type ErrorType = new (...args: any[]) => Error;

/** A batch as it is in a leader's log. */
function replicatedBatch(
  baseOffset: number,
  leaderEpoch: number,
  values = ["a", "b"],
): RecordBatch {
  return batchOf(values, { baseOffset, partitionLeaderEpoch: leaderEpoch });
}

function bytesOf(...batches: RecordBatch[]): Uint8Array {
  return Uint8Array.from(batches.flatMap((batch) => [...batch.bytes]));
}

/** Runs a test with a leader's log, and followers' logs. */
async function withReplicas(
  test: (leader: Log, follower: (config?: Partial<LogConfig>) => Log) => Promise<void>,
  config: Partial<LogConfig> = {},
): Promise<void> {
  await withLog({ config }, async (leader, directory) => {
    let count = 0;
    await test(leader, (followerConfig = config) =>
      directory.create(`follower-${count++}`, {
        nowMs: NOW_MS,
        config: configOf(followerConfig),
      }));
  });
}

Deno.test("Log.appendReplicated() keeps offsets with gaps, epochs and timestamps", async () => {
  await withLog({}, async (log) => {
    const options = { leaderEpoch: 3, nowMs: NOW_MS };
    log.appendReplicated(replicatedBatch(0, 1), options);
    const bytes = bytesOf(replicatedBatch(10, 1), replicatedBatch(20, 3));
    const info = log.appendReplicated(bytes, options);
    assertEquals(info, { firstOffset: 10, lastOffset: 21, sizeInBytes: bytes.length });
    assertEquals([log.logEndOffset, log.latestEpoch], [22, 3]);
    assertEquals(log.endOffsetForEpoch(2), { leaderEpoch: 1, offset: 20 });
    assertEquals((await readAll(log)).map(({ offset }) => offset), [0, 1, 10, 11, 20, 21]);
  });
});

Deno.test("Log.appendReplicated() gives a follower what the leader has: bytes, epochs, producers, transactions", async () => {
  await withReplicas(async (leader, newFollower) => {
    const producer = { producerId: 7, producerEpoch: 0 };
    append(leader, ["a", "b"], { ...producer, baseSequence: 0 });
    append(leader, ["c"], { leaderEpoch: 4 });
    const inEpoch4 = { ...producer, leaderEpoch: 4 };
    append(leader, ["d"], { ...inEpoch4, producerId: 8, baseSequence: 5, isTransactional: true });
    append(leader, ["e"], { ...inEpoch4, baseSequence: 2 });
    append(leader, ["f"], { ...inEpoch4, producerId: 9, baseSequence: 0, isTransactional: true });
    const marker = markerBatch(9, "abort", 3);
    leader.append(marker, { leaderEpoch: 4, nowMs: NOW_MS, origin: "coordinator" });
    for (const maxBytes of [1, 150, 1 << 20]) {
      const follower = newFollower();
      await copyLog(leader, follower, { maxBytes, leaderEpoch: 4 });
      assertEquals(await batchesIn(follower), await batchesIn(leader));
      assertEquals([...follower.producers], [...leader.producers]);
      assertEquals(follower.oldestOpenTransaction()?.firstOffset, 3);
      assertEquals(follower.endOffsetForEpoch(0), leader.endOffsetForEpoch(0));
    }
  });
});

Deno.test("Log.appendReplicated() does not change or keep the bytes, and ignores a part of a batch at their end", async () => {
  await withLog({}, async (log) => {
    const whole = bytesOf(replicatedBatch(0, 1), replicatedBatch(2, 1));
    const next = replicatedBatch(4, 1).bytes;
    const bytes = new Uint8Array([...whole, ...next.subarray(0, next.length - 1)]);
    const before = bytes.slice();
    const info = log.appendReplicated(bytes, { leaderEpoch: 1, nowMs: NOW_MS });
    assertEquals([info.lastOffset, info.sizeInBytes], [3, whole.length]);
    assertEquals(bytes, before);
    bytes.fill(0);
    assertEquals((await readAll(log)).length, 4);
  });
});

Deno.test("Log.appendReplicated() appends nothing if a batch is rejected", async () => {
  const damaged = replicatedBatch(12, 2);
  damaged.bytes[70]! ^= 1;
  const magic1 = replicatedBatch(12, 2);
  magic1.bytes[16] = 3;
  const negative = replicatedBatch(12, 2);
  new DataView(negative.bytes.buffer).setInt32(23, -1);
  const first = new RecordBatch(negative.bytes);
  first.setMaxTimestamp(NOW_MS);
  const unknown = batchOf(["x"], {
    baseOffset: 12,
    partitionLeaderEpoch: 2,
    producerId: 1,
    producerEpoch: 0,
    isControl: true,
  });
  const cases: [string, RecordBatch, ErrorType][] = [
    ["a wrong CRC", damaged, CorruptRecordError],
    ["an unknown magic", magic1, CorruptRecordError],
    ["a negative last offset delta", negative, InvalidRecordError],
    ["an unknown control batch", unknown, InvalidRecordError],
    ["offsets that overlap", replicatedBatch(11, 2), UnexpectedAppendOffsetError],
    ["a lower epoch", replicatedBatch(12, 1), UnexpectedLeaderEpochError],
    ["an epoch after the leader's", replicatedBatch(12, 4), UnexpectedLeaderEpochError],
    ["an offset that is no safe integer", replicatedBatch(2 ** 53 - 1, 2), InvalidRecordError],
  ];
  await withLog({}, (log) => {
    const options = { leaderEpoch: 3, nowMs: NOW_MS };
    log.appendReplicated(bytesOf(replicatedBatch(0, 1), replicatedBatch(8, 2)), options);
    const { sizeInBytes } = log;
    for (const [name, batch, type] of cases) {
      const bytes = bytesOf(replicatedBatch(10, 2), batch);
      assertThrows(() => log.appendReplicated(bytes, options), type, undefined, name);
      assertEquals([log.logEndOffset, log.sizeInBytes, log.latestEpoch], [10, sizeInBytes, 2]);
    }
    for (const batch of [replicatedBatch(9, 2), replicatedBatch(0, 1)]) {
      const error = assertThrows(
        () => log.appendReplicated(batch, options),
        UnexpectedAppendOffsetError,
      );
      assertEquals([error.offset, error.nextOffset], [batch.baseOffset, 10]);
    }
    assertThrows(
      () => log.appendReplicated(replicatedBatch(10, 1), options),
      UnexpectedLeaderEpochError,
    );
    for (const bytes of [new Uint8Array(), replicatedBatch(10, 2).bytes.subarray(0, 70)]) {
      assertThrows(() => log.appendReplicated(bytes, options), InvalidRecordError);
    }
    assertEquals(log.appendReplicated(replicatedBatch(10, 2), options).firstOffset, 10);
  });
});

Deno.test("Log.appendReplicated() rolls segments within one call as single appends do", async () => {
  const configs: Partial<LogConfig>[] = [
    { segmentBytes: 400 },
    { segmentMs: 3 },
    { segmentMs: 8, segmentJitterMs: 4 },
    { segmentIndexBytes: 40, indexIntervalBytes: 1 },
    { segmentBytes: 1000, indexIntervalBytes: 150 },
    { cleanupPolicy: ["compact"], maxCompactionLagMs: 5 },
    { segmentBytes: 100 },
  ];
  await withReplicas(async (leader, newFollower) => {
    for (let i = 0; i < 40; i++) append(leader, [{ value: "x".repeat(i), timestamp: NOW_MS + i }]);
    for (const config of configs) {
      const [single, follower, other] = [
        newFollower(config),
        newFollower(config),
        newFollower(config),
      ];
      await copyLog(leader, single, { maxBytes: 1 });
      await copyLog(leader, follower);
      // The segment that is active already has batches.
      await copyLog(leader, other, { endOffset: 3 });
      await copyLog(leader, other);
      for (const log of [follower, other]) {
        const shape = (log: Log) =>
          log.segments.map(({ baseOffset, sizeInBytes }) => [baseOffset, sizeInBytes]);
        // Followers of one name have one jitter.
        if (config.segmentJitterMs === undefined) assertEquals(shape(log), shape(single));
        else assert(log.segments.length > 3);
        assertEquals(await batchesIn(log), await batchesIn(leader));
        for (let offset = 0; offset < 40; offset++) {
          assertEquals((await readAll(log, offset, 1)).length, 40 - offset);
        }
      }
    }
  });
});

Deno.test("Log.appendReplicated() takes a batch larger than segment.bytes, which the leader had room for", async () => {
  await withLog({ config: { segmentBytes: 100 } }, async (log) => {
    const bytes = bytesOf(
      replicatedBatch(0, 0, ["a"]),
      replicatedBatch(1, 0, ["x".repeat(1000)]),
      replicatedBatch(2, 0, ["b"]),
    );
    log.appendReplicated(bytes, { leaderEpoch: 0, nowMs: NOW_MS });
    assertEquals(log.segments.map(({ baseOffset }) => baseOffset), [0, 1, 2]);
    assertEquals((await readAll(log)).length, 3);
  });
});

Deno.test("Log.appendReplicated() writes the batches of one call at once", async () => {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  const directory = await openDirectory(fs);
  const log = directory.create("orders-3", { nowMs: NOW_MS });
  let writes = 0;
  fs.onAppend = () => void writes++;
  const batches = Array.from({ length: 100 }, (_, i) => replicatedBatch(i * 2, 0));
  log.appendReplicated(bytesOf(...batches), { leaderEpoch: 0, nowMs: NOW_MS });
  assertEquals([writes, log.logEndOffset], [1, 200]);
  await directory.close();
});

Deno.test("Log.appendReplicated() starts an empty log with the batch that its start is in", async () => {
  await withReplicas(async (leader, newFollower) => {
    for (let i = 0; i < 3; i++) append(leader, ["a", "b", "c"], { leaderEpoch: 2 });
    leader.deleteRecordsBefore(4);
    const follower = newFollower();
    await follower.truncateFullyAndStartAt(4, NOW_MS);
    const bytes = await fetchBytes(leader, 4);
    const info = follower.appendReplicated(bytes, { leaderEpoch: 2, nowMs: NOW_MS });
    assertEquals([info.firstOffset, info.lastOffset], [3, 8]);
    assertEquals([follower.logStartOffset, follower.logEndOffset], [4, 9]);
    assertEquals(follower.segments.map(({ baseOffset }) => baseOffset), [3]);
    assertEquals(await readAll(follower), await readAll(leader));
    // A log with batches must not start over.
    const other = newFollower();
    append(other, ["a"]);
    other.deleteRecordsBefore(1);
    assertThrows(
      () => other.appendReplicated(replicatedBatch(0, 2), { leaderEpoch: 2, nowMs: NOW_MS }),
      UnexpectedAppendOffsetError,
    );
  });
});

Deno.test("Log.appendReplicated() keeps whole batches if the disk is full, and continues from there", async () => {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  const directory = await openDirectory(fs);
  const log = directory.create("orders-3", {
    nowMs: NOW_MS,
    config: configOf({ segmentBytes: 200 }),
  });
  const batches = Array.from({ length: 10 }, (_, i) => replicatedBatch(i * 2, 0));
  let room = 3;
  fs.onAppend = (path) => {
    if (path.endsWith(".log") && room-- <= 0) throw diskFull(path);
  };
  const options = { leaderEpoch: 0, nowMs: NOW_MS };
  assertThrows(() => log.appendReplicated(bytesOf(...batches), options), DiskFullError);
  assert(log.logEndOffset > 0 && log.logEndOffset < 20);
  fs.onAppend = () => {};
  log.appendReplicated(bytesOf(...batches.slice(log.logEndOffset / 2)), options);
  assertEquals((await readAll(log)).length, 20);
  assertEquals(log.offlineError, undefined);
  await directory.close();
});

Deno.test("Log.read() with withEmptyBatches returns empty batches at both ends", async () => {
  await withLog({}, async (log) => {
    const empty = (baseOffset: number) => {
      const batch = batchOf(["a", "b"], {
        baseOffset,
        partitionLeaderEpoch: 0,
        producerId: 5,
        producerEpoch: 0,
        baseSequence: baseOffset,
      });
      new DataView(batch.bytes.buffer).setInt32(57, 0);
      batch.setMaxTimestamp(batch.maxTimestamp);
      return batch;
    };
    const bytes = bytesOf(empty(0), replicatedBatch(2, 0), empty(4));
    log.appendReplicated(bytes, { leaderEpoch: 0, nowMs: NOW_MS });
    assertEquals(await fetchBytes(log, 0), bytes);
    assertEquals(await fetchBytes(log, 4), empty(4).bytes);
    assertEquals(log.producers.get(5)?.lastSequence, 5);
    assertEquals((await log.read(4, { maxBytes: 100 })).chunks, []);
    assertEquals((await log.read(0, { maxBytes: 1000 })).nextOffset, 4);
  });
});

Deno.test("Log.appendReplicated() takes no memory of the batch cache, and reads stay correct as roles change", async () => {
  await withLog({ batchCacheBytes: 1 << 20 }, async (log, directory) => {
    append(log, ["a", "b"], { leaderEpoch: 1 });
    assert(directory.batchCacheSizeInBytes > 0);
    log.appendReplicated(replicatedBatch(2, 2), { leaderEpoch: 2, nowMs: NOW_MS });
    assertEquals(directory.batchCacheSizeInBytes, 0);
    append(log, ["c"], { leaderEpoch: 3 });
    assert(directory.batchCacheSizeInBytes > 0);
    assertEquals((await readAll(log)).map(({ value }) => value), ["a", "b", "a", "b", "c"]);
    assertEquals((await readAll(log, 4)).map(({ value }) => value), ["c"]);
  });
});

Deno.test("Log.appendReplicated() takes an earlier epoch than one that began here without records", async () => {
  for (const count of [0, 2]) {
    await withLog({}, async (log) => {
      for (let i = 0; i < count; i++) append(log, ["a"], { leaderEpoch: 1 });
      // This broker led for a moment; the leader that was elected next has a record of epoch 2.
      log.beginEpoch(3);
      log.appendReplicated(replicatedBatch(count, 2), { leaderEpoch: 5, nowMs: NOW_MS });
      log.appendReplicated(replicatedBatch(count + 2, 5), { leaderEpoch: 5, nowMs: NOW_MS });
      assertEquals(log.latestEpoch, 5);
      assertEquals(log.endOffsetForEpoch(3), { leaderEpoch: 2, offset: count + 2 });
      assertThrows(
        () =>
          log.appendReplicated(replicatedBatch(count + 4, 4), { leaderEpoch: 5, nowMs: NOW_MS }),
        UnexpectedLeaderEpochError,
      );
      assertEquals((await readAll(log)).length, count + 4);
    });
  }
});
