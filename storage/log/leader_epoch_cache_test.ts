import { assertEquals, assertThrows } from "@std/assert";
import { CorruptFileError } from "../errors.ts";
import { LeaderEpochCache } from "./leader_epoch_cache.ts";
import { MemoryFileSystem } from "../file_system/memory_file_system.ts";

function cacheOf(...entries: readonly [leaderEpoch: number, offset: number][]): LeaderEpochCache {
  const cache = new LeaderEpochCache();
  for (const [leaderEpoch, offset] of entries) cache.assign(leaderEpoch, offset);
  return cache;
}

function entriesOf(cache: LeaderEpochCache): [number, number][] {
  return cache.entries.map(({ leaderEpoch, offset }) => [leaderEpoch, offset]);
}

Deno.test("LeaderEpochCache writes and reads Kafka's file format", () => {
  const fs = new MemoryFileSystem();
  const cache = cacheOf([0, 0], [3, 100], [4, 2 ** 40]);
  cache.write(fs, "/leader-epoch-checkpoint");
  assertEquals(
    new TextDecoder().decode(fs.readFileSync("/leader-epoch-checkpoint")),
    "0\n3\n0 0\n3 100\n4 1099511627776\n",
  );
  const read = LeaderEpochCache.read(fs, "/leader-epoch-checkpoint");
  assertEquals(entriesOf(read), entriesOf(cache));
  assertEquals(read.isDirty, false);
  assertEquals(entriesOf(LeaderEpochCache.read(fs, "/none")), []);
});

Deno.test("LeaderEpochCache.read() rejects invalid text", () => {
  const fs = new MemoryFileSystem();
  for (const text of ["1\n0\n", "0\n2\n0 0\n", "0\n1\n0\n", "0\n1\n0 x\n", "\0\0\0"]) {
    fs.writeFileSync("/a", new TextEncoder().encode(text));
    assertThrows(() => LeaderEpochCache.read(fs, "/a"), CorruptFileError);
  }
});

Deno.test("LeaderEpochCache.assign() keeps epochs and offsets ascending", () => {
  const cache = cacheOf([1, 10], [1, 20], [2, 30]);
  assertEquals(entriesOf(cache), [[1, 10], [2, 30]]);
  cache.assign(3, 30);
  assertEquals(entriesOf(cache), [[1, 10], [3, 30]]);
  cache.assign(4, 5);
  assertEquals(entriesOf(cache), [[4, 5]]);
});

Deno.test("LeaderEpochCache.endOffsetFor() returns what OffsetForLeaderEpoch needs (KIP-320)", () => {
  const cache = cacheOf([2, 10], [4, 20], [5, 30]);
  const end = (epoch: number) => {
    const found = cache.endOffsetFor(epoch, 50);
    return found && [found.leaderEpoch, found.offset];
  };
  assertEquals(end(5), [5, 50]);
  assertEquals(end(4), [4, 30]);
  assertEquals(end(3), [2, 20]);
  assertEquals(end(2), [2, 20]);
  assertEquals(end(1), [1, 10]);
  assertEquals(end(6), undefined);
  assertEquals(end(-1), undefined);
  assertEquals(cacheOf().endOffsetFor(0, 50), undefined);
});

Deno.test("LeaderEpochCache.epochFor() returns the epoch of an offset", () => {
  const cache = cacheOf([2, 10], [4, 20]);
  assertEquals([9, 10, 19, 20, 99].map((offset) => cache.epochFor(offset)), [-1, 2, 2, 4, 4]);
});

Deno.test("LeaderEpochCache truncates from both ends", () => {
  const cache = cacheOf([1, 10], [2, 20], [3, 30]);
  cache.truncateFromEnd(31);
  assertEquals(entriesOf(cache), [[1, 10], [2, 20], [3, 30]]);
  cache.truncateFromEnd(30);
  assertEquals(entriesOf(cache), [[1, 10], [2, 20]]);
  cache.truncateFromStart(5);
  assertEquals(entriesOf(cache), [[1, 10], [2, 20]]);
  cache.truncateFromStart(15);
  assertEquals(entriesOf(cache), [[1, 15], [2, 20]]);
  cache.truncateFromStart(25);
  assertEquals(entriesOf(cache), [[2, 25]]);
  cache.clear();
  assertEquals(entriesOf(cache), []);
});
