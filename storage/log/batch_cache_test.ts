import { assert, assertEquals } from "@std/assert";
import { BufferPool } from "../../protocol/frames/buffer_pool.ts";
import { BatchCache, type LogBatchCache } from "./batch_cache.ts";
import { batchOfSize, recordsOf } from "../log_testing.ts";

/** Appends a batch of two records with about `size` bytes, alone in its buffer. */
function append(log: LogBatchCache, baseOffset: number, size: number): Uint8Array {
  const batch = batchOfSize(2, Math.max(1, size - 80) / 2);
  const { bytes } = batch;
  batch.baseOffset = baseOffset;
  log.append(bytes, baseOffset, baseOffset + 2);
  return bytes;
}

function newBatchCache(maxBytes: number): BatchCache {
  return new BatchCache(maxBytes, new BufferPool());
}

function read(
  log: LogBatchCache,
  offset: number,
  maxBytes: number,
  maxOffset: number,
  minOneBatch: boolean,
) {
  return log.read({ offset, maxBytes, maxOffset, minOneBatch });
}

function offsetsOf(log: LogBatchCache, offset: number, maxBytes = 1 << 20, maxOffset = Infinity) {
  const found = read(log, offset, maxBytes, maxOffset, true);
  return found && recordsOf(found.chunks).map((record) => record.offset);
}

Deno.test("LogBatchCache.dropBefore() removes batches that end before an offset, and frees their memory", () => {
  const batchCache = newBatchCache(1 << 20);
  const log = batchCache.forLog();
  for (const offset of [0, 2, 4, 6, 8, 10]) append(log, offset, 5000);
  const { sizeInBytes } = batchCache;
  log.dropBefore(1);
  assertEquals([log.baseOffset, batchCache.sizeInBytes], [0, sizeInBytes]);
  log.dropBefore(9);
  assertEquals([log.baseOffset, batchCache.sizeInBytes], [8, sizeInBytes / 3]);
  assertEquals([offsetsOf(log, 7), offsetsOf(log, 8)], [undefined, [8, 9, 10, 11]]);
  log.dropBefore(99);
  assertEquals([log.baseOffset, batchCache.sizeInBytes], [Infinity, 0]);
  append(log, 12, 5000);
  assertEquals(offsetsOf(log, 12), [12, 13]);
});

Deno.test("LogBatchCache.read() returns large batches as separate chunks, which are copies", () => {
  const log = newBatchCache(1 << 20).forLog();
  const first = append(log, 10, 20_000);
  const second = append(log, 12, 20_000);
  const expected = [first.slice(), second.slice()];
  first.fill(0);
  second.fill(0);
  const found = read(log, 11, 1 << 20, Infinity, true)!;
  assertEquals(found.chunks, expected);
  assertEquals(found.nextOffset, 14);
});

Deno.test("LogBatchCache.read() returns small batches together, from the one that contains the offset", () => {
  const log = newBatchCache(1 << 20).forLog();
  for (let i = 0; i < 1000; i++) append(log, i * 2, 100);
  const all = read(log, 0, 1 << 20, Infinity, true)!;
  assert(all.chunks.length < 10, `${all.chunks.length} chunks`);
  assertEquals(recordsOf(all.chunks).length, 2000);
  assertEquals(offsetsOf(log, 1501, 300), [1500, 1501, 1502, 1503, 1504, 1505]);
});

Deno.test("LogBatchCache.read() respects its limits, except for the first batch", () => {
  const log = newBatchCache(1 << 20).forLog();
  for (const [i, size] of [100, 10_000, 10_000, 100, 100].entries()) append(log, i * 2, size);
  assertEquals(offsetsOf(log, 0, 1), [0, 1]);
  assertEquals(offsetsOf(log, 2, 1), [2, 3]);
  assertEquals(offsetsOf(log, 2, 15_000), [2, 3]);
  assertEquals(offsetsOf(log, 0, 1 << 20, 6), [0, 1, 2, 3, 4, 5]);
  assertEquals(offsetsOf(log, 6, 1 << 20, 9), [6, 7]);
  assertEquals(read(log, 2, 100, Infinity, false)?.chunks, []);
  assertEquals(read(log, 8, 100, 9, true)?.chunks, []);
});

Deno.test("LogBatchCache.read() returns undefined for offsets that are not cached", () => {
  const log = newBatchCache(1 << 20).forLog();
  assertEquals(read(log, 0, 100, Infinity, true), undefined);
  append(log, 10, 100);
  assertEquals(read(log, 9, 100, Infinity, true), undefined);
  assertEquals(read(log, 12, 100, Infinity, true), undefined);
  append(log, 20, 100);
  assertEquals(read(log, 10, 100, Infinity, true), undefined);
  assertEquals(offsetsOf(log, 20), [20, 21]);
});

Deno.test("BatchCache evicts the oldest batches of all logs first", () => {
  const batchCache = newBatchCache(100_000);
  const logs = [batchCache.forLog(), batchCache.forLog(), batchCache.forLog()];
  for (let i = 0; i < 30; i++) append(logs[i % 3]!, (i - i % 3) / 3 * 2, 20_000);
  // Four batches of 20 KB are kept: those of the last two rounds, except for two.
  assertEquals(logs.map((log) => log.baseOffset), [18, 18, 16]);
  assert(batchCache.sizeInBytes <= 100_000);
  for (const log of logs) log.clear();
  assertEquals(batchCache.sizeInBytes, 0);
});

Deno.test("BatchCache.sizeInBytes counts all memory in use", () => {
  const batchCache = newBatchCache(1 << 20);
  const log = batchCache.forLog();
  append(log, 0, 100);
  assert(batchCache.sizeInBytes >= 4096, `${batchCache.sizeInBytes} bytes`);
  append(log, 2, 33_000);
  assert(batchCache.sizeInBytes >= 4096 + 40_960, `${batchCache.sizeInBytes} bytes`);
});

Deno.test("BatchCache reuses the memory of evicted chunks once they are released", () => {
  const pool = new BufferPool();
  const batchCache = new BatchCache(50_000, pool);
  const log = batchCache.forLog();
  append(log, 0, 20_000);
  const readers = [1, 2].map(() => read(log, 0, 1 << 20, Infinity, true)!);
  const before = readers[0]!.chunks[0]!.slice();
  for (let i = 1; i < 3; i++) append(log, i * 2, 20_000);
  assertEquals(read(log, 0, 1, Infinity, true), undefined);
  assertEquals(pool.idleBytes, 0);
  readers[0]!.release!();
  assertEquals(pool.idleBytes, 0);
  append(log, 6, 20_000);
  const ofAnother = pool.idleBytes;
  assert(ofAnother >= 20_000);
  assertEquals(readers[1]!.chunks[0], before);
  readers[1]!.release!();
  assertEquals(pool.idleBytes, 2 * ofAnother);
  log.clear();
  assertEquals(pool.idleBytes, 4 * ofAnother);
});

Deno.test("LogBatchCache.read() returns a release() whose second call has no effect", () => {
  const pool = new BufferPool();
  const log = new BatchCache(1 << 20, pool).forLog();
  append(log, 0, 20_000);
  const readers = [1, 2].map(() => read(log, 0, 1 << 20, Infinity, true)!);
  log.clear();
  readers[0]!.release!();
  readers[0]!.release!();
  assertEquals(pool.idleBytes, 0);
  readers[1]!.release!();
  const { idleBytes } = pool;
  assert(idleBytes >= 20_000);
  readers[1]!.release!();
  assertEquals(pool.idleBytes, idleBytes);
});

Deno.test("LogBatchCache.read() skips chunks with only empty batches", () => {
  const log = newBatchCache(1 << 20).forLog();
  const empty = batchOfSize(2, 3000);
  new DataView(empty.bytes.buffer, empty.bytes.byteOffset).setInt32(57, 0);
  log.append(empty.bytes, 0, 2);
  append(log, 2, 20_000);
  assertEquals(offsetsOf(log, 0), [2, 3]);
});

Deno.test("BatchCache keeps chunks that are released but not evicted", () => {
  const pool = new BufferPool();
  const log = new BatchCache(1 << 20, pool).forLog();
  append(log, 0, 20_000);
  const found = read(log, 0, 1 << 20, Infinity, true)!;
  found.release!();
  assertEquals(pool.idleBytes, 0);
  assertEquals(offsetsOf(log, 0), [0, 1]);
});

Deno.test("BatchCache caches nothing without a budget, and no batch larger than it", () => {
  const none = newBatchCache(0);
  const log = none.forLog();
  append(log, 0, 100);
  assertEquals(none.sizeInBytes, 0);
  assertEquals(read(log, 0, 100, Infinity, true), undefined);
  const small = newBatchCache(50_000);
  const other = small.forLog();
  append(other, 0, 100);
  append(other, 2, 60_000);
  assertEquals(offsetsOf(other, 0), undefined);
  append(other, 4, 100);
  assertEquals(offsetsOf(other, 4), [4, 5]);
});

Deno.test("LogBatchCache.truncateTo() removes batches that end after the offset, and takes appends from there", () => {
  const batchCache = newBatchCache(1 << 20);
  const log = batchCache.forLog();
  for (let i = 0; i < 5; i++) append(log, i * 2, 10_000);
  log.truncateTo(7);
  assertEquals(read(log, 6, 100, Infinity, true), undefined);
  append(log, 6, 10_000);
  assertEquals(offsetsOf(log, 3), [2, 3, 4, 5, 6, 7]);
  log.truncateTo(0);
  assertEquals(batchCache.sizeInBytes, 0);
});

Deno.test("LogBatchCache.read() returns chunks that later appends do not change", () => {
  const batchCache = newBatchCache(20_000);
  const log = batchCache.forLog();
  append(log, 0, 100);
  const found = read(log, 0, 1 << 20, Infinity, true)!;
  const before = found.chunks[0]!.slice();
  for (let i = 1; i < 1000; i++) append(log, i * 2, 100);
  assertEquals(found.chunks[0], before);
  assert(log.baseOffset > 0);
});
