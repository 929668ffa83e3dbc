import { assert, assertEquals } from "@std/assert";
import type { WindowedFile } from "../file_system/file_window.ts";
import { MemoryFileSystem } from "../file_system/memory_file_system.ts";
import { append, batchOf, NOW_MS, openDirectory, readAll } from "../log_testing.ts";
import { TimeSlice } from "../time_slice.ts";
import { verifyDataFolder } from "../verify/mod.ts";
import { BatchWalk } from "./batch_walk.ts";

const PATH = "/data/orders-3/00000000000000000000.log";
const ZEROS = 8 << 20;

/** A slice that is always over, and counts its pauses. */
class CountingSlice extends TimeSlice {
  pauses = 0;

  override get isOver(): boolean {
    return true;
  }

  override async pause(): Promise<void> {
    this.pauses++;
    await Promise.resolve();
  }
}

function fileOf(bytes: Uint8Array): WindowedFile {
  return {
    readSync(into, position) {
      const part = bytes.subarray(position, position + into.length);
      into.set(part);
      return part.length;
    },
  };
}

function walkOver(bytes: Uint8Array): BatchWalk {
  return new BatchWalk(fileOf(bytes), {
    position: 0,
    endPosition: bytes.length,
    nextOffset: 0,
    endOffset: Infinity,
  });
}

Deno.test("BatchWalk.nextInSlices() pauses during a search, and finds the same as next()", async () => {
  const first = batchOf(["a"]).bytes;
  const last = batchOf(["b"], { baseOffset: 1 }).bytes;
  const bytes = new Uint8Array(first.length + ZEROS + last.length);
  bytes.set(first);
  bytes.set(last, first.length + ZEROS);
  const all = (walk: BatchWalk) => [walk.position, walk.nextPosition, walk.nextOffset, walk.damage];
  const expected = [];
  for (const walk = walkOver(bytes); walk.next();) expected.push(all(walk));
  assertEquals(expected.length, 3);
  const slice = new CountingSlice();
  const found = [];
  for (const walk = walkOver(bytes); await walk.nextInSlices(slice);) found.push(all(walk));
  assertEquals(found, expected);
  // One part of the search is 256 KiB.
  assert(slice.pauses >= ZEROS / (1 << 18) - 1, `${slice.pauses} pauses`);
});

/** A file system in which reading a large part of a file takes longer than a slice. */
class SlowFileSystem extends MemoryFileSystem {
  reads = 0;

  override openSync(...args: Parameters<MemoryFileSystem["openSync"]>) {
    const file = super.openSync(...args);
    const readSync = file.readSync.bind(file);
    file.readSync = (into, position) => {
      if (into.length >= 1 << 20) {
        this.reads++;
        for (const end = performance.now() + 11; performance.now() < end;);
      }
      return readSync(into, position);
    };
    return file;
  }
}

/** Counts turns of the event loop until `work` is done. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  await work();
  clearInterval(timer);
  return turns;
}

/** A log with two batches in front of and one after zeros, killed or closed. */
async function makeData(fs: MemoryFileSystem, isClosed: boolean): Promise<void> {
  const directory = await openDirectory(fs);
  const log = directory.create("orders-3", { nowMs: NOW_MS });
  for (const value of ["a", "b", "c"]) append(log, [value]);
  await directory.checkpoint();
  const bytes = fs.readFileSync(PATH);
  const last = bytes.length / 3 * 2;
  const damaged = new Uint8Array(bytes.length + ZEROS);
  damaged.set(bytes.subarray(0, last));
  damaged.set(bytes.subarray(last), last + ZEROS);
  if (isClosed) await directory.close();
  fs.writeFileSync(PATH, damaged);
  if (!isClosed) { for (const each of directory.logs) each.abandon(); }
}

Deno.test("verifyDataFolder() gives other work its turn in a long range of zeros", async () => {
  const fs = new SlowFileSystem();
  await makeData(fs, true);
  fs.reads = 0;
  const turns = await turnsDuring(async () => {
    const { partitions } = await verifyDataFolder(fs, "/data");
    assertEquals(partitions[0]!.batchCount, 3);
  });
  assert(fs.reads >= ZEROS >> 20, `${fs.reads} reads`);
  assert(turns >= fs.reads / 2, `${turns} turns in ${fs.reads} reads`);
});

Deno.test("Log.open() after a kill gives other work its turn in a long range of zeros", async () => {
  const fs = new SlowFileSystem();
  await makeData(fs, false);
  const killed = fs.clone({ unsynced: "kept" });
  const slow = new SlowFileSystem();
  for (const name of ["recovery-point-offset-checkpoint", "orders-3/00000000000000000000.log"]) {
    slow.mkdirSync("/data/orders-3");
    slow.writeFileSync(`/data/${name}`, killed.readFileSync(`/data/${name}`));
  }
  const turns = await turnsDuring(async () => {
    await using directory = await openDirectory(slow, { batchCacheBytes: 0 });
    assertEquals((await readAll(directory.get("orders-3")!)).map(({ offset }) => offset), [
      0,
      1,
      2,
    ]);
  });
  assert(slow.reads >= ZEROS >> 20, `${slow.reads} reads`);
  assert(turns >= slow.reads / 2, `${turns} turns in ${slow.reads} reads`);
});

Deno.test("Log.read() of damage gives other work its turn in a long range of zeros", async () => {
  const fs = new SlowFileSystem();
  const directory = await openDirectory(fs, { batchCacheBytes: 0 });
  const log = directory.create("orders-3", { nowMs: NOW_MS });
  append(log, ["a"]);
  const position = log.sizeInBytes;
  append(log, ["x".repeat(ZEROS)]);
  fs.overwriteSync(PATH, position, new Uint8Array(ZEROS));
  fs.reads = 0;
  const turns = await turnsDuring(async () => {
    const { nextOffset } = await log.read(0, { maxBytes: 1 });
    assertEquals(nextOffset, 1);
  });
  assert(fs.reads >= ZEROS >> 20, `${fs.reads} reads`);
  assert(turns >= fs.reads / 2, `${turns} turns in ${fs.reads} reads`);
  await directory.close();
});
