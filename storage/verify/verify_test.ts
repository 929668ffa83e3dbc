import { assert, assertEquals, assertMatch } from "@std/assert";
import { CorruptRecordError, RecordBatch, recordBatches } from "../../protocol/records/mod.ts";
import { appendKeyed, appendMarker, clean, compactedConfig } from "../cleaner/cleaner_testing.ts";
import type { Log } from "../log.ts";
import { append, configOf, NOW_MS, openDirectory, recordsOf } from "../log_testing.ts";
import { MemoryFileSystem } from "../file_system/memory_file_system.ts";
import {
  decodeProducerSnapshot,
  encodeProducerSnapshot,
} from "../log/producers/producer_snapshot.ts";
import { type DataFolderReport, repairDataFolder, verifyDataFolder } from "./mod.ts";

const NAME = "orders-3";
const FOLDER = `/data/${NAME}`;
const FIRST = `${FOLDER}/00000000000000000000.log`;
const CONFIG = { segmentBytes: 700, indexIntervalBytes: 150 };

/** A log of several segments with an idempotent producer and two leader epochs. */
async function makeData(options: { isClean?: boolean; batches?: number } = {}) {
  const { isClean = true, batches = 24 } = options;
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs, { config: CONFIG });
  await directory.writeMetaProperties({ clusterId: "mQ2cDRTnRJ2DWrl_8Ee-JA", nodeId: 1 });
  const topicId = "4v_2pRHCQ5K2LNRfgJ3mEg";
  const log = directory.create(NAME, { nowMs: NOW_MS, config: configOf(CONFIG), topicId });
  for (let i = 0; i < batches; i++) {
    if (i === 18 && !isClean) await directory.checkpoint();
    append(log, [valueOf(log.logEndOffset), valueOf(log.logEndOffset + 1)], {
      nowMs: NOW_MS + i,
      leaderEpoch: i < 10 ? 0 : 1,
      producerId: 7,
      producerEpoch: 0,
      baseSequence: i * 2,
    });
  }
  const end = log.logEndOffset;
  const killed = fs.clone({ unsynced: "kept" });
  await directory.close();
  return { fs: isClean ? fs : killed, end };
}

function valueOf(offset: number): { value: string; timestamp: number } {
  return { value: `value ${offset}`, timestamp: NOW_MS + offset };
}

function patch(fs: MemoryFileSystem, path: string, change: (bytes: Uint8Array) => void): void {
  const bytes = fs.readFileSync(path);
  change(bytes);
  fs.writeFileSync(path, bytes);
}

/** All findings, as text. */
function textOf({ findings, partitions }: DataFolderReport): string[] {
  return [...findings, ...partitions.flatMap((partition) => partition.findings)]
    .map(({ path, position, problem }) => `${path}@${position ?? ""}: ${problem}`);
}

async function findingsOf(fs: MemoryFileSystem, path = "/data"): Promise<string[]> {
  return textOf(await verifyDataFolder(fs, path, { withRecords: true }));
}

async function repair(fs: MemoryFileSystem): Promise<void> {
  await repairDataFolder(fs, "/data", await verifyDataFolder(fs, "/data"), NOW_MS);
}

/** The record that a log returns at each offset. */
async function valuesOf(log: Log): Promise<string[]> {
  const values: string[] = [];
  for (let offset = log.logStartOffset; offset < log.logEndOffset;) {
    const { chunks, nextOffset } = await log.read(offset, { maxBytes: 1 << 20 });
    for (const batch of chunks.flatMap((chunk) => Array.from(recordBatches(chunk)))) {
      if (batch.isControl) continue;
      for (const record of recordsOf([batch.bytes], offset)) values[record.offset] = record.value;
    }
    if (nextOffset === offset) break;
    offset = nextOffset;
  }
  return values;
}

/** Opens the log after a repair, and appends to it. */
async function serve(fs: MemoryFileSystem, use: (log: Log) => Promise<void>): Promise<void> {
  const directory = await openDirectory(fs, { config: CONFIG, batchCacheBytes: 0 });
  try {
    const log = directory.get(NAME)!;
    await use(log);
    const { lastSequence } = log.producers.get(7)!;
    append(log, [valueOf(log.logEndOffset)], {
      leaderEpoch: 1,
      producerId: 7,
      producerEpoch: 0,
      baseSequence: lastSequence + 1,
      nowMs: NOW_MS,
    });
  } finally {
    await directory.close();
  }
}

Deno.test("verifyDataFolder() has no findings after a clean shutdown or a crash", async () => {
  for (const isClean of [true, false]) {
    for (const batches of [0, 1, 18, 24]) {
      const { fs, end } = await makeData({ isClean, batches });
      const report = await verifyDataFolder(fs, "/data", { withRecords: true });
      assertEquals(textOf(report), []);
      assertEquals(report.isClean, isClean);
      const [partition] = report.partitions;
      assertEquals(partition!.logEndOffset, end);
      assertEquals([partition!.batchCount, partition!.recordCount], [batches, batches * 2]);
      assertEquals(await findingsOf(fs, FOLDER), []);
    }
  }
});

Deno.test("verifyDataFolder() does not report a torn batch after the recovery point", async () => {
  const { fs } = await makeData({ isClean: false });
  const [partition] = (await verifyDataFolder(fs, "/data")).partitions;
  const { path, sizeInBytes } = partition!.segments.at(-1)!;
  fs.writeFileSync(path, fs.readFileSync(path).subarray(0, sizeInBytes - 5));
  assertEquals(await findingsOf(fs), []);
  // A partition's folder alone does not show whether there was a crash.
  fs.removeSync("/data/meta.properties");
  assertEquals((await findingsOf(fs, FOLDER)).length > 0, true);
});

Deno.test("verifyDataFolder() reports any flipped bit, and repairDataFolder() leaves no findings", async () => {
  const { fs, end } = await makeData();
  const files = fs.readDirSync(FOLDER).map(({ name }) => `${FOLDER}/${name}`)
    .filter((path) => !path.endsWith("partition.metadata"));
  assert(files.length > 12);
  for (const path of [...files, "/data/recovery-point-offset-checkpoint"]) {
    const { length } = fs.readFileSync(path);
    for (let at = 0; at < length; at += 7) {
      const damaged = fs.clone({ unsynced: "kept" });
      patch(damaged, path, (bytes) => bytes[at]! ^= 1 << at % 8);
      const what = `byte ${at} of ${path}`;
      const found = await findingsOf(damaged);
      if (found.length === 0) {
        // White space may become other white space.
        assert(path.endsWith("checkpoint") && fs.readFileSync(path)[at]! <= 32, what);
        continue;
      }
      await repair(damaged);
      assertEquals(await findingsOf(damaged), [], what);
      await serve(damaged, async (log) => {
        assertEquals(log.logEndOffset, end, what);
        const values = await valuesOf(log);
        const isLost = (offset: number) => values[offset] === undefined;
        for (let offset = 0; offset < end; offset++) {
          if (!isLost(offset)) assertEquals(values[offset], valueOf(offset).value, what);
        }
        const lost = Array.from({ length: end }, (_, offset) => offset).filter(isLost);
        assertEquals(lost.length, path.endsWith(".log") && !isEpoch(fs, path, at) ? 2 : 0, what);
      });
      assertEquals(await findingsOf(damaged), [], what);
    }
  }
});

/** Whether a byte belongs to the leader epoch of a batch, which the CRC does not cover. */
function isEpoch(fs: MemoryFileSystem, path: string, at: number): boolean {
  const bytes = fs.readFileSync(path);
  for (let position = 0; position < bytes.length;) {
    const { sizeInBytes } = new RecordBatch(bytes, position);
    if (at < position + sizeInBytes) return at >= position + 12 && at < position + 16;
    position += sizeInBytes;
  }
  return false;
}

Deno.test("repairDataFolder() keeps the damaged bytes in a file, and readers skip their offsets", async () => {
  const { fs, end } = await makeData();
  const { sizeInBytes: size } = new RecordBatch(fs.readFileSync(FIRST));
  const before = fs.readFileSync(FIRST).slice(size, 3 * size);
  before[20] = 0;
  before[size + 9] = 0xff;
  patch(fs, FIRST, (bytes) => bytes.set(before, size));
  const found = await findingsOf(fs);
  assertMatch(
    found[0]!,
    /^\/data\/orders-3\/0{20}\.log@\d+: \d+ bytes are no valid batch, offsets 2 to 5: /,
  );
  await repair(fs);
  assertEquals(fs.readFileSync(`${FIRST}.${size}.corrupt`), before);
  await serve(fs, async (log) => {
    const values = await valuesOf(log);
    const expected = Array.from({ length: end }, (_, offset) => valueOf(offset).value);
    delete expected[2], delete expected[3], delete expected[4], delete expected[5];
    assertEquals(values, expected);
    const { nextOffset, chunks } = await log.read(3, { maxBytes: 1 });
    assertEquals([nextOffset, recordsOf(chunks)[0]?.offset], [8, 6]);
  });
});

Deno.test("repairDataFolder() repairs a truncated file, a missing one and missing indexes", async () => {
  const { fs, end } = await makeData();
  const { sizeInBytes: size } = new RecordBatch(fs.readFileSync(FIRST));
  const [partition] = (await verifyDataFolder(fs, "/data")).partitions;
  const [, second, third] = partition!.segments.map(({ path }) => path) as [string, string, string];
  const last = partition!.segments.at(-1)!.path;
  const cases: [() => void, lost: (offset: number) => boolean][] = [
    [() => fs.writeFileSync(FIRST, fs.readFileSync(FIRST).subarray(0, size + 10)), (offset) => {
      return offset >= 2 && offset < offsetOf(second);
    }],
    [() => {
      for (const suffix of ["log", "index", "timeindex"]) {
        fs.removeSync(second.replace(/log$/, suffix));
      }
    }, (offset) => offset >= offsetOf(second) && offset < offsetOf(third)],
    [() => fs.removeSync(third.replace(/log$/, "index")), () => false],
    [() => fs.writeFileSync(last, fs.readFileSync(last).subarray(0, 30)), (offset) => {
      return offset >= offsetOf(last);
    }],
  ];
  let isLost = (_offset: number) => false;
  for (const [damage, lost] of cases) {
    damage();
    const before = isLost;
    isLost = (offset) => before(offset) || lost(offset);
    assert((await findingsOf(fs)).length > 0);
    await repair(fs);
    assertEquals(await findingsOf(fs), []);
    await (await openDirectory(fs, { config: CONFIG })).close();
    assertEquals(await findingsOf(fs), []);
  }
  await serve(fs, async (log) => {
    assertEquals(log.logEndOffset, end);
    const found = await valuesOf(log);
    for (let offset = 0; offset < end; offset++) {
      assertEquals(found[offset], isLost(offset) ? undefined : valueOf(offset).value);
    }
  });
});

function offsetOf(path: string): number {
  return Number(path.slice(-24, -4));
}

Deno.test("verifyDataFolder() distinguishes gaps left by compaction from missing records", async () => {
  const { fs } = await makeData();
  const { sizeInBytes: size } = new RecordBatch(fs.readFileSync(FIRST));
  const bytes = fs.readFileSync(FIRST);
  fs.writeFileSync(FIRST, new Uint8Array([...bytes.slice(0, size), ...bytes.slice(2 * size)]));
  const found = await findingsOf(fs);
  assert(found.some((text) => text.endsWith("log@" + size + ": offsets 2 to 3 are missing")));
  const cleaned = new TextEncoder().encode("0\n1\norders 3 6\n");
  fs.writeFileSync("/data/cleaner-offset-checkpoint", cleaned);
  assert(!(await findingsOf(fs)).some((text) => text.includes("missing")));
});

Deno.test("verifyDataFolder() has no findings in a compacted log", async () => {
  const fs = new MemoryFileSystem();
  const config = compactedConfig({ segmentBytes: 700, indexIntervalBytes: 150 });
  const directory = await openDirectory(fs, { config });
  await directory.writeMetaProperties({ clusterId: "mQ2cDRTnRJ2DWrl_8Ee-JA", nodeId: 1 });
  const log = directory.create(NAME, { nowMs: NOW_MS, config });
  for (let i = 0; i < 60; i++) appendKeyed(log, [[`k${i * i % 7}`, `${i}`], ["a", `${i}`]]);
  const { sizeInBytes } = log;
  await clean(log);
  assert(log.sizeInBytes < sizeInBytes);
  assertEquals(await findingsOf(fs.clone({ unsynced: "kept" })), []);
  await directory.close();
  assertEquals(await findingsOf(fs), []);
});

Deno.test("verifyDataFolder() has no findings in a trimmed log, whose leader epochs begin later", async () => {
  for (const trim of [5, 20, 30, 48]) {
    const fs = new MemoryFileSystem();
    const directory = await openDirectory(fs, { config: CONFIG });
    await directory.writeMetaProperties({ clusterId: "mQ2cDRTnRJ2DWrl_8Ee-JA", nodeId: 1 });
    const log = directory.create(NAME, { nowMs: NOW_MS, config: configOf(CONFIG) });
    for (let i = 0; i < 24; i++) {
      append(log, ["a", "b"], { nowMs: NOW_MS + i, leaderEpoch: Math.floor(i / 5) });
    }
    await directory.checkpoint();
    log.deleteRecordsBefore(trim);
    // The log's files are newer than the folder's checkpoint.
    await log.checkpoint();
    assertEquals(await findingsOf(fs.clone({ unsynced: "kept" })), []);
    await directory.checkpoint();
    assertEquals(await findingsOf(fs.clone({ unsynced: "kept" })), []);
    await directory.close();
    assertEquals(await findingsOf(fs), []);
    // Entries still in the file are compared with the batches.
    const path = `${FOLDER}/leader-epoch-checkpoint`;
    const text = new TextDecoder().decode(fs.readFileSync(path));
    const wrong = text.replace(
      /^(\d+) (\d+)\n$/m,
      (_, epoch, offset) => `${epoch + 9} ${offset}\n`,
    );
    fs.writeFileSync(path, new TextEncoder().encode(wrong));
    assertEquals((await findingsOf(fs)).length, trim < 48 ? 1 : 0);
  }
});

Deno.test("verifyDataFolder() has no findings in a compacted log of idempotent producers", async () => {
  const fs = new MemoryFileSystem();
  const config = compactedConfig({ segmentBytes: 700, indexIntervalBytes: 150 });
  const directory = await openDirectory(fs, { config });
  await directory.writeMetaProperties({ clusterId: "mQ2cDRTnRJ2DWrl_8Ee-JA", nodeId: 1 });
  const log = directory.create(NAME, { nowMs: NOW_MS, config });
  for (let i = 0; i < 90; i++) {
    const options = { producerId: i % 3, producerEpoch: 0, baseSequence: 2 * Math.floor(i / 3) };
    appendKeyed(log, [[`k${i * i % 7}`, `${i}`], ["a", `${i}`]], options);
    if (i % 30 === 29) {
      await clean(log);
      await directory.checkpoint();
      assertEquals(await findingsOf(fs.clone({ unsynced: "kept" })), []);
    }
  }
  await directory.close();
  assertEquals(await findingsOf(fs), []);
  // A snapshot older than the batches is still wrong.
  const last = fs.readDirSync(FOLDER).map(({ name }) => name)
    .filter((name) => name.endsWith(".snapshot")).sort().at(-1)!;
  const entries = decodeProducerSnapshot(last, fs.readFileSync(`${FOLDER}/${last}`));
  const wrong = entries.map((entry) => ({ ...entry, lastOffset: entry.lastOffset - 6 }));
  fs.writeFileSync(`${FOLDER}/${last}`, encodeProducerSnapshot(wrong));
  assertEquals((await findingsOf(fs)).length, 1);
});

Deno.test("verifyDataFolder() ignores an empty snapshot left by a crash, and the next start removes it", async () => {
  const { fs } = await makeData({ isClean: false });
  const snapshots = () =>
    fs.readDirSync(FOLDER).map(({ name }) => name).filter((name) => name.endsWith(".snapshot"));
  const before = snapshots();
  assert(before.length > 1);
  for (const name of before) fs.writeFileSync(`${FOLDER}/${name}`, new Uint8Array(0));
  assertEquals(await findingsOf(fs), []);
  await serve(fs, () => Promise.resolve());
  assertEquals(await findingsOf(fs), []);
  for (const name of snapshots()) assert(fs.statSync(`${FOLDER}/${name}`)!.size > 0, name);
  // A clean shutdown leaves no empty snapshot.
  fs.writeFileSync(`${FOLDER}/${snapshots()[0]}`, new Uint8Array(0));
  assertEquals((await findingsOf(fs)).length, 1);
});

Deno.test("verifyDataFolder() reports a recovery point beyond the end of the log", async () => {
  for (const isClean of [true, false]) {
    for (const batches of [0, 1, 24]) {
      const { fs, end } = await makeData({ isClean, batches });
      for (const offset of [end + 1, end + 1000, 2 ** 40]) {
        const text = `0\n1\norders 3 ${offset}\n`;
        fs.writeFileSync("/data/recovery-point-offset-checkpoint", new TextEncoder().encode(text));
        const found = await findingsOf(fs);
        assert(found.length > 0, `${batches} batches, recovery point ${offset}`);
        assertMatch(
          found[0]!,
          new RegExp(`(its recovery point is ${offset}|to ${offset - 1}( are missing)?)$`),
        );
      }
    }
  }
});

Deno.test("verifyDataFolder() reports problems of the folder's own files", async () => {
  const { fs } = await makeData();
  fs.writeFileSync("/data/meta.properties", new TextEncoder().encode("version=9\n"));
  fs.writeFileSync("/data/log-start-offset-checkpoint", new TextEncoder().encode("0\nx\n"));
  const found = await findingsOf(fs);
  assertEquals(found.map((text) => text.slice(0, text.indexOf(":"))), [
    "/data/log-start-offset-checkpoint@",
    "/data/meta.properties@",
  ]);
  await repair(fs);
  assertEquals((await findingsOf(fs)).length, 1);
  assertEquals(fs.statSync("/data/log-start-offset-checkpoint"), undefined);
  assert(fs.statSync("/data/log-start-offset-checkpoint.corrupt") !== undefined);
});

Deno.test("Log.read() succeeds after a repair where it failed before", async () => {
  const { fs } = await makeData();
  patch(fs, FIRST, (bytes) => bytes[70]! ^= 1);
  const directory = await openDirectory(fs, { config: CONFIG, batchCacheBytes: 0 });
  const log = directory.get(NAME)!;
  const error = await Promise.try(() => log.read(0, { maxBytes: 1 })).catch((error) => error);
  assert(error instanceof CorruptRecordError);
  await directory.close();
  await repair(fs);
  await serve(fs, async (log) => {
    const { nextOffset } = await log.read(0, { maxBytes: 1 });
    assertEquals(nextOffset, 4);
  });
});

const ENTRY_SIZE = 34;

/** A log with interleaved transactions over several segments, of which three were aborted. */
async function makeTransactions(): Promise<{ fs: MemoryFileSystem; paths: string[] }> {
  const fs = new MemoryFileSystem({ now: () => NOW_MS });
  const config = configOf({ segmentBytes: 260 });
  const directory = await openDirectory(fs, { config });
  const log = directory.create(NAME, { nowMs: NOW_MS, config });
  const send = (producerId: number) =>
    append(log, ["x"], {
      producerId,
      producerEpoch: 0,
      baseSequence: (log.producers.get(producerId)?.lastSequence ?? -1) + 1,
      isTransactional: true,
    });
  for (const producerId of [4, 5, 4, 6]) send(producerId);
  appendMarker(log, 5, "abort");
  send(5);
  appendMarker(log, 6, "commit");
  appendMarker(log, 4, "abort");
  appendMarker(log, 5, "abort");
  send(6);
  await directory.close();
  const paths = fs.readDirSync(FOLDER).map(({ name }) => `${FOLDER}/${name}`)
    .filter((path) => path.endsWith(".txnindex"));
  assertEquals(await findingsOf(fs, FOLDER), []);
  return { fs, paths };
}

Deno.test("verifyDataFolder() finds what is wrong with a transaction index, and repairDataFolder() rebuilds it", async (t) => {
  const damages: Record<string, (bytes: Uint8Array) => Uint8Array | undefined> = {
    "it is missing": () => undefined,
    "it is empty": () => new Uint8Array(0),
    "an entry is missing": (bytes) =>
      bytes.length > ENTRY_SIZE ? bytes.slice(ENTRY_SIZE) : undefined,
    "an entry is partial": (bytes) => bytes.slice(0, -3),
    "another producer": (bytes) => bytes.with(9, 77),
    "another first offset": (bytes) => bytes.with(17, bytes[17]! + 1),
    "another marker": (bytes) => bytes.with(25, bytes[25]! - 1),
    "another last stable offset": (bytes) => bytes.with(33, bytes[33]! + 1),
  };
  for (const [name, damage] of Object.entries(damages)) {
    await t.step(name, async () => {
      const { fs, paths } = await makeTransactions();
      assert(paths.length > 1);
      for (const path of paths) {
        const before = fs.readFileSync(path);
        const bytes = damage(before);
        if (bytes === undefined) fs.removeSync(path);
        else fs.writeFileSync(path, bytes);
        const report = await verifyDataFolder(fs, "/data");
        const found = report.partitions[0]!.findings.map((finding) => finding.path);
        assert(found.length > 0 && found.every((each) => each === path), `${found}`);
        await repair(fs);
        assertEquals(fs.readFileSync(path), before);
        assertEquals(await findingsOf(fs, FOLDER), []);
      }
    });
  }
});

Deno.test("verifyDataFolder() finds a snapshot whose transactions are not those of the batches", async () => {
  const { fs } = await makeTransactions();
  const path = fs.readDirSync(FOLDER).map(({ name }) => `${FOLDER}/${name}`)
    .findLast((name) => name.endsWith(".snapshot"))!;
  const entries = decodeProducerSnapshot(path, fs.readFileSync(path));
  const wrong = [
    { currentTransactionFirstOffset: 2 },
    { coordinatorEpoch: 7 },
    { lastSequence: 70 },
  ];
  for (const fields of wrong) {
    const changed = entries.map((entry) =>
      entry.producerId === 4 ? { ...entry, ...fields } : entry
    );
    fs.writeFileSync(path, encodeProducerSnapshot(changed));
    const { findings } = (await verifyDataFolder(fs, "/data")).partitions[0]!;
    assertEquals(findings.map((finding) => finding.path), [path], Object.keys(fields)[0]);
  }
  await repair(fs);
  assertEquals(await findingsOf(fs, FOLDER), []);
});

Deno.test("verifyDataFolder() accepts a transaction index of a trimmed log and of one after a crash", async () => {
  const { fs } = await makeTransactions();
  const directory = await openDirectory(fs, { config: { segmentBytes: 260 } });
  const log = directory.get(NAME)!;
  log.deleteRecordsBefore(5);
  await log.applyRetention(NOW_MS);
  await directory.removeDeleted(NOW_MS + 1e9);
  appendMarker(log, 6, "abort");
  const crashed = fs.clone({ unsynced: "kept" });
  await directory.close();
  for (const disk of [fs, crashed]) {
    const { findings } = (await verifyDataFolder(disk, "/data")).partitions[0]!;
    assertEquals(findings, []);
  }
});
