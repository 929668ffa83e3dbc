import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { DenoFileSystem } from "./file_system/deno_file_system.ts";
import { CorruptFileError, DataFolderLockedError, LogClosedError, StorageError } from "./errors.ts";
import {
  append,
  appendRolls,
  applyRetention,
  batchOfSize,
  configOf,
  NOW_MS,
  openDirectory,
  readAll,
} from "./log_testing.ts";
import { FileSystemError } from "./file_system/file_system.ts";
import { MemoryFileSystem } from "./file_system/memory_file_system.ts";
import { WatchedFileSystem } from "./file_system/watched_file_system_testing.ts";

const TOPIC_ID = "4v_2pRHCQ5K2LNRfgJ3mEg";

function namesIn(fs: MemoryFileSystem | WatchedFileSystem, path: string): string[] {
  return fs.readDirSync(path).map((entry) => entry.name).toSorted();
}

function textOf(fs: MemoryFileSystem, path: string): string {
  return new TextDecoder().decode(fs.readFileSync(path));
}

Deno.test("LogDirectory.create() creates logs that exist after reopening the folder", async () => {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs);
  const log = directory.create("orders-3", { nowMs: NOW_MS, topicId: TOPIC_ID });
  directory.create("with-dash-and.dot_-12", { nowMs: NOW_MS });
  append(log, ["a", "b"], { producerId: 7, producerEpoch: 0, baseSequence: 0, leaderEpoch: 2 });
  log.deleteRecordsBefore(1);
  await directory.close();
  await directory.close();
  assertEquals(namesIn(fs, "/data/orders-3"), [
    "00000000000000000000.index",
    "00000000000000000000.log",
    "00000000000000000000.timeindex",
    "00000000000000000002.snapshot",
    "leader-epoch-checkpoint",
    "partition.metadata",
  ]);
  assertEquals(
    textOf(fs, "/data/recovery-point-offset-checkpoint").split("\n").toSorted(),
    ["", "0", "2", "orders 3 2", "with-dash-and.dot_ 12 0"],
  );
  assertEquals(textOf(fs, "/data/log-start-offset-checkpoint"), "0\n1\norders 3 1\n");
  assertEquals(JSON.parse(textOf(fs, "/data/.kafka_cleanshutdown")).version, 0);

  const again = await openDirectory(fs);
  assertEquals(Array.from(again.logs, (log) => log.name).toSorted(), [
    "orders-3",
    "with-dash-and.dot_-12",
  ]);
  const reopened = again.get("orders-3")!;
  assertEquals(reopened.topicId, TOPIC_ID);
  assertEquals([reopened.logStartOffset, reopened.logEndOffset, reopened.latestEpoch], [1, 2, 2]);
  assertEquals(await readAll(reopened), [{ offset: 1, value: "b" }]);
  assertEquals(fs.statSync("/data/.kafka_cleanshutdown"), undefined);
  await again.close();
});

Deno.test("LogDirectory.restore() rejects a log that is not missing", async () => {
  await using directory = await openDirectory(new MemoryFileSystem());
  directory.create("orders-3", { nowMs: NOW_MS });
  for (const name of ["orders-3", "orders-4"]) {
    await assertRejects(
      () => directory.restore(name, { nowMs: NOW_MS }),
      StorageError,
      `Cannot restore log "${name}": it is not missing`,
    );
  }
});

Deno.test("LogDirectory.create() rejects a duplicate name, and names that are not those of a partition", async () => {
  await using directory = await openDirectory(new MemoryFileSystem());
  directory.create("a-0", { nowMs: NOW_MS });
  for (
    const name of ["a-0", "a", "a-", "-0", "a/b-0", "../a-0", "a-0-delete", `${"a".repeat(254)}-0`]
  ) {
    assertThrows(() => directory.create(name, { nowMs: NOW_MS }), StorageError, name);
  }
  assertEquals(directory.logCount, 1);
});

Deno.test("LogDirectory.open() rejects a folder that is in use, and names its owner", async () => {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs, { owner: "process 4711" });
  await assertRejects(
    () => openDirectory(fs),
    DataFolderLockedError,
    'Cannot open data folder "/data": it is in use by process 4711',
  );
  await directory.close();
  await (await openDirectory(fs)).close();
});

Deno.test("LogDirectory.open() unlocks the folder if it fails", async () => {
  const fs = new MemoryFileSystem();
  await (await openDirectory(fs)).close();
  fs.writeFileSync("/data/meta.properties", new TextEncoder().encode("version=9"));
  for (let i = 0; i < 2; i++) await assertRejects(() => openDirectory(fs), CorruptFileError);
});

Deno.test("LogDirectory.open() does not wait for the lock of a killed process", async () => {
  const path = Deno.makeTempDirSync();
  try {
    const code = `
      import { LogDirectory, DenoFileSystem } from ${
      JSON.stringify(import.meta.resolve("./mod.ts"))
    };
      await LogDirectory.open(new DenoFileSystem(), Deno.args[0], { nowMs: 0, owner: "a child" });
      console.log("open");
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    `;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", code, path],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    const fs = new DenoFileSystem();
    await assertRejects(
      () => openDirectory(fs, { path }),
      DataFolderLockedError,
      "in use by a child",
    );
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    const directory = await openDirectory(fs, { path });
    assertEquals(directory.wasCleanShutdown, false);
    await directory.close();
  } finally {
    Deno.removeSync(path, { recursive: true });
  }
});

Deno.test("LogDirectory.delete() renames the folder immediately and removes it later", async () => {
  const fs = new MemoryFileSystem();
  await using directory = await openDirectory(fs);
  const log = directory.create("orders-3", { nowMs: NOW_MS, config: configOf() });
  append(log, ["old"]);
  await log.flush();
  assertEquals(directory.delete("orders-3", NOW_MS), true);
  assertEquals(directory.delete("orders-3", NOW_MS), false);
  assertEquals(directory.get("orders-3"), undefined);
  assertThrows(() => append(log, ["a"]), LogClosedError);
  assertThrows(() => log.read(0, { maxBytes: 1 }), LogClosedError);
  const deleted = namesIn(fs, "/data").filter((name) => name.startsWith("orders"));
  assertEquals(deleted.length, 1);
  assertMatch(deleted[0]!, /^orders-3\.[0-9a-f]{32}-delete$/);

  const again = directory.create("orders-3", { nowMs: NOW_MS, topicId: TOPIC_ID });
  assertEquals([again.logEndOffset, again.topicId], [0, TOPIC_ID]);
  append(again, ["new"]);
  assertEquals(await readAll(again), [{ offset: 0, value: "new" }]);
  await directory.removeDeleted(NOW_MS + 59_999);
  assertEquals(namesIn(fs, "/data").filter((name) => name.endsWith("-delete")).length, 1);
  await directory.removeDeleted(NOW_MS + 60_000);
  assertEquals(namesIn(fs, "/data").filter((name) => name.endsWith("-delete")), []);
  assertEquals(again.topicId, TOPIC_ID);
});

Deno.test("LogDirectory.delete() keeps folder names within 255 characters", async () => {
  const fs = new MemoryFileSystem();
  await using directory = await openDirectory(fs);
  const name = `${"t".repeat(249)}-12`;
  directory.create(name, { nowMs: NOW_MS });
  directory.delete(name, NOW_MS);
  const deleted = namesIn(fs, "/data").find((name) => name.endsWith("-delete"))!;
  assertEquals(deleted.length, 255);
  assertMatch(deleted, /^t+-12\.[0-9a-f]{32}-delete$/);
});

Deno.test("LogDirectory.open() removes the folders of deleted logs", async () => {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs);
  append(directory.create("orders-3", { nowMs: NOW_MS }), ["a"]);
  directory.delete("orders-3", NOW_MS);
  await directory.close();
  fs.mkdirSync("/data/somebody-elses");
  await using again = await openDirectory(fs);
  assertEquals(again.logCount, 0);
  assertEquals(namesIn(fs, "/data").filter((name) => name.endsWith("-delete")), []);
  assert(namesIn(fs, "/data").includes("somebody-elses"));
});

Deno.test("LogDirectory.open() does not apply checkpoints of a deleted log to a new one of the same name", async () => {
  let fs = new MemoryFileSystem();
  let directory = await openDirectory(fs);
  const old = directory.create("orders-3", { nowMs: NOW_MS });
  for (let i = 0; i < 50; i++) append(old, ["old"]);
  old.deleteRecordsBefore(40);
  await directory.checkpoint();
  directory.delete("orders-3", NOW_MS);
  append(directory.create("orders-3", { nowMs: NOW_MS }), ["new"]);
  await using killed = await openDirectory(fs.clone({ unsynced: "kept" }));
  assertEquals(killed.get("orders-3")!.recovery?.fromOffset, 0);
  await directory.get("orders-3")!.flush();
  for (const unsynced of ["kept", "lost"] as const) {
    const copy = fs.clone({ unsynced });
    await using again = await openDirectory(copy);
    const log = again.get("orders-3")!;
    assertEquals(log.recovery?.fromOffset, 0);
    assertEquals(log.recovery?.problem, undefined);
    assertEquals(await readAll(log), [{ offset: 0, value: "new" }]);
  }
  await directory.close();
  fs = fs.clone({ unsynced: "lost" });
  directory = await openDirectory(fs);
  assertEquals((await readAll(directory.get("orders-3")!)).length, 1);
  await directory.close();
});

Deno.test("LogDirectory.open() checks logs that are not in the checkpoint from their start", async () => {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs);
  append(directory.create("a-0", { nowMs: NOW_MS }), ["a"]);
  append(directory.create("b-0", { nowMs: NOW_MS }), ["b"]);
  await directory.close();
  const checkpoint = "/data/recovery-point-offset-checkpoint";
  for (const text of ["0\n1\na 0 1\n", "", "garbage"]) {
    const copy = fs.clone({ unsynced: "kept" });
    copy.writeFileSync(checkpoint, new TextEncoder().encode(text));
    const withSegments = copy.clone({ unsynced: "kept" });
    copy.removeSync("/data/segment-checkpoint");
    await using known = await openDirectory(withSegments);
    assertEquals([...known.logs].map(({ recovery }) => recovery), [undefined, undefined]);
    await using again = await openDirectory(copy);
    assertEquals(again.wasCleanShutdown, true);
    assertEquals(again.get("b-0")!.recovery?.logEndOffset, 1);
    assertEquals((await readAll(again.get("a-0")!)).length, 1);
  }
});

Deno.test("LogDirectory.checkpoint() writes recovery points and log start offsets", async () => {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs);
  const log = directory.create("orders-3", { nowMs: NOW_MS });
  for (let i = 0; i < 10; i++) append(log, ["a"]);
  log.deleteRecordsBefore(4);
  assertEquals(log.recoveryPoint, 0);
  await directory.checkpoint();
  assertEquals([log.recoveryPoint, log.flushedOffset], [10, 10]);
  append(log, ["a"]);
  const copy = fs.clone({ unsynced: "lost" });
  await directory.close();
  await using again = await openDirectory(copy);
  const { logStartOffset, logEndOffset, recovery } = again.get("orders-3")!;
  assertEquals([logStartOffset, logEndOffset, recovery?.fromOffset], [4, 10, 10]);
});

Deno.test("LogDirectory.checkpoint() writes the recovery points so far if it is aborted", async () => {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  await using directory = await openDirectory(fs);
  const logs = [0, 1, 2].map((index) => directory.create(`a-${index}`, { nowMs: NOW_MS }));
  for (const log of logs) append(log, ["a"]);
  const ending = new AbortController();
  fs.onCreate = (path) => path.startsWith("/data/a-1/") && ending.abort();
  await directory.checkpoint(ending.signal);
  assertEquals(logs.map((log) => log.recoveryPoint), [1, 1, 0]);
  fs.onCreate = () => {};
  await directory.checkpoint();
  assertEquals(logs.map((log) => log.recoveryPoint), [1, 1, 1]);
});

Deno.test("LogDirectory.open() checks a truncated log from the truncation on, after any crash", async () => {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs);
  const log = directory.create("orders-3", { nowMs: NOW_MS });
  for (let i = 0; i < 10; i++) append(log, ["old"]);
  await directory.checkpoint();
  await log.truncateTo(3, NOW_MS);
  for (let i = 3; i < 12; i++) append(log, ["new"]);
  const killed = fs.clone({ unsynced: "kept" });
  await log.flush();
  const failed = fs.clone({ unsynced: "lost" });
  await directory.close();
  for (const copy of [killed, failed]) {
    await using again = await openDirectory(copy);
    const { recovery, logEndOffset } = again.get("orders-3")!;
    assert(recovery!.fromOffset <= 3);
    assertEquals([recovery!.problem, logEndOffset], [undefined, 12]);
  }
});

Deno.test("LogDirectory.open() does not trust index files that were out of date at a truncation", async () => {
  const fs = new MemoryFileSystem();
  const config = configOf({ segmentBytes: 1000, indexIntervalBytes: 10_000 });
  const directory = await openDirectory(fs, { config });
  const log = directory.create("orders-3", { nowMs: NOW_MS, config });
  const at = (timestamp: number, size: number) =>
    appendRolls(log, [{ value: "x".repeat(size), timestamp }]);
  for (const timestamp of [100, 900]) at(timestamp, 400);
  await directory.checkpoint();
  await log.truncateTo(1, NOW_MS);
  // Too large for the truncated segment, so that a new one is rolled.
  for (const timestamp of [300, 500]) assert(at(timestamp, 600));
  await log.flush();
  const copy = fs.clone({ unsynced: "lost" });
  await directory.close();
  await using again = await openDirectory(copy, { config });
  assertEquals((await again.get("orders-3")!.maxTimestampOffset())?.timestamp, 500);
  assertEquals((await again.get("orders-3")!.offsetForTimestamp(250))?.offset, 1);
});

Deno.test("LogDirectory.checkpoint() writes correct recovery points if a log is truncated meanwhile", async () => {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  const directory = await openDirectory(fs);
  const log = directory.create("orders-3", { nowMs: NOW_MS });
  for (let i = 0; i < 10; i++) append(log, ["old"]);
  await directory.checkpoint();
  const gate = Promise.withResolvers<void>();
  fs.onSync = (path) => path.endsWith("checkpoint.tmp") ? gate.promise : undefined;
  append(log, ["old"]);
  const checkpointing = directory.checkpoint();
  while (!fs.opened.includes("/data/recovery-point-offset-checkpoint.tmp")) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  const truncating = log.truncateTo(3, NOW_MS);
  gate.resolve();
  await checkpointing;
  await truncating;
  append(log, ["new"]);
  const copy = (fs.inner as MemoryFileSystem).clone({ unsynced: "kept" });
  await directory.close();
  await using again = await openDirectory(copy);
  const { recovery } = again.get("orders-3")!;
  assert(recovery!.fromOffset <= 3);
  assertEquals(recovery!.problem, undefined);
  assertEquals((await readAll(again.get("orders-3")!)).map((record) => record.value), [
    "old",
    "old",
    "old",
    "new",
  ]);
});

Deno.test("LogDirectory writes and reads meta.properties", async () => {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs);
  assertEquals(directory.metaProperties, undefined);
  await directory.writeMetaProperties({ clusterId: "mQ2cDRTnRJ2DWrl_8Ee-JA", nodeId: 1 });
  await directory.close();
  await using again = await openDirectory(fs.clone({ unsynced: "lost" }));
  assertEquals(again.metaProperties?.clusterId, "mQ2cDRTnRJ2DWrl_8Ee-JA");
  assertEquals(again.metaProperties?.nodeId, 1);
});

Deno.test("LogDirectory.removeExpiredProducers() removes them from all logs", async () => {
  await using directory = await openDirectory(new MemoryFileSystem(), {
    producerIdExpirationMs: 1000,
  });
  const log = directory.create("orders-3", { nowMs: NOW_MS });
  append(log, ["a"], { producerId: 7, producerEpoch: 0, baseSequence: 0 });
  directory.removeExpiredProducers(NOW_MS + 999);
  assertEquals(log.producers.size, 1);
  directory.removeExpiredProducers(NOW_MS + 1000);
  assertEquals(log.producers.size, 0);
});

Deno.test("LogDirectory.removeExpiredProducers() uses the current expiration time", async () => {
  let expirationMs = 1000;
  await using directory = await openDirectory(new MemoryFileSystem(), {
    producerIdExpirationMs: () => expirationMs,
  });
  const log = directory.create("orders-3", { nowMs: NOW_MS });
  append(log, ["a"], { producerId: 7, producerEpoch: 0, baseSequence: 0 });
  expirationMs = 2000;
  directory.removeExpiredProducers(NOW_MS + 1999);
  assertEquals(log.producers.size, 1);
  expirationMs = 500;
  directory.removeExpiredProducers(NOW_MS + 1999);
  assertEquals(log.producers.size, 0);
});

Deno.test("LogDirectory.create() and delete() fail after close()", async () => {
  const directory = await openDirectory(new MemoryFileSystem());
  await directory.close();
  assertThrows(() => directory.create("a-0", { nowMs: NOW_MS }), StorageError, "is closed");
  assertThrows(() => directory.delete("a-0", NOW_MS), StorageError, "is closed");
});

Deno.test("LogDirectory bounds the number of open files for any number of logs", async () => {
  const path = Deno.makeTempDirSync();
  try {
    const directory = await openDirectory(new DenoFileSystem(), {
      path,
      maxOpenFiles: 50,
      batchCacheBytes: 0,
    });
    const count = 2000;
    for (let i = 0; i < count; i++) {
      append(directory.create(`t-${i}`, { nowMs: NOW_MS }), [`value ${i}`]);
      assert(directory.openFiles <= 50);
    }
    const logs = Array.from(directory.logs);
    const reads = await Promise.all(logs.map((log) => readAll(log)));
    assert(directory.openFiles <= 50, `${directory.openFiles} files are open`);
    assertEquals(reads.map(([record]) => record?.value), logs.map((_, i) => `value ${i}`));
    for (const log of logs) append(log, ["second"]);
    await Promise.all(logs.slice(0, 200).map((log) => log.flush()));
    assert(directory.openFiles <= 50);
    assert(logs.slice(0, 200).every((log) => log.flushedOffset === 2));
    // Left as by a kill: a clean shutdown would sync every log.
    for (const log of logs) log.abandon();
    assertEquals(directory.openFiles, 0);
    await directory.close();
  } finally {
    Deno.removeSync(path, { recursive: true });
  }
});

Deno.test("LogDirectory keeps the batch cache of all logs within its memory budget", async () => {
  await using directory = await openDirectory(new MemoryFileSystem(), { batchCacheBytes: 100_000 });
  const logs = Array.from({ length: 5 }, (_, i) => directory.create(`t-${i}`, { nowMs: NOW_MS }));
  for (let i = 0; i < 100; i++) {
    logs[i % 5]!.append(batchOfSize(1, 10_000), { leaderEpoch: 0, nowMs: NOW_MS });
    assert(directory.batchCacheSizeInBytes <= 100_000);
  }
  for (const log of logs) {
    assert(!(log.read(19, { maxBytes: 1 }) instanceof Promise));
    assert(log.read(0, { maxBytes: 1 }) instanceof Promise);
    assertEquals((await readAll(log)).length, 20);
  }
});

Deno.test("LogDirectory works with DenoFileSystem as in memory", async () => {
  const path = Deno.makeTempDirSync();
  try {
    const fs = new DenoFileSystem();
    let directory = await openDirectory(fs, { path, batchCacheBytes: 0 });
    const log = directory.create("orders-3", {
      nowMs: NOW_MS,
      config: configOf({ segmentBytes: 10_000, retentionBytes: 30_000, fileDeleteDelayMs: 0 }),
    });
    for (let i = 0; i < 100; i++) {
      append(log, [`${i}`.padEnd(1000, ".")], {
        producerId: 7,
        producerEpoch: 0,
        baseSequence: i,
      });
      if (i % 10 === 0) await log.flush();
    }
    await applyRetention(directory, NOW_MS);
    await directory.removeDeleted(NOW_MS);
    const { logStartOffset } = log;
    assertEquals((await readAll(log)).length, 100 - logStartOffset);
    await log.truncateTo(95, NOW_MS);
    await directory.checkpoint();
    append(log, ["again"], { producerId: 7, producerEpoch: 0, baseSequence: 95 });
    await directory.close();
    directory = await openDirectory(fs, { path, batchCacheBytes: 0 });
    const again = directory.get("orders-3")!;
    assertEquals([again.logStartOffset, again.logEndOffset], [logStartOffset, 96]);
    assertEquals((await readAll(again)).at(-1), { offset: 95, value: "again" });
    assertEquals((await again.offsetForTimestamp(NOW_MS))?.offset, logStartOffset);
    await directory.close();
  } finally {
    Deno.removeSync(path, { recursive: true });
  }
});

Deno.test("LogDirectory leaves no partial files when the disk is full", async () => {
  const disk = new MemoryFileSystem();
  const fs = new WatchedFileSystem(disk);
  const directory = await openDirectory(fs);
  const log = directory.create("orders-3", { nowMs: NOW_MS });
  append(log, ["a"], { producerId: 7, producerEpoch: 0, baseSequence: 0 });
  fs.onCreate = (path) => {
    disk.writeFileSync(path, new Uint8Array(0));
    throw new FileSystemError("write", path, "ENOSPC", "no room");
  };
  await assertRejects(() => directory.checkpoint(), FileSystemError);
  const options = { nowMs: NOW_MS, topicId: TOPIC_ID };
  assertThrows(() => directory.create("orders-4", options), FileSystemError);
  const names = namesIn(disk, "/data/orders-3");
  assertEquals(names.filter((name) => name.endsWith(".snapshot")), []);
  assertEquals(disk.statSync("/data/orders-4"), undefined);

  fs.onCreate = () => {};
  assertEquals(directory.create("orders-4", options).topicId, TOPIC_ID);
  await directory.removeDeleted(NOW_MS);
  await directory.close();
  const logs = namesIn(disk, "/data").filter((name) => name.startsWith("orders"));
  assertEquals(logs, ["orders-3", "orders-4"]);
});
