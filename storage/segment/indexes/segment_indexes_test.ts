import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FilePool } from "../../file_system/file_pool.ts";
import { FileSystemError } from "../../file_system/file_system.ts";
import { MemoryFileSystem } from "../../file_system/memory_file_system.ts";
import { diskFull, WatchedFileSystem } from "../../file_system/watched_file_system_testing.ts";
import { batchOf, NOW_MS } from "../../log_testing.ts";
import { IndexCache } from "./index_cache.ts";
import { Segment } from "../segment.ts";

/** A segment with ten batches of one record, each with an index entry. */
function makeSegment() {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  fs.mkdirSync("/a");
  const context = { fs, pool: new FilePool(fs), indexCache: new IndexCache() };
  const segment = new Segment(context, "/a", 0, undefined, NOW_MS);
  for (let offset = 0; offset < 10; offset++) {
    const batch = batchOf([{ value: "a", timestamp: NOW_MS + offset }], { baseOffset: offset });
    const position = segment.write(batch.bytes);
    segment.indexes.add(batch, position, 1);
  }
  return { fs, segment, indexes: segment.indexes };
}

Deno.test("SegmentIndexes.add() and truncated() fail unless the indexes are in memory", () => {
  const { segment, indexes } = makeSegment();
  const batch = batchOf(["a"], { baseOffset: 10 });
  indexes.retire();
  assertEquals(indexes.isReady, false);
  assertThrows(() => indexes.add(batch, 1000, 1), Error, "not in memory");
  assertThrows(() => indexes.truncated(0), Error, "not in memory");
  // They are loaded for reading, and kept in memory by activate().
  assertEquals([indexes.offset.count, indexes.maxTimestamp], [9, NOW_MS + 9]);
  assertEquals(indexes.isReady, false);
  indexes.activate();
  indexes.add(batch, segment.write(batch.bytes), 1);
  assertEquals(indexes.offset.lastOffset, 10);
  segment.close();
});

Deno.test("SegmentIndexes.release() fails with entries that are not written", () => {
  const { segment, indexes } = makeSegment();
  assertThrows(() => indexes.release(), Error, "not written");
  assert(indexes.isReady);
  indexes.write();
  indexes.release();
  assertEquals([indexes.isReady, indexes.offset.count], [false, 9]);
  segment.close();
});

Deno.test("SegmentIndexes.retire() keeps the indexes in memory if they cannot be written", () => {
  const { fs, segment, indexes } = makeSegment();
  fs.onCreate = (path) => {
    throw diskFull(path);
  };
  indexes.retire();
  assert(indexes.isReady);
  fs.onCreate = () => {};
  indexes.retire();
  assertEquals(indexes.isReady, false);
  segment.close();
});

Deno.test("SegmentIndexes.sync() syncs what was written, once, and again after a failure", async () => {
  const { fs, segment, indexes } = makeSegment();
  const paths = [segment.offsetIndexPath, segment.timeIndexPath];
  assertEquals(indexes.hasUnsyncedFiles, false);
  indexes.write();
  assert(indexes.hasUnsyncedFiles);
  fs.onSync = (path) => {
    if (path === segment.timeIndexPath) throw new FileSystemError("sync", path, "EIO", "failed");
  };
  await assertRejects(() => indexes.sync(), FileSystemError);
  assert(indexes.hasUnsyncedFiles);
  fs.onSync = () => {};
  fs.synced.length = 0;
  await indexes.sync();
  await indexes.sync();
  assertEquals([fs.synced, indexes.hasUnsyncedFiles], [paths, false]);
  segment.close();
});

Deno.test("SegmentIndexes.takeFrom() takes over indexes rebuilt from the same batches", () => {
  const { segment, indexes } = makeSegment();
  const other = makeSegment();
  other.segment.truncateTo({ baseOffset: 5, position: other.indexes.offset.lookup(5) });
  indexes.takeFrom(other.indexes);
  assertEquals(indexes.offset.lastOffset, other.indexes.offset.lastOffset);
  assertEquals([indexes.maxTimestamp, indexes.offsetOfMaxTimestamp], [NOW_MS + 4, 4]);
  assertEquals(indexes.firstTimestamp, NOW_MS);
  segment.close();
  other.segment.close();
});
