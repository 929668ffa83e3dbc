/**
 * Compares the log with plain sequential writes and reads of the same bytes.
 *
 *     deno run --allow-read --allow-write --allow-sys bench/storage/storage.ts [--mb 512] [--dir FOLDER] [--runs 3]
 *
 * Prints the median of the runs. Every run writes fresh bytes to fresh files in a temporary folder, on
 * whatever disk that is; reads come from the page cache, as no row drops it.
 *
 * @module
 */

import { RecordBatch, RecordBatchBuilder } from "../../protocol/records/mod.ts";
import {
  DEFAULT_LOG_CONFIG,
  DenoFileSystem,
  type Log,
  LogDirectory,
  validateBatch,
} from "../../storage/mod.ts";

interface Settings {
  readonly megabytes: number;
  readonly folder: string | undefined;
  readonly runs: number;
}

interface Result {
  readonly name: string;
  readonly bytes: number;
  readonly operations: number;
  readonly ms: number;
}

const NOW_MS = Date.now();

const CONFIG = { ...DEFAULT_LOG_CONFIG, maxMessageBytes: 1 << 24 };

function settingsOf(args: readonly string[]): Settings {
  const values = new Map<string, string>();
  for (let i = 0; i < args.length; i += 2) values.set(args[i]!, args[i + 1] ?? "");
  return {
    megabytes: Number(values.get("--mb") ?? 512),
    folder: values.get("--dir"),
    runs: Number(values.get("--runs") ?? 3),
  };
}

/** A batch as a producer sends it; incompressible, so that no layer below can save work. */
function makeBatch(recordCount: number, valueSize: number): Uint8Array<ArrayBuffer> {
  const builder = new RecordBatchBuilder();
  const value = new Uint8Array(valueSize);
  for (let i = 0; i < recordCount; i++) {
    crypto.getRandomValues(value);
    builder.append(NOW_MS, null, value);
  }
  return builder.build().slice();
}

async function timed(
  name: string,
  bytes: number,
  operations: number,
  run: () => void | Promise<void>,
): Promise<Result> {
  const start = performance.now();
  await run();
  return { name, bytes, operations, ms: performance.now() - start };
}

async function withLog(
  folder: string,
  batchCacheBytes: number,
  run: (log: Log) => Promise<void>,
): Promise<void> {
  const path = Deno.makeTempDirSync({ dir: folder });
  const directory = await LogDirectory.open(new DenoFileSystem(), path, {
    nowMs: NOW_MS,
    batchCacheBytes,
    configOf: () => CONFIG,
  });
  await run(directory.create("bench-0", { nowMs: NOW_MS, config: CONFIG }));
  await directory.close();
  Deno.removeSync(path, { recursive: true });
}

/** Reads a log from start to end; returns the number of bytes. */
async function readThrough(log: Log, maxBytes: number): Promise<number> {
  let bytes = 0;
  for (let offset = 0; offset < log.logEndOffset;) {
    const read = log.read(offset, { maxBytes });
    const { sizeInBytes, nextOffset } = read instanceof Promise ? await read : read;
    bytes += sizeInBytes;
    offset = nextOffset;
  }
  return bytes;
}

/** Rows for batches of one shape: writes without sync, and reads. */
async function* throughput(
  folder: string,
  label: string,
  batchBytes: Uint8Array<ArrayBuffer>,
  megabytes: number,
): AsyncGenerator<Result> {
  const count = Math.max(1, Math.floor((megabytes << 20) / batchBytes.length));
  const total = count * batchBytes.length;
  // Each batch has its own memory, as from a socket; it is made outside the timed part.
  const fresh = () => Array.from({ length: count }, () => new RecordBatch(batchBytes.slice()));

  const path = `${folder}/plain`;
  yield await timed(`${label}: plain writes`, total, count, () => {
    using file = Deno.openSync(path, { write: true, create: true, truncate: true });
    for (let i = 0; i < count; i++) file.writeSync(batchBytes);
  });
  yield await timed(`${label}: plain reads of 1 MiB`, total, count, () => {
    using file = Deno.openSync(path, { read: true });
    while (file.readSync(new Uint8Array(1 << 20)) !== null);
  });
  Deno.removeSync(path);

  let batches = fresh();
  for (const recordValidation of ["full", "header"] as const) {
    const config = { ...CONFIG, recordValidation };
    yield await timed(`${label}: validateBatch, ${recordValidation}`, total, count, () => {
      for (const batch of batches) validateBatch("bench-0", batch, config, NOW_MS);
    });
  }
  const results: Result[] = [];
  await withLog(folder, 0, async (log) => {
    results.push(
      await timed(`${label}: append`, total, count, () => {
        for (const batch of batches) log.append(batch, { leaderEpoch: 0, nowMs: NOW_MS });
      }),
    );
    results.push(
      await timed(`${label}: cold read, 1 MiB at most`, total, count, async () => {
        expect(await readThrough(log, 1 << 20), total);
      }),
    );
  });
  batches = fresh();
  await withLog(folder, total * 2, async (log) => {
    results.push(
      await timed(`${label}: validate and append, batch cache`, total, count, () => {
        for (const batch of batches) {
          validateBatch("bench-0", batch, CONFIG, NOW_MS);
          log.append(batch, { leaderEpoch: 0, nowMs: NOW_MS });
        }
      }),
    );
    results.push(
      await timed(`${label}: hot read, 1 MiB at most`, total, count, async () => {
        expect(await readThrough(log, 1 << 20), total);
      }),
    );
  });
  yield* results;
}

/** Rows with fdatasync: one for each append, and shared by waiting appends. */
async function* durability(
  folder: string,
  label: string,
  batchBytes: Uint8Array<ArrayBuffer>,
  count: number,
): AsyncGenerator<Result> {
  const total = count * batchBytes.length;
  const path = `${folder}/plain`;
  yield await timed(`${label}: plain write and fdatasync, each`, total, count, async () => {
    using file = Deno.openSync(path, { write: true, create: true, truncate: true });
    for (let i = 0; i < count; i++) {
      file.writeSync(batchBytes);
      await file.syncData();
    }
  });
  Deno.removeSync(path);
  for (const waiting of [1, 64]) {
    const results: Result[] = [];
    await withLog(folder, 0, async (log) => {
      const name = `${label}: append and flush, ${waiting} at a time`;
      results.push(
        await timed(name, total, count, async () => {
          let left = count;
          await Promise.all(Array.from({ length: waiting }, async () => {
            while (left-- > 0) {
              const batch = new RecordBatch(batchBytes.slice());
              log.append(batch, { leaderEpoch: 0, nowMs: NOW_MS });
              await log.flush();
            }
          }));
        }),
      );
    });
    yield* results;
  }
}

function expect(actual: number, expected: number): void {
  if (actual !== expected) throw new Error(`Read ${actual} bytes, appended were ${expected}`);
}

function median(results: readonly Result[]): Result {
  const sorted = results.toSorted((a, b) => a.ms - b.ms);
  return sorted[sorted.length >> 1]!;
}

async function main(): Promise<void> {
  const settings = settingsOf(Deno.args);
  const folder = Deno.makeTempDirSync({
    prefix: "dqueue-bench-",
    ...(settings.folder === undefined ? {} : { dir: settings.folder }),
  });
  const runs = new Map<string, Result[]>();
  try {
    for (let run = 0; run < settings.runs; run++) {
      const rows = [
        throughput(folder, "100 x 1 KB", makeBatch(100, 1000), settings.megabytes),
        throughput(folder, "1 x 100 B", makeBatch(1, 100), settings.megabytes / 32),
        durability(folder, "100 x 1 KB", makeBatch(100, 1000), 1000),
        durability(folder, "1 x 100 B", makeBatch(1, 100), 5000),
      ];
      for (const results of rows) {
        for await (const result of results) {
          runs.set(result.name, [...(runs.get(result.name) ?? []), result]);
        }
      }
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
  console.log(`Deno ${Deno.version.deno}, ${settings.runs} runs, median`);
  console.log(`${"".padEnd(52)}${"MB/s".padStart(10)}${"batches/s".padStart(12)}`);
  for (const results of runs.values()) {
    const { name, bytes, operations, ms } = median(results);
    const megabytes = (bytes / 1000 / ms).toFixed(0);
    const batches = Math.round(operations / ms * 1000).toLocaleString("en");
    console.log(`${name.padEnd(52)}${megabytes.padStart(10)}${batches.padStart(12)}`);
  }
}

if (import.meta.main) await main();
