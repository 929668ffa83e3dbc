import { assert, assertEquals } from "@std/assert";
import { BufferPool } from "../../protocol/frames/buffer_pool.ts";
import { HotTail, type LogTail } from "./hot_tail.ts";
import { batchOfSize, recordsOf } from "../log_testing.ts";

/** Appends a batch of two records with about `size` bytes, alone in its buffer. */
function append(tail: LogTail, baseOffset: number, size: number): Uint8Array {
  const batch = batchOfSize(2, Math.max(1, size - 80) / 2);
  const { bytes } = batch;
  batch.baseOffset = baseOffset;
  tail.append(bytes, baseOffset, baseOffset + 2);
  return bytes;
}

function newHotTail(maxBytes: number): HotTail {
  return new HotTail(maxBytes, new BufferPool());
}

function offsetsOf(tail: LogTail, offset: number, maxBytes = 1 << 20, maxOffset = Infinity) {
  const read = tail.read(offset, maxBytes, maxOffset, true);
  return read && recordsOf(read.chunks).map((record) => record.offset);
}

Deno.test("LogTail.dropBefore() drops batches that are whole before an offset, and their memory", () => {
  const hotTail = newHotTail(1 << 20);
  const tail = hotTail.tail();
  for (const offset of [0, 2, 4, 6, 8, 10]) append(tail, offset, 5000);
  const { sizeInBytes } = hotTail;
  tail.dropBefore(1);
  assertEquals([tail.baseOffset, hotTail.sizeInBytes], [0, sizeInBytes]);
  tail.dropBefore(9);
  assertEquals([tail.baseOffset, hotTail.sizeInBytes], [8, sizeInBytes / 3]);
  assertEquals([offsetsOf(tail, 7), offsetsOf(tail, 8)], [undefined, [8, 9, 10, 11]]);
  tail.dropBefore(99);
  assertEquals([tail.baseOffset, hotTail.sizeInBytes], [Infinity, 0]);
  append(tail, 12, 5000);
  assertEquals(offsetsOf(tail, 12), [12, 13]);
});

Deno.test("LogTail reads large batches as chunks of their own, which are copies", () => {
  const tail = newHotTail(1 << 20).tail();
  const first = append(tail, 10, 20_000);
  const second = append(tail, 12, 20_000);
  const expected = [first.slice(), second.slice()];
  first.fill(0);
  second.fill(0);
  const read = tail.read(11, 1 << 20, Infinity, true)!;
  assertEquals(read.chunks, expected);
  assertEquals(read.nextOffset, 14);
});

Deno.test("LogTail reads small batches together, from the one that holds the offset", () => {
  const tail = newHotTail(1 << 20).tail();
  for (let i = 0; i < 1000; i++) append(tail, i * 2, 100);
  const all = tail.read(0, 1 << 20, Infinity, true)!;
  assert(all.chunks.length < 10, `${all.chunks.length} chunks`);
  assertEquals(recordsOf(all.chunks).length, 2000);
  assertEquals(offsetsOf(tail, 1501, 300), [1500, 1501, 1502, 1503, 1504, 1505]);
});

Deno.test("LogTail.read() keeps to its limits, but for the first batch", () => {
  const tail = newHotTail(1 << 20).tail();
  for (const [i, size] of [100, 10_000, 10_000, 100, 100].entries()) append(tail, i * 2, size);
  assertEquals(offsetsOf(tail, 0, 1), [0, 1]);
  assertEquals(offsetsOf(tail, 2, 1), [2, 3]);
  assertEquals(offsetsOf(tail, 2, 15_000), [2, 3]);
  assertEquals(offsetsOf(tail, 0, 1 << 20, 6), [0, 1, 2, 3, 4, 5]);
  assertEquals(offsetsOf(tail, 6, 1 << 20, 9), [6, 7]);
  assertEquals(tail.read(2, 100, Infinity, false)?.chunks, []);
  assertEquals(tail.read(8, 100, 9, true)?.chunks, []);
});

Deno.test("LogTail.read() gives nothing for offsets it does not have", () => {
  const tail = newHotTail(1 << 20).tail();
  assertEquals(tail.read(0, 100, Infinity, true), undefined);
  append(tail, 10, 100);
  assertEquals(tail.read(9, 100, Infinity, true), undefined);
  assertEquals(tail.read(12, 100, Infinity, true), undefined);
  append(tail, 20, 100);
  assertEquals(tail.read(10, 100, Infinity, true), undefined);
  assertEquals(offsetsOf(tail, 20), [20, 21]);
});

Deno.test("HotTail drops what was appended first, to whichever log", () => {
  const hotTail = newHotTail(100_000);
  const logs = [hotTail.tail(), hotTail.tail(), hotTail.tail()];
  for (let i = 0; i < 30; i++) append(logs[i % 3]!, (i - i % 3) / 3 * 2, 20_000);
  // Four batches of 20 KB are kept: the last two rounds but for two.
  assertEquals(logs.map((tail) => tail.baseOffset), [18, 18, 16]);
  assert(hotTail.sizeInBytes <= 100_000);
  for (const tail of logs) tail.clear();
  assertEquals(hotTail.sizeInBytes, 0);
});

Deno.test("HotTail counts all memory it keeps", () => {
  const hotTail = newHotTail(1 << 20);
  const tail = hotTail.tail();
  append(tail, 0, 100);
  assert(hotTail.sizeInBytes >= 4096, `${hotTail.sizeInBytes} bytes`);
  append(tail, 2, 33_000);
  assert(hotTail.sizeInBytes >= 4096 + 40_960, `${hotTail.sizeInBytes} bytes`);
});

Deno.test("HotTail uses the memory of what it drops again, once nobody looks at it", () => {
  const pool = new BufferPool();
  const hotTail = new HotTail(50_000, pool);
  const tail = hotTail.tail();
  append(tail, 0, 20_000);
  const readers = [1, 2].map(() => tail.read(0, 1 << 20, Infinity, true)!);
  const before = readers[0]!.chunks[0]!.slice();
  for (let i = 1; i < 3; i++) append(tail, i * 2, 20_000);
  assertEquals(tail.read(0, 1, Infinity, true), undefined);
  assertEquals(pool.idleBytes, 0);
  readers[0]!.release!();
  assertEquals(pool.idleBytes, 0);
  append(tail, 6, 20_000);
  const ofAnother = pool.idleBytes;
  assert(ofAnother >= 20_000);
  assertEquals(readers[1]!.chunks[0], before);
  readers[1]!.release!();
  assertEquals(pool.idleBytes, 2 * ofAnother);
  tail.clear();
  assertEquals(pool.idleBytes, 4 * ofAnother);
});

Deno.test("HotTail leaves alone what was read but is not dropped", () => {
  const pool = new BufferPool();
  const tail = new HotTail(1 << 20, pool).tail();
  append(tail, 0, 20_000);
  const read = tail.read(0, 1 << 20, Infinity, true)!;
  read.release!();
  assertEquals(pool.idleBytes, 0);
  assertEquals(offsetsOf(tail, 0), [0, 1]);
});

Deno.test("HotTail keeps nothing without a budget, and nothing larger than it", () => {
  const none = newHotTail(0);
  const tail = none.tail();
  append(tail, 0, 100);
  assertEquals(none.sizeInBytes, 0);
  assertEquals(tail.read(0, 100, Infinity, true), undefined);
  const small = newHotTail(50_000);
  const other = small.tail();
  append(other, 0, 100);
  append(other, 2, 60_000);
  assertEquals(offsetsOf(other, 0), undefined);
  append(other, 4, 100);
  assertEquals(offsetsOf(other, 4), [4, 5]);
});

Deno.test("LogTail.truncateTo() drops batches that reach beyond, and goes on from there", () => {
  const hotTail = newHotTail(1 << 20);
  const tail = hotTail.tail();
  for (let i = 0; i < 5; i++) append(tail, i * 2, 10_000);
  tail.truncateTo(7);
  assertEquals(tail.read(6, 100, Infinity, true), undefined);
  append(tail, 6, 10_000);
  assertEquals(offsetsOf(tail, 3), [2, 3, 4, 5, 6, 7]);
  tail.truncateTo(0);
  assertEquals(hotTail.sizeInBytes, 0);
});

Deno.test("LogTail leaves what was read unchanged by what comes later", () => {
  const hotTail = newHotTail(20_000);
  const tail = hotTail.tail();
  append(tail, 0, 100);
  const read = tail.read(0, 1 << 20, Infinity, true)!;
  const before = read.chunks[0]!.slice();
  for (let i = 1; i < 1000; i++) append(tail, i * 2, 100);
  assertEquals(read.chunks[0], before);
  assert(tail.baseOffset > 0);
});
