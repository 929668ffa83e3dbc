/**
 * Helpers for tests of the cleaner: records with keys, logs to compact, and reading everything
 * back.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  endTransactionMarker,
  RecordBatch,
  RecordBatchBuilder,
  type RecordBatchBuilderOptions,
  recordBatches,
} from "../../protocol/records/mod.ts";
import type { Log } from "../log.ts";
import type { LogConfig } from "../log/log_config.ts";
import type { LogDirectory } from "../log_directory.ts";
import { configOf, NOW_MS, openDirectory, verificationFor } from "../log_testing.ts";
import { MemoryFileSystem } from "../file_system/memory_file_system.ts";
import { WatchedFileSystem } from "../file_system/watched_file_system_testing.ts";
import type { LogCleaning } from "./cleaning_pass.ts";

/** A record to append: key, value (null for a tombstone) and timestamp. */
export type KeyedRecord = readonly [key: string, value: string | null, timestamp?: number];

/** A record of a log. */
export interface FoundRecord {
  readonly offset: number;
  readonly key: string;
  readonly value: string | null;
  readonly timestamp: number;
}

/** Settings of a compacted log with small segments. */
export function compactedConfig(config: Partial<LogConfig> = {}): LogConfig {
  return configOf({
    cleanupPolicy: ["compact"],
    segmentBytes: 1000,
    indexIntervalBytes: 100,
    deleteRetentionMs: 1000,
    minCleanableDirtyRatio: 0,
    fileDeleteDelayMs: 0,
    ...config,
  });
}

/** A batch of records with keys. */
export function keyedBatch(
  records: readonly KeyedRecord[],
  options: RecordBatchBuilderOptions = {},
): RecordBatch {
  const builder = new RecordBatchBuilder(options);
  for (const [key, value, timestamp = NOW_MS] of records) {
    builder.append(timestamp, key, value, [{ key: "h", value: key }]);
  }
  return new RecordBatch(builder.build());
}

/** Appends records as one batch. */
export function appendKeyed(
  log: Log,
  records: readonly KeyedRecord[],
  options: RecordBatchBuilderOptions = {},
): number {
  const batch = keyedBatch(records, options);
  const verification = verificationFor(log, batch);
  return log.append(batch, { leaderEpoch: 0, nowMs: NOW_MS, verification }).firstOffset;
}

/** Rolls a new segment with an append, so that earlier records can be cleaned. */
export function rollWith(log: Log, records: readonly KeyedRecord[]): void {
  const { config } = log;
  const batch = keyedBatch(records);
  const segmentBytes = Math.max(batch.sizeInBytes, log.segments.at(-1)!.sizeInBytes);
  log.updateConfig({ ...config, segmentBytes });
  log.append(batch, { leaderEpoch: 0, nowMs: NOW_MS });
  log.updateConfig(config);
}

/** A transaction marker. */
export function markerBatch(
  producerId: number,
  type: "abort" | "commit",
  coordinatorEpoch = 0,
  producerEpoch = 0,
): RecordBatch {
  return endTransactionMarker({
    producerId,
    producerEpoch,
    isCommit: type === "commit",
    coordinatorEpoch,
    timestamp: NOW_MS,
  });
}

/** Appends a transaction marker. */
export function appendMarker(
  log: Log,
  producerId: number,
  type: "abort" | "commit",
  coordinatorEpoch = 0,
  producerEpoch = 0,
): number {
  return log.append(markerBatch(producerId, type, coordinatorEpoch, producerEpoch), {
    leaderEpoch: 0,
    nowMs: NOW_MS,
    origin: "coordinator",
  }).firstOffset;
}

/** The batches of a log from an offset on, read as a consumer would. */
export async function batchesOf(
  log: Log,
  fromOffset: number = log.logStartOffset,
  maxBytes = 1 << 20,
): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = [];
  for (let offset = fromOffset; offset < log.logEndOffset;) {
    const read = await log.read(offset, { maxBytes });
    if (read.chunks.length === 0) break;
    const found = read.chunks.flatMap((chunk) => Array.from(recordBatches(chunk)));
    for (const batch of found) batch.ensureValid();
    assert(found[0]!.lastOffset >= offset);
    assert(found[0]!.recordCount > 0 && found.at(-1)!.recordCount > 0, "no records at an end");
    assertEquals(read.nextOffset, found.at(-1)!.nextOffset);
    batches.push(...found);
    offset = read.nextOffset;
  }
  return batches;
}

/** The records of a log from an offset on. */
export async function foundIn(
  log: Log,
  fromOffset: number = log.logStartOffset,
  maxBytes = 1 << 20,
): Promise<FoundRecord[]> {
  return (await batchesOf(log, fromOffset, maxBytes))
    .flatMap((batch) => batch.isControl ? [] : recordsOf(batch))
    .filter(({ offset }) => offset >= fromOffset);
}

/** The records of a batch. */
export function recordsOf(batch: RecordBatch): FoundRecord[] {
  const text = (bytes: Uint8Array | null) =>
    bytes === null ? null : new TextDecoder().decode(bytes);
  return Array.from(batch.records(), ({ offset, key, value, timestamp, headers }) => {
    assertEquals(headers.map(({ value }) => text(value)), [text(key)]);
    return { offset, key: text(key)!, value: text(value), timestamp };
  });
}

/** Offset, key and value of records, as short text. */
export function summary(records: readonly FoundRecord[]): string {
  return records.map(({ offset, key, value }) => `${offset}${key}=${value ?? "-"}`).join(" ");
}

/** Name of the log. */
export const NAME = "compacted-0";

/** A compacted log and the file systems it is on. */
export interface Setup {
  readonly fs: MemoryFileSystem;
  readonly watched: WatchedFileSystem;
  readonly directory: LogDirectory;
  readonly log: Log;
}

/** Opens the compacted log of a folder, or creates it. */
export async function setUp(
  config: Partial<LogConfig> = {},
  fs = new MemoryFileSystem({ now: () => NOW_MS }),
): Promise<Setup> {
  const watched = new WatchedFileSystem(fs);
  const options = { batchCacheBytes: 0, config: compactedConfig(config) };
  const directory = await openDirectory(watched, options);
  const log = directory.get(NAME) ??
    directory.create(NAME, { nowMs: NOW_MS, config: options.config });
  return { fs, watched, directory, log };
}

/** Runs a pass of the cleaner. */
export function clean(
  log: Log,
  { nowMs = NOW_MS, maxOffset = Infinity, dedupeBytes = 1 << 16 } = {},
): Promise<LogCleaning | undefined> {
  return log.clean({ nowMs, maxOffset, dedupeBytes });
}

/** The records of a log from an offset on, as short text. */
export async function textOf(log: Log, fromOffset?: number): Promise<string> {
  return summary(await foundIn(log, fromOffset));
}
