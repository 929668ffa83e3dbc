import { assertEquals, assertThrows } from "@std/assert";
import { BufferPool } from "../../protocol/frames/buffer_pool.ts";
import { LogClosedError } from "../errors.ts";
import { FilePool } from "../file_system/file_pool.ts";
import { MemoryFileSystem } from "../file_system/memory_file_system.ts";
import { configOf, NOW_MS } from "../log_testing.ts";
import { IndexCache } from "../segment/indexes/index_cache.ts";
import { Segment } from "../segment/segment.ts";
import { BatchCache } from "./batch_cache.ts";
import { LeaderEpochCache } from "./leader_epoch_cache.ts";
import { LogState } from "./log_state.ts";

/** The state of a log with offsets 10 to 20, cleaned up to 15. */
function makeState() {
  const fs = new MemoryFileSystem();
  const buffers = new BufferPool();
  const context = {
    fs,
    pool: new FilePool(fs),
    indexCache: new IndexCache(),
    buffers,
    batchCache: new BatchCache(0, buffers),
    producerIdExpirationMs: 1000,
    onDamage: () => {},
    onOffline: () => {},
    onSyncing: () => {},
    onFlush: () => {},
    syncDataFolder: () => Promise.resolve(),
    syncCheckpoints: () => Promise.resolve(),
  };
  const segment = new Segment(context, "/a-0", 10, undefined, NOW_MS);
  const loaded = {
    segments: [segment],
    logStartOffset: 10,
    logEndOffset: 20,
    snapshots: [],
    producers: undefined,
    epochs: new LeaderEpochCache(),
    recovery: undefined,
    losses: [],
  };
  return { state: new LogState(context, "a-0", "/a-0", configOf(), loaded, 15), segment, context };
}

/** Start, first dirty and end offset. */
function offsetsOf({ logStartOffset, firstDirtyOffset, logEndOffset }: LogState): number[] {
  return [logStartOffset, firstDirtyOffset, logEndOffset];
}

Deno.test("LogState moves its offsets only forward, except by a truncation", () => {
  const { state } = makeState();
  state.appended(22);
  assertThrows(() => state.appended(22), Error, "end offset is 22, it was 22");
  assertEquals([state.advanceStart(12), state.advanceStart(11)], [true, false]);
  assertThrows(() => state.advanceStart(23), Error, "its end offset is 22");
  state.cleaned(18);
  assertEquals(offsetsOf(state), [12, 18, 22]);
  state.truncated(16);
  assertEquals(offsetsOf(state), [12, 16, 16]);
  state.truncated(11);
  assertEquals(offsetsOf(state), [11, 11, 11]);
  state.restarted(30);
  assertEquals(offsetsOf(state), [30, 11, 30]);
});

Deno.test("LogState.beginSwap() allows one pending swap, which cancelSwap() ends", () => {
  const { state, segment, context } = makeState();
  const cleaned = new Segment(context, "/a-0", 10, undefined, NOW_MS, ".cleaned");
  state.beginSwap(cleaned);
  assertThrows(() => state.beginSwap(segment), Error, "another swap is pending");
  assertEquals([state.endSwap(segment), state.endSwap(cleaned), state.endSwap(cleaned)], [
    false,
    true,
    false,
  ]);
  state.beginSwap(cleaned);
  state.cancelSwap();
  assertEquals([state.endSwap(cleaned), cleaned.isDeleted], [false, true]);
});

Deno.test("LogState.checkWritable() fails from beginClose() on", () => {
  const { state } = makeState();
  state.checkWritable("append to");
  state.beginClose();
  assertEquals(state.isClosed, false);
  assertThrows(() => state.checkWritable("append to"), LogClosedError);
});
