import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { CorruptRecordError } from "../protocol/records/mod.ts";
import { OutOfOrderSequenceError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { LogDirectory } from "./log_directory.ts";
import {
  append,
  batchOf,
  batchOfSize,
  configOf,
  NOW_MS,
  openDirectory,
  readAll,
} from "./log_testing.ts";
import { MemoryFileSystem } from "./file_system/memory_file_system.ts";
import { WatchedFileSystem } from "./file_system/watched_file_system_testing.ts";

const NAME = "orders-3";
const FOLDER = `/data/${NAME}`;
const CONFIG = { segmentBytes: 1000, indexIntervalBytes: 100 };

async function create(
  fs: MemoryFileSystem | WatchedFileSystem,
): Promise<{ directory: LogDirectory; log: Log }> {
  const directory = await openDirectory(fs, { config: CONFIG });
  return { directory, log: directory.create(NAME, { nowMs: NOW_MS, config: configOf(CONFIG) }) };
}

/** Appends `count` batches of two records with ascending timestamps, from producer 7. */
function fill(log: Log, count: number): void {
  for (let i = 0; i < count; i++) {
    const offset = log.logEndOffset;
    append(
      log,
      [`${offset}`.padEnd(60, "."), `${offset + 1}`].map((value, index) => ({
        value,
        timestamp: NOW_MS + offset + index,
      })),
      { producerId: 7, producerEpoch: 0, baseSequence: offset, leaderEpoch: 1 },
    );
  }
}

/** Opens a copy of a folder as it is after a kill, and passes its log to `body`. */
async function reopened(
  fs: MemoryFileSystem,
  test: (log: Log, directory: LogDirectory) => Promise<void> | void,
  batchCacheBytes = 0,
): Promise<void> {
  await using directory = await openDirectory(fs, { config: CONFIG, batchCacheBytes });
  await test(directory.get(NAME)!, directory);
}

async function checkRecords(log: Log, count: number): Promise<void> {
  assertEquals(log.logEndOffset, count);
  const records = await readAll(log, 0, 500);
  assertEquals(records.map((record) => record.offset), Array.from({ length: count }, (_, i) => i));
  for (let offset = 0; offset < count; offset++) {
    assertEquals((await log.offsetForTimestamp(NOW_MS + offset))?.offset, offset);
  }
}

Deno.test("Log.open() after a kill recovers batches, indexes, producers and epochs", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  fill(log, 30);
  const copy = fs.clone({ unsynced: "kept" });
  await directory.close();
  await reopened(copy, async (log, directory) => {
    assertEquals(directory.wasCleanShutdown, false);
    assertEquals(log.recovery, {
      fromOffset: 0,
      scannedBytes: log.sizeInBytes,
      truncatedBytes: 0,
      problem: undefined,
      logEndOffset: 60,
    });
    await checkRecords(log, 60);
    assertEquals(log.producers.get(7)?.lastSequence, 59);
    assertEquals(log.endOffsetForEpoch(1), { leaderEpoch: 1, offset: 60 });
    fill(log, 1);
    assertThrows(
      () => append(log, ["a"], { producerId: 7, producerEpoch: 0, baseSequence: 99 }),
      OutOfOrderSequenceError,
    );
    await checkRecords(log, 62);
  });
});

Deno.test("Log.open() after a kill ends the log before a batch torn at any byte", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  fill(log, 3);
  const path = log.segments[0]!.path;
  const whole = fs.readFileSync(path);
  const copy = fs.clone({ unsynced: "kept" });
  await directory.close();
  const last = whole.length / 3;
  for (let size = 2 * last; size < whole.length; size++) {
    const torn = copy.clone({ unsynced: "kept" });
    torn.writeFileSync(path, whole.subarray(0, size));
    await reopened(torn, async (log) => {
      await checkRecords(log, 4);
      // Zeros at the end of a file may be preallocated space.
      const tail = whole.subarray(2 * last, size).findLastIndex((byte) => byte !== 0) + 1;
      assertEquals(log.recovery?.truncatedBytes, tail);
      assertEquals(log.recovery?.problem !== undefined, tail > 0);
      fill(log, 1);
      assertEquals(torn.readFileSync(path).length, whole.length);
      await checkRecords(log, 6);
    });
  }
});

Deno.test("Log.open() after a kill ends the log before a batch with any damaged byte", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  fill(log, 12);
  const path = log.segments[0]!.path;
  const whole = fs.readFileSync(path);
  const copy = fs.clone({ unsynced: "kept" });
  await directory.close();
  const size = batchOf(["0".padEnd(60, "."), "1"].map((value, i) => ({
    value,
    timestamp: NOW_MS + i,
  }))).sizeInBytes;
  for (let position = size; position < 2 * size; position++) {
    // The leader epoch is not covered by the CRC, and not needed to read the batch.
    if (position >= size + 12 && position < size + 16) continue;
    const damaged = copy.clone({ unsynced: "kept" });
    const bytes = whole.slice();
    bytes[position]! ^= 0x40;
    damaged.writeFileSync(path, bytes);
    await reopened(damaged, (log) => {
      // The base offset is not covered either; a larger one is a gap, not damage.
      if (position < size + 8) assert(log.logEndOffset === 2 || log.logEndOffset > 60);
      else assertEquals(log.logEndOffset, 2, `byte ${position}`);
      assertEquals(log.segments.length, 1);
      assertEquals(log.recovery?.problem !== undefined, true);
    });
  }
});

Deno.test("Log.open() ends the log where a power failure left zeros", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  fill(log, 3);
  const copy = fs.clone({ unsynced: "kept" });
  const path = log.segments[0]!.path;
  await directory.close();
  const whole = copy.readFileSync(path);
  // After the last batch, and from any position within it.
  for (let size = whole.length / 3 * 2; size <= whole.length; size++) {
    const zeroed = copy.clone({ unsynced: "kept" });
    zeroed.writeFileSync(
      path,
      new Uint8Array([...whole.subarray(0, size), ...new Uint8Array(500)]),
    );
    // The last byte of a record without headers is a zero.
    await reopened(zeroed, (log) => checkRecords(log, size < whole.length - 1 ? 4 : 6));
  }
});

Deno.test("Log.open() ends the log at a segment whose end a power failure lost, and leaves no gap", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  fill(log, 20);
  const [first, second, third] = log.segments;
  const batchSize = log.sizeInBytes / 20;
  const copies = [0, second!.sizeInBytes - batchSize].map((size) => {
    const copy = fs.clone({ unsynced: "kept" });
    const file = copy.openSync(second!.path, "append");
    file.truncateSync(size);
    file.close();
    return copy;
  });
  await directory.close();
  const ends = [second!.baseOffset, third!.baseOffset - 2];
  for (const [i, copy] of copies.entries()) {
    await reopened(copy, async (log) => {
      await checkRecords(log, ends[i]!);
      assertEquals(log.segments.at(-1)!.baseOffset, second!.baseOffset);
    });
  }
  assertEquals(first!.baseOffset, 0);
});

Deno.test("Log.open() after a power failure has everything that was flushed", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  for (let i = 0; i < 20; i++) {
    fill(log, 1);
    if (i === 13) await log.flush();
  }
  const copy = fs.clone({ unsynced: "lost" });
  await directory.close();
  await reopened(copy, (log) => checkRecords(log, 28));
});

Deno.test("Log.open() after a kill reads only batches after the recovery point", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  log.updateConfig(configOf({ indexIntervalBytes: 100 }));
  fill(log, 500);
  await directory.checkpoint();
  assertEquals(log.recoveryPoint, 1000);
  const before = log.sizeInBytes;
  fill(log, 3);
  const after = log.sizeInBytes - before;
  const copy = fs.clone({ unsynced: "kept" });
  await directory.close();
  await reopened(copy, async (log) => {
    assertEquals(log.recovery?.fromOffset, 1000);
    assertEquals(log.recovery?.scannedBytes, after);
    assertEquals(log.producers.get(7)?.lastSequence, 1005);
    await checkRecords(log, 1006);
  });
});

Deno.test("Log.open() after a kill reads no more if all records have the same timestamp", async () => {
  const fs = new MemoryFileSystem();
  const config = { segmentBytes: 1 << 24 };
  const directory = await openDirectory(fs, { config });
  const log = directory.create(NAME, { nowMs: NOW_MS, config: configOf(config) });
  for (let i = 0; i < 1000; i++) append(log, ["x".repeat(5000)]);
  await directory.checkpoint();
  append(log, ["x".repeat(5000)]);
  const watched = new WatchedFileSystem(fs.clone({ unsynced: "kept" }));
  await directory.close();
  await using again = await openDirectory(watched, { config });
  assert(watched.bytesRead < 100_000, `${watched.bytesRead} bytes were read`);
  assertEquals((await again.get(NAME)!.maxTimestampOffset())?.offset, 0);
});

Deno.test("Log.open() after a clean shutdown reads no batches", async () => {
  const inner = new MemoryFileSystem();
  const { directory, log } = await create(inner);
  fill(log, 30);
  await directory.close();
  const fs = new WatchedFileSystem(inner);
  const again = await openDirectory(fs, { config: CONFIG });
  assertEquals(again.wasCleanShutdown, true);
  assertEquals(again.get(NAME)!.logEndOffset, 60);
  assertEquals(again.get(NAME)!.recovery, undefined);
  assertEquals(fs.opened.filter((path) => path.startsWith(FOLDER)), []);
  assertEquals(again.openFiles, 0);
  await checkRecords(again.get(NAME)!, 60);
  fill(again.get(NAME)!, 1);
  await checkRecords(again.get(NAME)!, 62);
  await again.close();
});

Deno.test("Log.open() rebuilds missing and damaged index files of any segment", async () => {
  for (const kill of [true, false]) {
    const fs = new MemoryFileSystem();
    const { directory, log } = await create(fs);
    fill(log, 30);
    await directory.checkpoint();
    let copy = fs.clone({ unsynced: "kept" });
    await directory.close();
    if (!kill) copy = fs;
    const names = copy.readDirSync(FOLDER).map((entry) => entry.name)
      .filter((name) => name.endsWith("index"));
    assert(names.length >= 6);
    for (const name of names) {
      const size = copy.statSync(`${FOLDER}/${name}`)!.size;
      for (const content of [undefined, 0, 7, 24, size]) {
        const damaged = copy.clone({ unsynced: "kept" });
        damaged.removeSync(`${FOLDER}/${name}`);
        const garbage = Uint8Array.from({ length: content ?? 0 }, (_, i) => 255 - i % 7);
        if (content !== undefined) damaged.writeFileSync(`${FOLDER}/${name}`, garbage);
        await reopened(damaged, async (log) => {
          await checkRecords(log, 60);
          fill(log, 5);
          await checkRecords(log, 70);
        });
      }
    }
  }
});

Deno.test("Log.open() compensates for missing and damaged producer snapshots", async () => {
  for (const kill of [true, false]) {
    for (const damage of ["remove", "garbage", "remove all"]) {
      const fs = new MemoryFileSystem();
      const { directory, log } = await create(fs);
      fill(log, 20);
      await directory.checkpoint();
      fill(log, 10);
      let copy = fs.clone({ unsynced: "kept" });
      await directory.close();
      if (!kill) copy = fs;
      const names = copy.readDirSync(FOLDER).map((entry) => entry.name)
        .filter((name) => name.endsWith(".snapshot")).toSorted();
      for (const name of damage === "remove all" ? names : names.slice(-1)) {
        if (damage === "garbage") copy.writeFileSync(`${FOLDER}/${name}`, new Uint8Array(9));
        else copy.removeSync(`${FOLDER}/${name}`);
      }
      await reopened(copy, (log) => {
        const state = log.producers.get(7);
        assertEquals([state?.lastSequence, state?.lastOffset], [59, 59]);
        fill(log, 1);
      });
    }
  }
});

Deno.test("Log.open() restores a missing or damaged leader epoch file from the scanned batches", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  append(log, ["a"], { leaderEpoch: 1 });
  append(log, ["b"], { leaderEpoch: 4 });
  const copy = fs.clone({ unsynced: "kept" });
  await directory.close();
  copy.writeFileSync(`${FOLDER}/leader-epoch-checkpoint`, new TextEncoder().encode("garbage"));
  await reopened(copy, (log) => {
    assertEquals(log.endOffsetForEpoch(1), { leaderEpoch: 1, offset: 1 });
    assertEquals(log.latestEpoch, 4);
  });
});

Deno.test("Log.open() removes index files without a segment, and leftovers of deletions", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  fill(log, 3);
  await directory.close();
  const leftovers = [
    "00000000000000000999.index",
    "00000000000000000999.timeindex",
    "00000000000000000999.txnindex",
    "00000000000000000500.log.deleted",
    "00000000000000000500.index.deleted",
    "leader-epoch-checkpoint.tmp",
  ];
  for (const name of leftovers) fs.writeFileSync(`${FOLDER}/${name}`, new Uint8Array(8));
  fs.writeFileSync(`${FOLDER}/of-somebody-else`, new Uint8Array(8));
  await reopened(fs, async (log) => {
    const names = fs.readDirSync(FOLDER).map((entry) => entry.name);
    for (const name of leftovers) assert(!names.includes(name), name);
    assert(names.includes("of-somebody-else"));
    await checkRecords(log, 6);
  });
});

Deno.test("Log.open() reports a log that ends before its recovery point, and assigns no offset twice", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  fill(log, 12);
  await directory.checkpoint();
  const copy = fs.clone({ unsynced: "kept" });
  await directory.close();
  const path = log.segments.at(-1)!.path;
  copy.writeFileSync(path, copy.readFileSync(path).subarray(0, 200));
  await reopened(copy, async (log) => {
    assertStringIncludes(log.recovery!.problem!, "the last batch is torn");
    const [loss] = log.losses;
    const end = loss!.firstOffset;
    assert(end < 24);
    assertEquals([log.logEndOffset, log.recoveryPoint, loss!.nextOffset], [24, 24, 24]);
    assertEquals((await readAll(log, 0, 500).catch(() => [])).length, 0);
    for (let offset = end; offset < 24; offset++) {
      await assertRejects(async () => await log.read(offset, { maxBytes: 1 }), CorruptRecordError);
    }
    assertEquals(append(log, ["next"]).firstOffset, 24);
    assertEquals((await readAll(log, 24)).length, 1);
  });
});

Deno.test("Log.open() of a log without batches starts at its log start offset", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  fill(log, 12);
  log.deleteRecordsBefore(20);
  await directory.checkpoint();
  const copy = fs.clone({ unsynced: "kept" });
  await directory.close();
  for (const { path } of log.segments.slice(1)) copy.removeSync(path);
  await reopened(copy, (log) => {
    assertEquals([log.logStartOffset, log.logEndOffset], [20, 24]);
    assertEquals(append(log, ["a"]).firstOffset, 24);
  });
});

Deno.test("Log.open() keeps the end offset if an older checkpoint was restored", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  fill(log, 3);
  await directory.close();
  const text = "0\n1\norders 3 4\n";
  fs.writeFileSync("/data/recovery-point-offset-checkpoint", new TextEncoder().encode(text));
  for (const name of ["segment-checkpoint", ".kafka_cleanshutdown", undefined]) {
    const copy = fs.clone({ unsynced: "kept" });
    if (name !== undefined) copy.removeSync(`/data/${name}`);
    await reopened(copy, (log) => checkRecords(log, 6));
  }
});

Deno.test("Log.open() after a kill recovers segments rolled since the last checkpoint", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  fill(log, 5);
  await directory.checkpoint();
  fill(log, 40);
  await log.flush();
  const copy = fs.clone({ unsynced: "lost" });
  await directory.close();
  await reopened(copy, async (log) => {
    assertEquals(log.recovery?.fromOffset, 10);
    await checkRecords(log, 90);
    assertEquals(log.producers.get(7)?.lastSequence, 89);
  });
});

Deno.test("Log.open() after a kill keeps gaps between offsets", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  for (const baseOffset of [5, 100, 300]) {
    log.appendReplicated(batchOf(["a"], { baseOffset }), { leaderEpoch: 0, nowMs: NOW_MS });
  }
  const copy = fs.clone({ unsynced: "kept" });
  await directory.close();
  await reopened(copy, async (log) => {
    assertEquals(log.recovery?.problem, undefined);
    assertEquals((await readAll(log)).map((record) => record.offset), [5, 100, 300]);
  });
});

Deno.test("Log.checkpoint() keeps two producer snapshots besides those at segment starts", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  for (let i = 0; i < 12; i++) {
    log.append(batchOfSize(1, 200), { leaderEpoch: 0, nowMs: NOW_MS });
    await directory.checkpoint();
  }
  const snapshots = fs.readDirSync(FOLDER).map((entry) => entry.name)
    .filter((name) => name.endsWith(".snapshot")).map((name) => Number(name.slice(0, 20)));
  const bases = log.segments.map((segment) => segment.baseOffset).filter((offset) => offset > 0);
  assertEquals(new Set(snapshots), new Set([...bases, 11, 12]));
  await directory.close();
});

Deno.test("Log.open() after a kill finds the batches whatever position an index entry has", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  fill(log, 4);
  await directory.checkpoint();
  fill(log, 2);
  const copy = fs.clone({ unsynced: "kept" });
  await directory.close();
  const path = `${FOLDER}/00000000000000000000.index`;
  const entries = copy.readFileSync(path);
  assert(entries.length >= 8);
  const { sizeInBytes } = log;
  for (let position = 0; position < sizeInBytes; position++) {
    const damaged = copy.clone({ unsynced: "kept" });
    const bytes = entries.slice();
    new DataView(bytes.buffer).setInt32(bytes.length - 4, position);
    damaged.writeFileSync(path, bytes);
    await reopened(damaged, (log) => checkRecords(log, 12));
  }
});

Deno.test("Log.open() after a crash cuts off a torn write that looks like a batch of an old format", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  fill(log, 4);
  const copy = fs.clone({ unsynced: "kept" });
  const { sizeInBytes } = log;
  await directory.close();
  for (const magic of [0, 1]) {
    const torn = copy.clone({ unsynced: "kept" });
    const path = `${FOLDER}/00000000000000000000.log`;
    const bytes = new Uint8Array(sizeInBytes + 100).fill(7, sizeInBytes);
    bytes.set(torn.readFileSync(path).subarray(0, sizeInBytes));
    bytes[sizeInBytes + 16] = magic;
    torn.writeFileSync(path, bytes);
    await reopened(torn, async (log) => {
      await checkRecords(log, 8);
      assertEquals(log.recovery?.truncatedBytes, 100);
    });
  }
});

Deno.test("Log.open() finds the epochs of records whose deletion did not reach the disk", async () => {
  const fs = new MemoryFileSystem();
  const { directory, log } = await create(fs);
  for (const leaderEpoch of [1, 3, 4, 6]) {
    for (let i = 0; i < 4; i++) append(log, ["a".repeat(100)], { leaderEpoch });
  }
  await directory.checkpoint();
  log.deleteRecordsBefore(9);
  // The epochs that ended before 9 are gone from the file; the log start offset is not written.
  await log.checkpoint();
  append(log, ["b"], { leaderEpoch: 6 });
  const copy = fs.clone({ unsynced: "lost" });
  const text = new TextDecoder().decode(copy.readFileSync(`${FOLDER}/leader-epoch-checkpoint`));
  assertEquals(text, "0\n2\n4 9\n6 12\n");
  await directory.close();
  await reopened(copy, (log) => {
    assertEquals([log.logStartOffset, log.hasDoubtfulEpochs], [0, false]);
    const ends = [1, 3, 4, 6].map((epoch) => log.endOffsetForEpoch(epoch)?.offset);
    assertEquals(ends, [4, 8, 12, log.logEndOffset]);
  });
});
