import { assert, assertEquals } from "@std/assert";
import type { Log } from "../log.ts";
import type { LogConfig } from "./log_config.ts";
import type { LogDirectory } from "../log_directory.ts";
import { append, configOf, NOW_MS, openDirectory, readAll } from "../log_testing.ts";
import { MemoryFileSystem } from "../file_system/memory_file_system.ts";
import { diskFull, WatchedFileSystem } from "../file_system/watched_file_system_testing.ts";

const FOLDER = "/data/orders-3";

interface Setting {
  readonly fs: MemoryFileSystem;
  readonly directory: LogDirectory;
  readonly log: Log;
  /** Base offsets of the segments. */
  readonly bases: () => number[];
  readonly names: () => string[];
}

async function withLog(
  config: Partial<LogConfig>,
  test: (setting: Setting) => Promise<void> | void,
): Promise<void> {
  const fs = new MemoryFileSystem({ now: () => NOW_MS });
  await using directory = await openDirectory(fs);
  const log = directory.create("orders-3", {
    nowMs: NOW_MS,
    config: configOf({ segmentBytes: 1000, retentionMs: -1, ...config }),
  });
  await test({
    fs,
    directory,
    log,
    bases: () => log.segments.map((segment) => segment.baseOffset),
    names: () => fs.readDirSync(FOLDER).map((entry) => entry.name),
  });
}

/** Appends batches of one record, two to a segment, at ascending times. */
function fill(log: Log, count: number, timestamp = NOW_MS): void {
  for (let i = 0; i < count; i++) {
    append(log, [{ value: "x".repeat(300), timestamp: timestamp + i }]);
  }
}

Deno.test("Log.applyRetention() deletes the oldest segments beyond retention.bytes", async () => {
  await withLog({ retentionBytes: 2000 }, async ({ log, bases }) => {
    fill(log, 10);
    assertEquals(bases(), [0, 2, 4, 6, 8]);
    assertEquals(await log.applyRetention(NOW_MS), 2);
    assertEquals(bases(), [4, 6, 8]);
    assertEquals(log.logStartOffset, 4);
    assert(log.sizeInBytes >= 2000);
    assertEquals((await readAll(log)).map((record) => record.offset), [4, 5, 6, 7, 8, 9]);
    assertEquals(await log.applyRetention(NOW_MS), 0);
  });
});

Deno.test("Log.applyRetention() deletes segments whose last record is older than retention.ms", async () => {
  await withLog({ retentionMs: 1000 }, async ({ log, bases }) => {
    fill(log, 6, NOW_MS);
    assertEquals(await log.applyRetention(NOW_MS + 1001), 0);
    assertEquals(await log.applyRetention(NOW_MS + 1002), 1);
    assertEquals(bases(), [2, 4]);
    assertEquals(await log.applyRetention(NOW_MS + 1004), 1);
    assertEquals(bases(), [4]);
  });
});

Deno.test("Log.applyRetention() by time stops at the first segment that is not expired", async () => {
  await withLog({ retentionMs: 1000 }, async ({ log, bases }) => {
    fill(log, 2, NOW_MS + 5000);
    fill(log, 4, NOW_MS);
    assertEquals(await log.applyRetention(NOW_MS + 3000), 0);
    assertEquals(bases(), [0, 2, 4]);
  });
});

Deno.test("Log.applyRetention() replaces an active segment that is too old by an empty one", async () => {
  await withLog({ retentionMs: 1000 }, async ({ log, bases, directory, fs }) => {
    fill(log, 3);
    assertEquals(await log.applyRetention(NOW_MS + 5000), 2);
    assertEquals([bases(), log.logStartOffset, log.logEndOffset], [[3], 3, 3]);
    assertEquals(await log.applyRetention(NOW_MS + 9000), 0);
    assertEquals(append(log, ["a"]).firstOffset, 3);
    const killed = fs.clone({ unsynced: "kept" });
    await directory.close();
    await using again = await openDirectory(killed);
    assertEquals((await readAll(again.get("orders-3")!)).map((record) => record.offset), [3]);
  });
});

Deno.test("Log.applyRetention() on a full disk deletes all but the active segment", async () => {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  await using directory = await openDirectory(fs);
  const config = configOf({ segmentBytes: 1000, retentionMs: 1000 });
  const log = directory.create("orders-3", { nowMs: NOW_MS, config });
  fill(log, 6);
  fs.onCreate = (path) => {
    throw diskFull(path);
  };
  assertEquals(await log.applyRetention(NOW_MS + 5000), 2);
  assertEquals([log.logStartOffset, log.logEndOffset, log.offlineError], [4, 6, undefined]);
  fs.onCreate = () => {};
  assertEquals(await log.applyRetention(NOW_MS + 5000), 1);
});

Deno.test("Log.applyRetention() uses the modification time if records have no timestamps", async () => {
  await withLog({ retentionMs: 1000 }, async ({ log }) => {
    for (let i = 0; i < 4; i++) append(log, [{ value: "x".repeat(300), timestamp: -1 }]);
    assertEquals(await log.applyRetention(NOW_MS + 1000), 0);
    assertEquals(await log.applyRetention(NOW_MS + 1001), 2);
  });
});

Deno.test("Log.applyRetention() keeps segments that end after the high watermark", async () => {
  await withLog({ retentionBytes: 0 }, async ({ log, bases }) => {
    fill(log, 6);
    assertEquals(await log.applyRetention(NOW_MS, 3), 1);
    assertEquals(bases(), [2, 4]);
    assertEquals(await log.applyRetention(NOW_MS, 3), 0);
  });
});

Deno.test("Log.applyRetention() with cleanup.policy=compact deletes only segments before the log start offset", async () => {
  const config = { retentionBytes: 0, retentionMs: 0, cleanupPolicy: ["compact" as const] };
  await withLog(config, async ({ log, bases }) => {
    fill(log, 6);
    assertEquals(await log.applyRetention(NOW_MS + 1e9), 0);
    log.deleteRecordsBefore(3);
    assertEquals(await log.applyRetention(NOW_MS), 1);
    log.deleteRecordsBefore(6);
    assertEquals(await log.applyRetention(NOW_MS), 1);
    assertEquals(bases(), [4]);
  });
});

Deno.test("Log.applyRetention() uses settings changed at runtime", async () => {
  await withLog({}, async ({ log }) => {
    fill(log, 6);
    assertEquals(await log.applyRetention(NOW_MS), 0);
    log.updateConfig(configOf({ segmentBytes: 1000, retentionBytes: 0 }));
    assertEquals(await log.applyRetention(NOW_MS), 3);
  });
});

Deno.test("Log.removeDeleted() removes renamed files after file.delete.delay.ms", async () => {
  const config = { retentionBytes: 1400, fileDeleteDelayMs: 60_000 };
  await withLog(config, async ({ log, names, directory }) => {
    fill(log, 6);
    await log.applyRetention(NOW_MS);
    const deleted = names().filter((name) => name.endsWith(".deleted")).toSorted();
    assertEquals(deleted, [
      "00000000000000000000.index.deleted",
      "00000000000000000000.log.deleted",
      "00000000000000000000.timeindex.deleted",
    ]);
    await directory.removeDeleted(NOW_MS + 59_999);
    assertEquals(names().filter((name) => name.endsWith(".deleted")).length, 3);
    await directory.removeDeleted(NOW_MS + 60_000);
    assertEquals(names().filter((name) => name.endsWith(".deleted")), []);
    assert(!names().some((name) => name.startsWith("00000000000000000000.")));
  });
});

Deno.test("Log.applyRetention() removes producer snapshots of deleted segments", async () => {
  await withLog({ retentionBytes: 900 }, async ({ log, names, directory }) => {
    for (let i = 0; i < 6; i++) {
      append(log, ["x".repeat(300)], { producerId: 7, producerEpoch: 0, baseSequence: i });
    }
    await directory.checkpoint();
    await log.applyRetention(NOW_MS);
    const snapshots = names().filter((name) => name.endsWith(".snapshot")).toSorted();
    assertEquals(
      snapshots,
      log.segments.map((segment) => `${String(segment.baseOffset).padStart(20, "0")}.snapshot`)
        .concat("00000000000000000006.snapshot"),
    );
    assertEquals(log.producers.get(7)?.lastSequence, 5);
  });
});
