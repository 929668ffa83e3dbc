// `preallocate`: the file of the active segment has its full size, with zeros after the batches.

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Random } from "../protocol/random_testing.ts";
import { appendKeyed, clean, compactedConfig } from "./cleaner/cleaner_testing.ts";
import { DiskFullError, LogOfflineError } from "./errors.ts";
import { DenoFileSystem } from "./file_system/deno_file_system.ts";
import type { FileSystem } from "./file_system/file_system.ts";
import { MemoryFileSystem } from "./file_system/memory_file_system.ts";
import {
  diskBroken,
  diskFull,
  WatchedFileSystem,
} from "./file_system/watched_file_system_testing.ts";
import type { Log } from "./log.ts";
import type { LogDirectory } from "./log_directory.ts";
import { append, configOf, NOW_MS, openDirectory, readAll } from "./log_testing.ts";
import { verifyDataFolder } from "./verify/mod.ts";

const NAME = "orders-3";
const CONFIG = { segmentBytes: 1000, indexIntervalBytes: 100, preallocate: true };

async function create(
  fs: FileSystem,
  options: { path?: string; config?: object; maxOpenFiles?: number } = {},
): Promise<{ directory: LogDirectory; log: Log }> {
  const { path = "/data", config, maxOpenFiles = 1000 } = options;
  const all = { ...CONFIG, ...config };
  const directory = await openDirectory(fs, {
    config: all,
    path,
    maxOpenFiles,
    batchCacheBytes: 0,
  });
  await directory.writeMetaProperties({ clusterId: "mQ2cDRTnRJ2DWrl_8Ee-JA", nodeId: 1 });
  return { directory, log: directory.create(NAME, { nowMs: NOW_MS, config: configOf(all) }) };
}

function valuesAt(offset: number): { value: string; timestamp: number }[] {
  return [offset, offset + 1].map((each) => ({
    value: `${each}`.padEnd(60, "."),
    timestamp: NOW_MS + each,
  }));
}

/** Appends `count` batches of two records. */
function fill(log: Log, count: number): void {
  for (let i = 0; i < count; i++) append(log, valuesAt(log.logEndOffset));
}

async function checkRecords(log: Log, count: number): Promise<void> {
  assertEquals(log.logEndOffset, count);
  assertEquals(
    (await readAll(log, 0, 500)).map(({ value }) => Number.parseInt(value)),
    Array.from({ length: count }, (_, i) => i),
  );
  for (let offset = 0; offset < count; offset++) {
    assertEquals((await log.offsetForTimestamp(NOW_MS + offset))?.offset, offset);
  }
}

/** Sizes of the segments' files. */
function fileSizes(fs: FileSystem, log: Log): number[] {
  return log.segments.map(({ path }) => fs.statSync(path)!.size);
}

function batchSizes(log: Log): number[] {
  return log.segments.map(({ sizeInBytes }) => sizeInBytes);
}

async function checkLife(fs: FileSystem, path: string): Promise<void> {
  const { directory, log } = await create(fs, { path, maxOpenFiles: 3 });
  fill(log, 1);
  const batchSize = log.sizeInBytes;
  assert(batchSize < 250);
  assertEquals(fileSizes(fs, log), [1000]);
  while (log.segments.length < 3) {
    fill(log, 1);
    await checkRecords(log, log.logEndOffset);
    assertEquals(fileSizes(fs, log), [...batchSizes(log).slice(0, -1), 1000]);
  }
  await log.flush();
  assertEquals(log.sizeInBytes, log.logEndOffset / 2 * batchSize);
  const end = log.logEndOffset;
  await directory.close();
  assertEquals(fileSizes(fs, log), batchSizes(log));
  assertEquals((await verifyDataFolder(fs, path)).partitions[0]!.findings, []);
  // As in Kafka, an existing file is not extended again.
  await using again = await openDirectory(fs, { path, config: CONFIG, batchCacheBytes: 0 });
  const reopened = again.get(NAME)!;
  assertEquals([reopened.recovery, reopened.losses], [undefined, []]);
  await checkRecords(reopened, end);
  fill(reopened, 1);
  assertEquals(fileSizes(fs, reopened), batchSizes(reopened));
  while (reopened.segments.length < 4) fill(reopened, 1);
  assertEquals(fileSizes(fs, reopened), [...batchSizes(reopened).slice(0, -1), 1000]);
  await checkRecords(reopened, reopened.logEndOffset);
}

Deno.test("Log with preallocate creates files of full size, and cuts them at roll and close", async () => {
  await checkLife(new MemoryFileSystem(), "/data");
  const folder = await Deno.makeTempDir();
  try {
    await checkLife(new DenoFileSystem(), `${folder}/data`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Log.open() after a kill cuts preallocated space without a report, and loses nothing", async () => {
  for (const checkpointAt of [-1, 0, 3, 5, 9, 11]) {
    for (let count = 0; count <= 12; count++) {
      const fs = new MemoryFileSystem();
      const { directory, log } = await create(fs);
      for (let i = 0; i <= count; i++) {
        if (i > 0) fill(log, 1);
        if (i === checkpointAt) await directory.checkpoint();
      }
      const killed = fs.clone({ unsynced: "kept" });
      assertEquals((await verifyDataFolder(killed, "/data")).partitions[0]?.findings ?? [], []);
      await directory.close();
      // Regardless of the setting at that time.
      for (const preallocate of [true, false]) {
        const copy = killed.clone({ unsynced: "kept" });
        const config = { ...CONFIG, preallocate };
        await using again = await openDirectory(copy, { config, batchCacheBytes: 0 });
        const reopened = again.get(NAME)!;
        assertEquals(again.wasCleanShutdown, false);
        assertEquals(reopened.losses, []);
        const { truncatedBytes, problem } = reopened.recovery ?? { truncatedBytes: 0 };
        assertEquals([truncatedBytes, problem], [0, undefined]);
        if (count > 0) assertEquals(fileSizes(copy, reopened), batchSizes(reopened));
        await checkRecords(reopened, count * 2);
        fill(reopened, 8);
        await checkRecords(reopened, count * 2 + 16);
      }
    }
  }
});

Deno.test("Log.open() after a kill reports a torn batch without the zeros after it", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  fill(log, 3);
  const { path, sizeInBytes } = log.segments[0]!;
  const killed = fs.clone({ unsynced: "kept" });
  await directory.close();
  const batchSize = sizeInBytes / 3;
  for (let size = 2 * batchSize; size < sizeInBytes; size++) {
    const torn = killed.clone({ unsynced: "kept" });
    const bytes = torn.readFileSync(path).fill(0, size);
    torn.writeFileSync(path, bytes);
    const dataEnd = bytes.findLastIndex((byte) => byte !== 0) + 1;
    await using again = await openDirectory(torn, { config: CONFIG });
    const reopened = again.get(NAME)!;
    const isWhole = dataEnd === sizeInBytes - 1;
    await checkRecords(reopened, isWhole ? 6 : 4);
    if (isWhole) continue;
    const cut = Math.max(0, dataEnd - 2 * batchSize);
    assertEquals(reopened.recovery!.truncatedBytes, cut);
    assertEquals(reopened.recovery!.problem !== undefined, cut > 0);
  }
});

Deno.test("Log.open() after a kill reports zeroed records in a preallocated file", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  fill(log, 3);
  await directory.checkpoint();
  const { path, sizeInBytes } = log.segments[0]!;
  const killed = fs.clone({ unsynced: "kept" });
  await directory.close();
  killed.writeFileSync(path, killed.readFileSync(path).fill(0, sizeInBytes / 3));
  assertEquals((await verifyDataFolder(killed, "/data")).partitions[0]!.findings.length > 0, true);
  await using again = await openDirectory(killed, { config: CONFIG });
  const reopened = again.get(NAME)!;
  const [loss] = reopened.losses;
  assertEquals([loss!.firstOffset, loss!.nextOffset], [2, 6]);
  assertMatch(loss!.problem, /damaged/);
  assertEquals(append(reopened, valuesAt(6)).firstOffset, 6);
});

Deno.test("Log.open() after a power failure has everything flushed to a preallocated file", async () => {
  const random = new Random(7);
  for (let i = 0; i < 150; i++) {
    const fs = new MemoryFileSystem();
    const { directory, log } = await create(fs);
    fill(log, random.below(9));
    await log.flush();
    const flushed = log.logEndOffset;
    fill(log, random.below(9));
    const written = log.logEndOffset;
    const copy = fs.clone({ unsynced: "mixed", random: () => random.next() });
    await directory.close();
    await using again = await openDirectory(copy, { config: CONFIG, batchCacheBytes: 0 });
    const reopened = again.get(NAME);
    const end = reopened?.logEndOffset ?? 0;
    assert(end >= flushed && end <= written);
    if (reopened === undefined) continue;
    assertEquals(reopened.losses, []);
    if (flushed > 0) await checkRecords(reopened, end);
  }
});

Deno.test("Log applies a change of preallocate to the next segment", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs, { config: { preallocate: false } });
  const roll = () => {
    for (const { length } = log.segments; log.segments.length === length;) fill(log, 1);
  };
  fill(log, 1);
  const isFull = () => fileSizes(fs, log).map((size, i) => size > batchSizes(log)[i]!);
  log.updateConfig(configOf(CONFIG));
  fill(log, 1);
  assertEquals(isFull(), [false]);
  roll();
  assertEquals(isFull(), [false, true]);
  log.updateConfig(configOf({ ...CONFIG, preallocate: false }));
  fill(log, 1);
  assertEquals(isFull(), [false, true]);
  roll();
  assertEquals(isFull(), [false, false, false]);
  log.updateConfig(configOf({ ...CONFIG, segmentBytes: 2000 }));
  roll();
  assertEquals(fileSizes(fs, log).at(-1), 2000);
  await checkRecords(log, log.logEndOffset);
  await directory.close();
});

Deno.test("Log.append() undoes a write to a preallocated file if the disk is full", async () => {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  const { directory, log } = await create(fs);
  fill(log, 2);
  const { path, sizeInBytes } = log.segments[0]!;
  let count = 0;
  fs.onAppend = () => {
    if (count++ === 0) return 10;
    throw diskFull(path);
  };
  assertThrows(() => fill(log, 1), DiskFullError);
  fs.onAppend = () => {};
  assertEquals(fs.statSync(path)!.size, sizeInBytes);
  fill(log, 6);
  await checkRecords(log, 16);
  await directory.close();
  await using again = await openDirectory(fs, { config: CONFIG });
  await checkRecords(again.get(NAME)!, 16);
});

Deno.test("Log goes offline if a preallocated file cannot be truncated, and is recovered", async () => {
  for (const when of ["roll", "close"]) {
    const fs = new WatchedFileSystem(new MemoryFileSystem());
    const { directory, log } = await create(fs);
    fill(log, 2);
    fs.onTruncate = (path) => {
      throw diskBroken(path);
    };
    if (when === "roll") {
      assertThrows(() => fill(log, 10), LogOfflineError);
      assertEquals(log.segments.length, 1);
    }
    const end = log.logEndOffset;
    await directory.close().catch((error) => assert(error instanceof LogOfflineError, error));
    fs.onTruncate = () => {};
    await using again = await openDirectory(fs, { config: CONFIG });
    const reopened = again.get(NAME)!;
    assertEquals(again.wasCleanShutdown, false);
    assertEquals([reopened.losses, reopened.recovery!.truncatedBytes], [[], 0]);
    await checkRecords(reopened, end);
  }
});

Deno.test("Log with preallocate truncates, starts over and deletes segments", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  fill(log, 3);
  await log.truncateTo(4, NOW_MS);
  assertEquals(fileSizes(fs, log), batchSizes(log));
  fill(log, 12);
  await checkRecords(log, 28);
  const { baseOffset } = log.segments.at(-1)!;
  await log.truncateTo(baseOffset - 2, NOW_MS);
  fill(log, 10);
  await checkRecords(log, baseOffset + 18);
  await log.applyRetention(NOW_MS * 2);
  assertEquals([log.sizeInBytes, fileSizes(fs, log)], [0, [1000]]);
  await log.truncateFullyAndStartAt(100, NOW_MS);
  assertEquals(fileSizes(fs, log), [1000]);
  fill(log, 2);
  const killed = fs.clone({ unsynced: "kept" });
  await directory.close();
  for (const copy of [killed, fs]) {
    await using again = await openDirectory(copy, { config: CONFIG });
    const reopened = again.get(NAME)!;
    assertEquals([reopened.logStartOffset, reopened.logEndOffset], [100, 104]);
    assertEquals([reopened.losses, reopened.recovery?.problem], [[], undefined]);
    assertEquals(fileSizes(copy, reopened), batchSizes(reopened));
  }
});

Deno.test("Log.clean() works with preallocate", async () => {
  const fs = new MemoryFileSystem();
  const config = compactedConfig({ ...CONFIG, segmentBytes: 400 });
  const directory = await openDirectory(fs, { config, batchCacheBytes: 0 });
  const log = directory.create(NAME, { nowMs: NOW_MS, config });
  for (let i = 0; i < 30; i++) appendKeyed(log, [[`k${i % 3}`, `${i}`]]);
  await clean(log);
  assertEquals(fileSizes(fs, log).slice(0, -1), batchSizes(log).slice(0, -1));
  assertEquals(fileSizes(fs, log).at(-1), 400);
  const records = await readAll(log);
  assert(records.length < 30);
  const killed = fs.clone({ unsynced: "kept" });
  await directory.close();
  for (const copy of [killed, fs]) {
    await using again = await openDirectory(copy, { config, batchCacheBytes: 0 });
    assertEquals(again.get(NAME)!.losses, []);
    assertEquals(await readAll(again.get(NAME)!), records);
  }
});
