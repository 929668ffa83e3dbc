import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DiskFullError, LogClosedError, LogOfflineError, StorageError } from "./errors.ts";
import { FileSystemError } from "./file_system/file_system.ts";
import type { Log } from "./log.ts";
import type { LogConfig } from "./log/log_config.ts";
import type { LogDirectory } from "./log_directory.ts";
import { append, appendRolls, configOf, NOW_MS, openDirectory, readAll } from "./log_testing.ts";
import { MemoryFileSystem } from "./file_system/memory_file_system.ts";
import {
  diskBroken,
  diskFull,
  WatchedFileSystem,
} from "./file_system/watched_file_system_testing.ts";

const NAME = "orders-3";
const FILE = `/data/${NAME}/00000000000000000000.log`;

interface Setting {
  readonly fs: WatchedFileSystem;
  readonly directory: LogDirectory;
  readonly log: Log;
}

/** A log that was flushed once, so that its file names are on disk. */
async function begin(config: Partial<LogConfig> = {}): Promise<Setting> {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  const directory = await openDirectory(fs, { batchCacheBytes: 0 });
  const log = directory.create(NAME, { nowMs: NOW_MS, config: configOf(config) });
  append(log, ["first"]);
  await log.flush();
  fs.synced.length = 0;
  return { fs, directory, log };
}

/** Delays the sync of a file until it is released. */
function holdSync(fs: WatchedFileSystem, path = FILE) {
  const gate = Promise.withResolvers<void>();
  fs.onSync = (synced) => synced === path ? gate.promise : undefined;
  return gate;
}

Deno.test("Log.flush() shares one sync among all calls made during another", async () => {
  const { fs, directory, log } = await begin();
  const gate = holdSync(fs);
  append(log, ["a"]);
  const first = log.flush();
  const others = [];
  for (let i = 0; i < 50; i++) {
    append(log, ["b"]);
    others.push(log.flush());
  }
  gate.resolve();
  await first;
  assertEquals(log.flushedOffset, 2);
  await Promise.all(others);
  assertEquals(log.flushedOffset, 52);
  assertEquals(fs.synced, [FILE, FILE]);
  await directory.close();
});

Deno.test("Log.flush() without new appends syncs nothing, but waits for a sync in progress", async () => {
  const { fs, directory, log } = await begin();
  await log.flush();
  await log.flush();
  assertEquals(fs.synced, []);
  const gate = holdSync(fs);
  append(log, ["a"]);
  const first = log.flush();
  let isDone = false;
  const second = log.flush().then(() => isDone = true);
  await Promise.resolve();
  assertEquals(isDone, false);
  gate.resolve();
  await Promise.all([first, second]);
  assertEquals(fs.synced, [FILE]);
  await directory.close();
});

Deno.test("Log.flush() covers only appends before the call", async () => {
  const { fs, directory, log } = await begin();
  const gate = holdSync(fs);
  append(log, ["a"]);
  const flushing = log.flush();
  append(log, ["b"]);
  gate.resolve();
  await flushing;
  assertEquals([log.flushedOffset, log.logEndOffset], [2, 3]);
  await directory.close();
});

Deno.test("Log.flush() syncs names the first time and after a roll, and not otherwise", async () => {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  const directory = await openDirectory(fs, { batchCacheBytes: 0 });
  const config = configOf({ segmentBytes: 1000 });
  const topicId = "4v_2pRHCQ5K2LNRfgJ3mEg";
  const log = directory.create(NAME, { nowMs: NOW_MS, config, topicId });
  fs.synced.length = 0;
  const flush = async () => {
    append(log, ["x".repeat(500)]);
    await log.flush();
    return fs.synced.splice(0).map((path) => path.replace("/data", ""));
  };
  const folder = `/${NAME}`;
  const first = `${folder}/00000000000000000000.log`;
  assertEquals(await flush(), [first, `${folder}/partition.metadata`, "", folder]);
  const second = `${folder}/00000000000000000001.log`;
  assertEquals(await flush(), [second, folder]);
  append(log, ["y".repeat(100)]);
  append(log, ["y".repeat(100)]);
  await log.flush();
  assertEquals(fs.synced.splice(0).length, 1);
  append(log, ["y"]);
  assertEquals((await flush()).map((path) => path.replace(folder, "")), [
    "/00000000000000000001.log",
    "/00000000000000000005.log",
    "",
  ]);
  await directory.close();
});

Deno.test("Log.flush() of new logs syncs the data folder once for all of them", async () => {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  const directory = await openDirectory(fs);
  const logs = Array.from({ length: 30 }, (_, i) => directory.create(`t-${i}`, { nowMs: NOW_MS }));
  for (const log of logs) append(log, ["a"]);
  fs.synced.length = 0;
  await Promise.all(logs.map((log) => log.flush()));
  assert(fs.synced.filter((path) => path === "/data").length <= 2);
  assertEquals(fs.synced.filter((path) => path.endsWith(".log")).length, 30);
  await directory.close();
});

Deno.test("Log.flush() syncs again if truncated batches were replaced during the sync", async () => {
  const { fs, directory, log } = await begin();
  append(log, ["a"]);
  append(log, ["b"]);
  const gate = holdSync(fs);
  const flushing = log.flush();
  const cut = Promise.withResolvers<void>();
  const truncating = log.truncateTo(1, NOW_MS, () => {
    cut.resolve();
    return true;
  });
  await cut.promise;
  append(log, ["c", "d", "e"]);
  gate.resolve();
  await flushing;
  await truncating;
  assertEquals(log.flushedOffset, 4);
  const lost = (fs.inner as MemoryFileSystem).clone({ unsynced: "lost" });
  await directory.close();
  await using again = await openDirectory(lost);
  assertEquals((await readAll(again.get(NAME)!)).map((record) => record.value), [
    "first",
    "c",
    "d",
    "e",
  ]);
});

Deno.test("Log.append() on a full disk changes nothing, and succeeds once there is space", async () => {
  const { fs, directory, log } = await begin();
  const producer = { producerId: 7, producerEpoch: 0 };
  const size = log.sizeInBytes;
  for (const taken of [0, 1, 30]) {
    let calls = 0;
    fs.onAppend = (path) => {
      if (!path.endsWith(".log")) return;
      // A write with little space left is partial, and the next one writes nothing.
      if (calls++ === 0 && taken > 0) return taken;
      throw diskFull(path);
    };
    assertThrows(
      () => append(log, ["a"], { ...producer, baseSequence: 0 }),
      DiskFullError,
      `Cannot append to "${NAME}"`,
    );
    assertEquals([log.logEndOffset, log.sizeInBytes], [1, size]);
    assertEquals(fs.statSync(FILE)?.size, size);
    assertEquals(log.offlineError, undefined);
    assertEquals((await readAll(log)).length, 1);
  }
  fs.onAppend = () => {};
  assertEquals(append(log, ["a"], { ...producer, baseSequence: 0 }).firstOffset, 1);
  await log.flush();
  assertEquals((await readAll(log)).length, 2);
  await directory.close();
});

Deno.test("Log.append() continues after a partial write", async () => {
  const { fs, directory, log } = await begin();
  fs.onAppend = (_path, bytes) => Math.min(bytes.length, 10);
  append(log, ["a".repeat(100)]);
  fs.onAppend = () => {};
  assertEquals((await readAll(log)).at(-1)?.value, "a".repeat(100));
  await directory.close();
});

Deno.test("Log.append() that cannot roll a segment changes nothing", async () => {
  const { fs, directory, log } = await begin({ segmentBytes: 200 });
  append(log, ["x".repeat(50)]);
  fs.onCreate = (path) => {
    throw diskFull(path);
  };
  assertThrows(() => append(log, ["x".repeat(50)]), DiskFullError);
  assertEquals([log.logEndOffset, log.segments.length], [2, 1]);
  fs.onCreate = () => {};
  assertEquals(appendRolls(log, ["x".repeat(50)]), true);
  assertEquals((await readAll(log)).length, 3);
  await directory.close();
});

Deno.test("Log.append() succeeds if index and snapshot cannot be written at a roll", async () => {
  const { fs, directory, log } = await begin({ segmentBytes: 400, indexIntervalBytes: 1 });
  fs.onCreate = (path) => {
    if (/index$|snapshot$/.test(path)) throw diskFull(path);
  };
  for (let i = 0; i < 20; i++) append(log, ["x".repeat(50)]);
  assert(log.segments.length > 3);
  assertEquals((await readAll(log, 0, 1)).length, 21);
  await assertRejects(() => directory.checkpoint(), FileSystemError);
  fs.onCreate = () => {};
  await directory.checkpoint();
  assertEquals(log.recoveryPoint, 21);
  for (const { path } of log.segments) {
    assert(fs.statSync(path.replace(".log", ".index")) !== undefined, path);
  }
  await directory.close();
});

Deno.test("Log.append() without descriptors fails, and the log stays in service", async () => {
  const { fs, directory, log } = await begin();
  fs.onAppend = (path) => {
    throw new FileSystemError("open", path, "EMFILE", "Too many open files");
  };
  const error = assertThrows(() => append(log, ["a"]), StorageError);
  assertEquals(error.constructor, StorageError);
  fs.onAppend = () => {};
  assertEquals(append(log, ["a"]).firstOffset, 1);
  await directory.close();
});

Deno.test("Log.append() takes the log offline if a write fails, and reads still work", async () => {
  const { fs, directory, log } = await begin();
  fs.onAppend = (path) => {
    throw diskBroken(path);
  };
  const error = assertThrows(() => append(log, ["a"]), LogOfflineError);
  fs.onAppend = () => {};
  assertThrows(() => append(log, ["a"]), LogOfflineError);
  await assertRejects(() => log.flush(), LogOfflineError);
  assertEquals(log.offlineError, error);
  assertEquals((await readAll(log)).length, 1);
  await directory.close();
});

Deno.test("Log.append() takes the log offline if a partial write cannot be undone", async () => {
  const { fs, directory, log } = await begin();
  fs.onAppend = (path) => {
    throw diskFull(path);
  };
  fs.onTruncate = (path) => {
    throw diskBroken(path);
  };
  assertThrows(() => append(log, ["a"]), LogOfflineError);
  fs.onAppend = () => {};
  fs.onTruncate = () => {};
  await directory.close();
});

Deno.test("Log.flush() never succeeds after a failed sync", async () => {
  const { fs, directory, log } = await begin();
  append(log, ["a"]);
  const gate = Promise.withResolvers<void>();
  fs.onSync = () => gate.promise;
  const first = log.flush();
  append(log, ["b"]);
  const second = log.flush();
  gate.reject(diskBroken(FILE));
  await assertRejects(() => first, LogOfflineError, "Input/output error");
  await assertRejects(() => second, LogOfflineError);
  fs.onSync = () => {};
  await assertRejects(() => log.flush(), LogOfflineError);
  assertThrows(() => append(log, ["c"]), LogOfflineError);
  assertEquals(log.flushedOffset, 1);
  // There is no marker of a clean shutdown, so the log is recovered.
  await directory.close();
  await using again = await openDirectory(fs);
  assertEquals(again.wasCleanShutdown, false);
  assertEquals(again.get(NAME)!.offlineError, undefined);
});

Deno.test("Log.flush() rejects if the log is deleted during the sync", async () => {
  const { fs, directory, log } = await begin();
  const gate = holdSync(fs, `/data/${NAME}`);
  append(log, ["a"]);
  log.updateConfig(configOf({ segmentBytes: 100 }));
  append(log, ["b"]);
  const flushing = log.flush();
  directory.delete(NAME, NOW_MS);
  gate.resolve();
  await assertRejects(() => flushing, LogClosedError);
  await directory.close();
});

Deno.test("LogDirectory reports a log that goes offline once, with the reason", async () => {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  const failed: string[] = [];
  const onOffline = (log: string, { message }: LogOfflineError) => failed.push(log, message);
  const directory = await openDirectory(fs, { onOffline });
  const [log, other] = [NAME, "orders-4"].map((name) => directory.create(name, { nowMs: NOW_MS }));
  append(log!, ["a"]);
  append(other!, ["a"]);
  fs.onSync = (path) => {
    if (path === FILE) throw diskBroken(path);
  };
  await assertRejects(() => log!.flush(), LogOfflineError);
  await other!.flush();
  assertThrows(() => append(log!, ["b"]), LogOfflineError);
  await assertRejects(() => log!.flush(), LogOfflineError);
  assertEquals([failed.length, failed[0], failed[1]], [2, NAME, log!.offlineError!.message]);
  await directory.close();
});
