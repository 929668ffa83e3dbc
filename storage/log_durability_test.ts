/**
 * Power failures at bad moments: after a kill, in the middle of retention, or before the removals
 * of recovery are on disk.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { FileSystemError } from "./file_system/file_system.ts";
import type { Log } from "./log.ts";
import type { LogDirectory } from "./log_directory.ts";
import { append, configOf, NOW_MS, openDirectory, readAll } from "./log_testing.ts";
import { MemoryFileSystem } from "./file_system/memory_file_system.ts";
import { WatchedFileSystem } from "./file_system/watched_file_system_testing.ts";

const NAME = "orders-3";
const FOLDER = `/data/${NAME}`;
const SEGMENT_BYTES = 1000;

/** A log with `count` batches of one record, two to a segment. */
async function create(
  fs: MemoryFileSystem | WatchedFileSystem,
  count: number,
): Promise<{ directory: LogDirectory; log: Log }> {
  const directory = await openDirectory(fs);
  const config = configOf({ segmentBytes: SEGMENT_BYTES, retentionBytes: 0, retentionMs: -1 });
  const log = directory.create(NAME, { nowMs: NOW_MS, config, topicId: "AAECAwQFBgcICQoLDA0ODw" });
  for (let i = 0; i < count; i++) append(log, ["x".repeat(400)]);
  return { directory, log };
}

function segmentFile(baseOffset: number): string {
  return `${FOLDER}/${String(baseOffset).padStart(20, "0")}.log`;
}

Deno.test("Log.applyRetention() leaves no gap and keeps the end offset, whenever the power fails", async () => {
  for (const count of [2, 9]) {
    const disk = new MemoryFileSystem({ now: () => NOW_MS });
    const fs = new WatchedFileSystem(disk);
    const { directory, log } = await create(fs, count);
    await directory.checkpoint();
    const failed: MemoryFileSystem[] = [];
    let seed = 1;
    const random = () => (seed = (seed * 48271) % 0x7fffffff) / 0x7fffffff;
    fs.onSync = () => {
      for (let i = 0; i < 20; i++) failed.push(disk.clone({ unsynced: "mixed", random }));
    };
    assertEquals(await log.applyRetention(NOW_MS), Math.ceil(count / 2));
    fs.onSync = () => {};
    const starts = new Set<number>();
    for (const copy of failed) {
      await using directory = await openDirectory(copy);
      const { logStartOffset, logEndOffset } = directory.get(NAME)!;
      starts.add(logStartOffset);
      assertEquals(logEndOffset, count);
      const records = await readAll(directory.get(NAME)!, logStartOffset);
      assertEquals(
        records.map(({ offset }) => offset),
        Array.from({ length: logEndOffset - logStartOffset }, (_, i) => logStartOffset + i),
      );
    }
    assert(starts.size > 1);
    await directory.close();
  }
});

Deno.test("Log.applyRetention() resolves when the deletion is on disk", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs, 5);
  await directory.checkpoint();
  await log.applyRetention(NOW_MS);
  await using after = await openDirectory(fs.clone({ unsynced: "lost" }));
  assertEquals(after.get(NAME)!.logStartOffset, 5);
  await directory.close();
});

Deno.test("Log.open() after a kill shows no deletion that a power failure could undo", async () => {
  const disk = new MemoryFileSystem();
  const fs = new WatchedFileSystem(disk);
  const { directory, log } = await create(fs, 5);
  await directory.checkpoint();
  let killed: MemoryFileSystem | undefined;
  fs.onSync = () => {
    if (disk.statSync(segmentFile(0)) === undefined) killed ??= disk.clone({ unsynced: "kept" });
  };
  await log.applyRetention(NOW_MS);
  {
    const again = await openDirectory(killed!);
    assertEquals(again.get(NAME)!.logStartOffset, 2);
    await using failed = await openDirectory(killed!.clone({ unsynced: "lost" }));
    assertEquals(failed.get(NAME)!.logStartOffset, 2);
    await again.close();
  }
  await directory.close();
});

Deno.test("Log.append() leaves no later start, if the power fails before the first flush of several segments", async () => {
  const starts = [
    { name: "a new log", begin: (_: Log) => Promise.resolve(), offset: 0 },
    {
      name: "a log that began again",
      begin: (log: Log) => log.truncateFullyAndStartAt(70, NOW_MS),
      offset: 70,
    },
    {
      name: "a log with one segment after retention",
      begin: (log: Log) => log.applyRetention(NOW_MS),
      offset: 9,
    },
  ];
  for (const { name, begin, offset } of starts) {
    const disk = new MemoryFileSystem({ now: () => NOW_MS });
    const { directory, log } = await create(disk, offset === 9 ? 9 : 0);
    await begin(log);
    for (let i = 0; i < 9; i++) append(log, ["x".repeat(400)]);
    let seed = 1;
    const random = () => (seed = (seed * 48271) % 0x7fffffff) / 0x7fffffff;
    const ends = new Set<number>();
    for (let i = 0; i < 100; i++) {
      const copy = disk.clone({ unsynced: "mixed", random });
      await using after = await openDirectory(copy);
      const recovered = after.get(NAME);
      if (recovered === undefined) continue;
      assert(recovered.logStartOffset <= offset, `${name}: starts at ${recovered.logStartOffset}`);
      ends.add(recovered.logEndOffset);
    }
    assert(ends.size > 1, name);
    await directory.close();
  }
});

Deno.test("Log.flush() syncs names that a killed process had not synced", async () => {
  for (const file of [undefined, segmentFile(0)]) {
    const fs = new MemoryFileSystem();
    const { directory } = await create(fs, 0);
    // A first append that fails on a full disk leaves an empty file.
    if (file !== undefined) fs.writeFileSync(file, new Uint8Array(0));
    const killed = fs.clone({ unsynced: "kept" });
    const again = await openDirectory(killed);
    append(again.get(NAME)!, ["a"]);
    await again.get(NAME)!.flush();
    await using failed = await openDirectory(killed.clone({ unsynced: "lost" }));
    assertEquals((await readAll(failed.get(NAME)!)).length, 1);
    assertEquals(failed.get(NAME)!.topicId, "AAECAwQFBgcICQoLDA0ODw");
    await again.close();
    await directory.close();
  }
});

Deno.test("Log.flush() syncs partition.metadata of a log that was closed before it had records", async () => {
  const fs = new MemoryFileSystem();
  const { directory } = await create(fs, 0);
  await directory.close();
  const again = await openDirectory(fs);
  append(again.get(NAME)!, ["a"]);
  await again.get(NAME)!.flush();
  await using failed = await openDirectory(fs.clone({ unsynced: "lost" }));
  assertEquals(failed.get(NAME)!.topicId, "AAECAwQFBgcICQoLDA0ODw");
  await again.close();
});

Deno.test("Log.append() writes nothing if the state that it must load cannot be read", async () => {
  const fs = new MemoryFileSystem();
  const { directory } = await create(fs, 3);
  await directory.close();
  const again = await openDirectory(fs);
  const log = again.get(NAME)!;
  const sizeInBytes = fs.statSync(segmentFile(2))!.size;
  const readFileSync = fs.readFileSync.bind(fs);
  fs.readFileSync = (path) => {
    throw new FileSystemError("read", path, "EMFILE", "too many open files");
  };
  assertThrows(() => append(log, ["a"]), Error);
  fs.readFileSync = (path) => {
    if (!path.endsWith("leader-epoch-checkpoint")) return readFileSync(path);
    throw new FileSystemError("read", path, "EMFILE", "too many open files");
  };
  assertThrows(() => append(log, ["a"]), Error);
  assertEquals(fs.statSync(segmentFile(2))!.size, sizeInBytes);
  fs.readFileSync = readFileSync;
  assertEquals(append(log, ["a"]).firstOffset, 3);
  await again.close();
});

Deno.test("Log.open() syncs the removal of segments after a gap", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs, 6);
  await log.flush();
  const damaged = fs.clone({ unsynced: "kept" });
  damaged.removeSync(segmentFile(2));
  await damaged.syncDir(FOLDER);
  const again = await openDirectory(damaged);
  assertEquals(again.get(NAME)!.logEndOffset, 2);
  assertEquals(damaged.clone({ unsynced: "lost" }).statSync(segmentFile(4)), undefined);
  await again.close();
  await directory.close();
});

Deno.test("Log.open() cuts the rest of a failed append in the segment before the recovery point", async () => {
  const fs = new MemoryFileSystem();
  const { directory } = await create(fs, 2);
  await directory.checkpoint();
  append(directory.get(NAME)!, ["x".repeat(400)]);
  const killed = fs.clone({ unsynced: "kept" });
  const { size } = killed.statSync(segmentFile(0))!;
  const file = killed.openSync(segmentFile(0), "append");
  file.appendSync(new Uint8Array(20).fill(1));
  file.close();
  await using again = await openDirectory(killed);
  const log = again.get(NAME)!;
  assertEquals(killed.statSync(segmentFile(0))!.size, size);
  assertEquals((await readAll(log)).length, 3);
  await directory.close();
});

Deno.test("LogDirectory.open() syncs a folder that a killed process created", async () => {
  const fs = new MemoryFileSystem();
  fs.mkdirSync("/data");
  const { directory, log } = await create(fs, 1);
  await log.flush();
  assert(fs.clone({ unsynced: "lost" }).statSync(segmentFile(0)) !== undefined);
  await directory.close();
});

Deno.test("LogDirectory.open() rewrites lost recovery points", async () => {
  const fs = new MemoryFileSystem();
  const { directory } = await create(fs, 3);
  await directory.checkpoint();
  const killed = fs.clone({ unsynced: "kept" });
  const path = "/data/recovery-point-offset-checkpoint";
  killed.removeSync(path);
  const again = await openDirectory(killed);
  const text = new TextDecoder().decode(killed.clone({ unsynced: "lost" }).readFileSync(path));
  assert(text.includes("orders 3 3"), text);
  await again.close();
  await directory.close();
});

Deno.test("LogDirectory.open() syncs checkpoints before it uses them", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs, 3);
  log.deleteRecordsBefore(1);
  await directory.checkpoint();
  const killed = fs.clone({ unsynced: "kept" });
  const path = "/data/log-start-offset-checkpoint";
  killed.writeFileSync(path, new TextEncoder().encode("0\n1\norders 3 2\n"));
  const again = await openDirectory(killed);
  assertEquals(again.get(NAME)!.logStartOffset, 2);
  await using failed = await openDirectory(killed.clone({ unsynced: "lost" }));
  assertEquals(failed.get(NAME)!.logStartOffset, 2);
  await again.close();
  await directory.close();
});

Deno.test("LogDirectory.checkpoint() ignores a log that is deleted meanwhile", async () => {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  const { directory } = await create(fs, 3);
  fs.onSync = () => void directory.delete(NAME, NOW_MS);
  await directory.checkpoint();
  assertEquals(directory.logCount, 0);
  fs.onSync = () => {};
  await directory.close();
});

Deno.test("Log.open() restores the producer of the batch at the log start offset without a snapshot", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs, 1);
  append(log, ["a", "b", "c"], { producerId: 7, producerEpoch: 0, baseSequence: 0 });
  append(log, ["d"]);
  log.deleteRecordsBefore(3);
  await directory.close();
  for (const { name } of fs.readDirSync(FOLDER)) {
    if (name.endsWith(".snapshot")) fs.removeSync(`${FOLDER}/${name}`);
  }
  for (const unclean of [false, true]) {
    if (unclean) fs.removeSync("/data/.kafka_cleanshutdown");
    await using again = await openDirectory(fs.clone({ unsynced: "kept" }));
    assertEquals(again.get(NAME)!.producers.get(7)?.lastSequence, 2);
  }
});

Deno.test("Log rebuilds a time index that a power failure left as zeros", async () => {
  const fs = new MemoryFileSystem();
  const { directory } = await create(fs, 5);
  await directory.close();
  const path = segmentFile(2).replace(".log", ".timeindex");
  fs.writeFileSync(path, new Uint8Array(fs.statSync(path)!.size));
  await using again = await openDirectory(fs);
  const log = again.get(NAME)!;
  assertEquals((await log.offsetForTimestamp(NOW_MS))?.offset, 0);
  log.deleteRecordsBefore(2);
  assertEquals((await log.offsetForTimestamp(NOW_MS))?.offset, 2);
});
