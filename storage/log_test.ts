import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { CompressionType } from "../protocol/compression/mod.ts";
import { CorruptRecordError, RecordBatch } from "../protocol/records/mod.ts";
import {
  InvalidRecordError,
  LogClosedError,
  OffsetOutOfRangeError,
  OutOfOrderSequenceError,
  RecordBatchTooLargeError,
  UnexpectedLeaderEpochError,
} from "./errors.ts";
import type { Log } from "./log.ts";
import {
  append,
  appendRolls,
  applyRetention,
  batchOf,
  batchOfSize,
  configOf,
  NOW_MS,
  readAll,
  recordsOf,
  type TestRecord,
  withLog,
} from "./log_testing.ts";
import { MemoryFileSystem } from "./file_system/memory_file_system.ts";
import { validateBatch } from "./validation/validate_batch.ts";
import { WatchedFileSystem } from "./file_system/watched_file_system_testing.ts";

async function offsetsAt(log: Log, offset: number, maxBytes = 1 << 20): Promise<number[]> {
  const { chunks } = await log.read(offset, { maxBytes });
  return recordsOf(chunks).map((record) => record.offset);
}

function append3(log: Log, count: number): void {
  for (let i = 0; i < count; i++) append(log, [`a${i}`, `b${i}`, `c${i}`]);
}

Deno.test("Log.append() writes offsets and leader epoch into the bytes of the batch", async () => {
  await withLog({}, async (log) => {
    append3(log, 2);
    const batch = batchOf(["x", "y"]);
    const info = log.append(batch, { leaderEpoch: 5, nowMs: NOW_MS });
    assertEquals(info, {
      firstOffset: 6,
      lastOffset: 7,
      logAppendTimeMs: -1,
      logStartOffset: 0,
      isDuplicate: false,
    });
    assertEquals([batch.baseOffset, batch.partitionLeaderEpoch], [6, 5]);
    assertEquals(log.logEndOffset, 8);
    const { chunks } = await log.read(6, { maxBytes: 1000 });
    assertEquals(chunks[0], batch.bytes);
    assertEquals(log.sizeInBytes, log.segments[0]!.sizeInBytes);
  });
});

Deno.test("Log.append() writes Kafka's files, with only the bytes of the batches", async () => {
  const fs = new MemoryFileSystem();
  await withLog({ fs, batchCacheBytes: 0 }, async (log) => {
    const batches = [batchOf(["a"]), batchOf(["b", "c"])];
    for (const batch of batches) log.append(batch, { leaderEpoch: 0, nowMs: NOW_MS });
    await log.flush();
    const expected = new Uint8Array([...batches[0]!.bytes, ...batches[1]!.bytes]);
    assertEquals(fs.readFileSync("/data/orders-3/00000000000000000000.log"), expected);
    assertEquals(new RecordBatch(expected, batches[0]!.sizeInBytes).baseOffset, 1);
  });
});

Deno.test("Log.append() appends several batches with one write", async () => {
  await withLog({}, async (log) => {
    append(log, ["0"]);
    const bytes = new Uint8Array([...batchOf(["1", "2"]).bytes, ...batchOf(["3"]).bytes]);
    const info = log.append(bytes, { leaderEpoch: 0, nowMs: NOW_MS, origin: "coordinator" });
    assertEquals([info.firstOffset, info.lastOffset], [1, 3]);
    assertEquals(
      await readAll(log),
      ["0", "1", "2", "3"].map((value, offset) => ({ offset, value })),
    );
  });
});

Deno.test("Log.append() rejects bytes that are not whole batches", async () => {
  await withLog({}, (log) => {
    const { bytes } = batchOf(["a"]);
    const options = { leaderEpoch: 0, nowMs: NOW_MS };
    assertThrows(() => log.append(bytes.slice(0, -1), options), InvalidRecordError);
    assertThrows(() => log.append(new Uint8Array(0), options), InvalidRecordError);
    assertThrows(
      () => log.append(new Uint8Array([...bytes, ...bytes.subarray(0, 20)]), options),
      InvalidRecordError,
    );
    assertThrows(() => log.append(new Uint8Array(100).fill(255), options), CorruptRecordError);
    assertEquals(log.logEndOffset, 0);
  });
});

Deno.test("Log.append() rejects batches larger than segment.bytes", async () => {
  await withLog({ config: { segmentBytes: 1000 } }, (log) => {
    append(log, ["a"]);
    assertThrows(
      () => append(log, ["x".repeat(1000)]),
      RecordBatchTooLargeError,
      "segment.bytes is 1000",
    );
    assertEquals(append(log, ["b"]).firstOffset, 1);
  });
});

Deno.test("Log.append() returns the timestamp of LogAppendTime records", async () => {
  await withLog({ config: { messageTimestampType: "LogAppendTime" } }, (log) => {
    const batch = batchOf(["a"]);
    validateBatch(log.name, batch, log.config, NOW_MS + 5);
    const info = log.append(batch, { leaderEpoch: 0, nowMs: NOW_MS + 5 });
    assertEquals(info.logAppendTimeMs, NOW_MS + 5);
  });
});

Deno.test("Log.append() of a duplicate returns its first offset and writes nothing", async () => {
  await withLog({}, async (log) => {
    const producer = { producerId: 7, producerEpoch: 0 };
    append(log, ["a", "b"], { ...producer, baseSequence: 0 });
    append(log, ["c"], { ...producer, baseSequence: 2 });
    const size = log.sizeInBytes;
    const again = append(log, ["a", "b"], { ...producer, baseSequence: 0 });
    assertEquals([again.isDuplicate, again.firstOffset, again.lastOffset], [true, 0, 1]);
    assertThrows(
      () => append(log, ["d"], { ...producer, baseSequence: 4 }),
      OutOfOrderSequenceError,
    );
    assertEquals([log.sizeInBytes, log.logEndOffset], [size, 3]);
    assertEquals((await readAll(log)).length, 3);
  });
});

Deno.test("Log.read() of an empty log returns nothing, at its only offset", async () => {
  await withLog({}, async (log) => {
    assertEquals(await log.read(0, { maxBytes: 100 }), {
      chunks: [],
      sizeInBytes: 0,
      nextOffset: 0,
    });
    assertThrows(() => log.read(1, { maxBytes: 100 }), OffsetOutOfRangeError);
  });
});

Deno.test("Log.read() from the middle of a batch returns the whole batch", async () => {
  await withLog({}, async (log) => {
    append3(log, 5);
    assertEquals((await offsetsAt(log, 7)).slice(0, 3), [6, 7, 8]);
    assertEquals(await offsetsAt(log, 14), [12, 13, 14]);
  });
});

Deno.test("Log.read() outside the log throws OffsetOutOfRangeError with its bounds", async () => {
  await withLog({}, (log) => {
    append3(log, 3);
    log.deleteRecordsBefore(4);
    for (const offset of [-1, 3, 10, NaN]) {
      const error = assertThrows(() => log.read(offset, { maxBytes: 100 }), OffsetOutOfRangeError);
      assertEquals([error.logStartOffset, error.logEndOffset], [4, 9]);
    }
  });
});

Deno.test("Log.read() returns whole batches up to its limit, the first regardless of its size (KIP-74)", async () => {
  await withLog({}, async (log) => {
    for (let i = 0; i < 4; i++) log.append(batchOfSize(1, 1000), { leaderEpoch: 0, nowMs: NOW_MS });
    const size = log.sizeInBytes / 4;
    for (
      const [maxBytes, count] of [[0, 1], [1, 1], [size, 1], [2 * size - 1, 1], [
        2 * size,
        2,
      ]] as const
    ) {
      const { sizeInBytes, nextOffset } = await log.read(1, { maxBytes });
      assertEquals([sizeInBytes, nextOffset], [count * size, 1 + count], `maxBytes ${maxBytes}`);
    }
    const none = await log.read(1, { maxBytes: size - 1, minOneBatch: false });
    assertEquals(none, { chunks: [], sizeInBytes: 0, nextOffset: 1 });
    assertEquals((await log.read(1, { maxBytes: size, minOneBatch: false })).nextOffset, 2);
  });
});

Deno.test("Log.read() returns only batches before the high watermark", async () => {
  await withLog({}, async (log) => {
    append3(log, 3);
    for (const [maxOffset, end] of [[0, 0], [2, 0], [3, 3], [5, 3], [9, 9], [99, 9]] as const) {
      const { nextOffset } = await log.read(0, { maxBytes: 1 << 20, maxOffset });
      assertEquals(nextOffset, end, `maxOffset ${maxOffset}`);
    }
    assertEquals((await log.read(5, { maxBytes: 100, maxOffset: 4 })).chunks, []);
  });
});

Deno.test("Log.read() finds batches larger than a file read", async () => {
  await withLog({ batchCacheBytes: 0 }, async (log) => {
    for (const size of [10, 3_000_000, 10, 50_000, 50_000, 10]) {
      log.append(batchOfSize(2, size), { leaderEpoch: 0, nowMs: NOW_MS });
    }
    for (let offset = 0; offset < 12; offset++) {
      const { chunks, sizeInBytes } = await log.read(offset, { maxBytes: 1 });
      assertEquals(recordsOf(chunks).map((record) => record.offset), [
        offset - offset % 2,
        offset - offset % 2 + 1,
      ]);
      assertEquals(sizeInBytes, chunks[0]!.length);
    }
    assertEquals((await readAll(log, 0, 200_000)).length, 12);
  });
});

Deno.test("Log.read() continues in the next segment after the end of one", async () => {
  await withLog({ config: { segmentBytes: 400 } }, async (log) => {
    const replicate = (baseOffset: number) =>
      log.appendReplicated(batchOf(["x".repeat(100)], { baseOffset }), {
        leaderEpoch: 0,
        nowMs: NOW_MS,
      });
    // More than the segment's index can hold.
    const far = 2 ** 31 + 50;
    for (const offset of [0, 5, far, far + 1]) replicate(offset);
    assertEquals(log.segments.map((segment) => segment.baseOffset), [0, far]);
    assertEquals(await offsetsAt(log, 6, 1), [far]);
    assertEquals(await offsetsAt(log, 1, 1), [5]);
    assertEquals(await offsetsAt(log, far + 1, 1), [far + 1]);
  });
});

Deno.test("Log rolls at its end offset even before a gap left by the leader's compaction", async () => {
  await withLog({ config: { segmentBytes: 400 } }, async (log) => {
    for (const baseOffset of [0, 5, 50, 51]) {
      log.appendReplicated(batchOf(["x".repeat(100)], { baseOffset }), {
        leaderEpoch: 0,
        nowMs: NOW_MS,
      });
    }
    assertEquals(log.segments.map((segment) => segment.baseOffset), [0, 6]);
    assertEquals(await offsetsAt(log, 6, 1), [50]);
  });
});

Deno.test("Log rolls by segment.bytes, into segments named by their base offset", async () => {
  await withLog({ config: { segmentBytes: 1000 } }, async (log) => {
    const rolled = [];
    for (let i = 0; i < 10; i++) rolled.push(appendRolls(log, ["x".repeat(300)]));
    assertEquals(log.segments.map((segment) => segment.baseOffset), [0, 2, 4, 6, 8]);
    assertEquals(rolled, [false, false, true, false, true, false, true, false, true, false]);
    for (const segment of log.segments) assert(segment.sizeInBytes <= 1000);
    assertEquals(log.segments.map((segment) => segment.isActive), [
      false,
      false,
      false,
      false,
      true,
    ]);
    assertEquals((await readAll(log, 0, 1)).length, 10);
  });
});

Deno.test("Log rolls by segment.ms, by the timestamps of its batches", async () => {
  await withLog({ config: { segmentMs: 1000 } }, (log) => {
    const at = (timestamp: number) => appendRolls(log, [{ value: "a", timestamp }]);
    assertEquals([at(5000), at(6000), at(6001), at(7001), at(7002)], [
      false,
      false,
      true,
      false,
      true,
    ]);
  });
});

Deno.test("Log rolls by segment.ms, by the clock if batches have no timestamps", async () => {
  await withLog({ config: { segmentMs: 1000 } }, (log) => {
    const at = (nowMs: number) => appendRolls(log, [{ value: "a", timestamp: -1 }], { nowMs });
    assertEquals([at(NOW_MS), at(NOW_MS + 1000), at(NOW_MS + 1001)], [false, false, true]);
    assertEquals(at(NOW_MS + 2001), false);
  });
});

Deno.test("Log rolls when an index is full", async () => {
  await withLog({ config: { segmentIndexBytes: 40, indexIntervalBytes: 1 } }, async (log) => {
    for (let i = 0; i < 20; i++) append(log, [{ value: "a", timestamp: NOW_MS + i }]);
    // The time index reserves room for the entry added on roll: 40 bytes hold three.
    assertEquals(log.segments.map((segment) => segment.baseOffset), [0, 3, 6, 9, 12, 15, 18]);
    assertEquals((await readAll(log)).length, 20);
  });
});

Deno.test("Log rolls when an offset is too far from the base offset", async () => {
  await withLog({}, async (log) => {
    const far = 2 ** 31;
    for (const baseOffset of [0, far - 1, far]) {
      log.appendReplicated(batchOf(["a"], { baseOffset }), { leaderEpoch: 0, nowMs: NOW_MS });
    }
    assertEquals(log.segments.map((segment) => segment.baseOffset), [0, far]);
    assertEquals((await readAll(log)).map((record) => record.offset), [0, far - 1, far]);
  });
});

Deno.test("Log.updateConfig() affects the open log", async () => {
  await withLog({}, (log) => {
    append(log, ["a"]);
    log.updateConfig(configOf({ segmentBytes: 100 }));
    assertEquals(appendRolls(log, ["b"]), true);
    assertEquals(log.config.segmentBytes, 100);
  });
});

Deno.test("Log.offsetForTimestamp() finds the first record inside a batch", async () => {
  for (const compression of [CompressionType.none, CompressionType.gzip]) {
    await withLog({ config: { indexIntervalBytes: 100, segmentBytes: 2000 } }, async (log) => {
      const at = (...timestamps: number[]): TestRecord[] =>
        timestamps.map((timestamp) => ({ value: "x".repeat(20), timestamp }));
      append(log, at(100, 300, 200), { compression, leaderEpoch: 1 });
      append(log, at(250, 400), { compression, leaderEpoch: 2 });
      for (let i = 0; i < 50; i++) {
        append(log, at(500 + i * 10, 505 + i * 10), { compression, leaderEpoch: 2 });
      }
      const find = async (timestamp: number) => {
        const found = await log.offsetForTimestamp(timestamp);
        return found && [found.offset, found.timestamp];
      };
      assertEquals(await find(-1), [0, 100]);
      assertEquals(await find(100), [0, 100]);
      assertEquals(await find(101), [1, 300]);
      assertEquals(await find(301), [4, 400]);
      assertEquals(await find(401), [5, 500]);
      assertEquals(await find(756), [57, 760]);
      assertEquals(await find(995), [104, 995]);
      assertEquals(await find(996), undefined);
      assertEquals((await log.offsetForTimestamp(301))!.leaderEpoch, 2);
      assertEquals(await log.maxTimestampOffset(), {
        offset: 104,
        timestamp: 995,
        leaderEpoch: 2,
      });
      log.deleteRecordsBefore(2);
      assertEquals(await find(100), [2, 200]);
      assertEquals(await find(201), [3, 250]);
    });
  }
});

Deno.test("Log.maxTimestampOffset() returns the first record with the largest timestamp (KIP-734)", async () => {
  await withLog({}, async (log) => {
    assertEquals(await log.maxTimestampOffset(), undefined);
    append(log, [{ value: "a", timestamp: -1 }]);
    assertEquals(await log.maxTimestampOffset(), undefined);
    append(log, [{ value: "a", timestamp: 5 }, { value: "b", timestamp: 9 }, {
      value: "c",
      timestamp: 9,
    }]);
    append(log, [{ value: "d", timestamp: 9 }]);
    assertEquals((await log.maxTimestampOffset())?.offset, 2);
  });
});

Deno.test("Log.endOffsetForEpoch() returns the end offset of epochs, also of one without batches", async () => {
  await withLog({}, (log) => {
    append(log, ["a", "b"], { leaderEpoch: 1 });
    log.beginEpoch(2);
    log.beginEpoch(3);
    append(log, ["c"], { leaderEpoch: 3 });
    log.beginEpoch(3);
    assertThrows(() => log.beginEpoch(2), UnexpectedLeaderEpochError);
    assertEquals(log.endOffsetForEpoch(1), { leaderEpoch: 1, offset: 2 });
    assertEquals(log.endOffsetForEpoch(2), { leaderEpoch: 1, offset: 2 });
    assertEquals(log.endOffsetForEpoch(3), { leaderEpoch: 3, offset: 3 });
    assertEquals(log.endOffsetForEpoch(4), undefined);
  });
});

Deno.test("Log.read() is retried if the log is truncated meanwhile", async () => {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  await withLog({ fs, batchCacheBytes: 0 }, async (log) => {
    append3(log, 5);
    const gate = Promise.withResolvers<void>();
    fs.onRead = () => gate.promise;
    const reading = log.read(6, { maxBytes: 1 << 20 });
    const lost = log.read(9, { maxBytes: 1 << 20 });
    await log.truncateTo(6, NOW_MS);
    append(log, ["x".repeat(10), "y", "z"]);
    gate.resolve();
    assertEquals(recordsOf((await reading).chunks).map((record) => record.value), [
      "x".repeat(10),
      "y",
      "z",
    ]);
    assertEquals((await lost).chunks, []);
  });
});

Deno.test("Log.read() of a segment that is deleted meanwhile fails with OffsetOutOfRangeError", async () => {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  const config = { segmentBytes: 1000, retentionBytes: 0, fileDeleteDelayMs: 0 };
  await withLog({ fs, batchCacheBytes: 0, config }, async (log, directory) => {
    for (let i = 0; i < 10; i++) append(log, ["x".repeat(300)]);
    const gate = Promise.withResolvers<void>();
    fs.onRead = () => gate.promise;
    const reading = log.read(0, { maxBytes: 1 << 20 });
    await applyRetention(directory, NOW_MS);
    await directory.removeDeleted(NOW_MS);
    assertEquals(log.logStartOffset, 10);
    gate.resolve();
    await assertRejects(async () => await reading, OffsetOutOfRangeError);
  });
});

Deno.test("Log.read() fails with OffsetOutOfRangeError if its file is removed before it is opened", async () => {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  const config = { segmentBytes: 100_000, retentionBytes: 0, fileDeleteDelayMs: 0 };
  await withLog({ fs, batchCacheBytes: 0, config }, async (log, directory) => {
    log.append(batchOfSize(1, 90_000), { leaderEpoch: 0, nowMs: NOW_MS });
    log.append(batchOfSize(1, 90_000), { leaderEpoch: 0, nowMs: NOW_MS });
    // The batch is larger than the first read, and the file is removed before the second.
    let reads = 0;
    fs.onRead = async () => {
      if (++reads > 1) return;
      await applyRetention(directory, NOW_MS);
      await directory.removeDeleted(NOW_MS);
    };
    await assertRejects(async () => await log.read(0, { maxBytes: 1 }), OffsetOutOfRangeError);
  });
});

Deno.test("Log rejects all operations after close(), which can be called twice", async () => {
  await withLog({}, async (log) => {
    append3(log, 1);
    await log.close();
    await log.close();
    assertThrows(() => append3(log, 1), LogClosedError);
    assertThrows(() => log.read(0, { maxBytes: 1 }), LogClosedError);
    await assertRejects(() => log.truncateTo(0, NOW_MS), LogClosedError);
    await assertRejects(() => log.flush(), LogClosedError);
    assertEquals(log.isClosed, true);
  });
});

Deno.test("Log.close() rejects appends during its flush", async () => {
  await withLog({}, async (log) => {
    append3(log, 1);
    const closing = log.close();
    assertThrows(() => append3(log, 1), LogClosedError);
    await assertRejects(() => log.truncateTo(0, NOW_MS), LogClosedError);
    assertEquals(await offsetsAt(log, 0), [0, 1, 2]);
    await closing;
  });
});

Deno.test("Log.read() from files reuses released memory, and no other", async () => {
  await withLog({ batchCacheBytes: 0 }, async (log) => {
    log.append(batchOf(["a", "b"]), { leaderEpoch: 0, nowMs: NOW_MS });
    log.append(batchOf(["c", "d"]), { leaderEpoch: 0, nowMs: NOW_MS });
    const first = await log.read(0, { maxBytes: 100_000 });
    const second = await log.read(2, { maxBytes: 100_000 });
    assert(first.chunks[0]!.buffer !== second.chunks[0]!.buffer);
    first.release!();
    // A second call must not give the memory to two reads.
    first.release!();
    const third = await log.read(2, { maxBytes: 100_000 });
    const fourth = await log.read(2, { maxBytes: 100_000 });
    assert(first.chunks[0]!.buffer === third.chunks[0]!.buffer);
    assert(third.chunks[0]!.buffer !== fourth.chunks[0]!.buffer);
    assertEquals(recordsOf(second.chunks), recordsOf(third.chunks));
  });
});
