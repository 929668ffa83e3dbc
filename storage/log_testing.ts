/**
 * Helpers for tests of logs: batches to append, folders to open, records to read back.
 *
 * @module
 */

import {
  RecordBatch,
  RecordBatchBuilder,
  type RecordBatchBuilderOptions,
} from "../protocol/records/mod.ts";
import type { FileSystem } from "./file_system/file_system.ts";
import { MemoryFileSystem } from "./file_system/memory_file_system.ts";
import type { Log } from "./log.ts";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "./log/log_config.ts";
import type { LogDirectoryOptions } from "./directory/log_directory_options.ts";
import { LogDirectory } from "./log_directory.ts";
import type { AppendInfo, AppendOptions } from "./log/log_append.ts";
import type { Verification } from "./log/producers/transaction_verifications.ts";

/** The start time of tests, in milliseconds since 1970. */
export const NOW_MS = 1_700_000_000_000;

/** A record to append: a value and, optionally, timestamp and key. */
export interface TestRecord {
  readonly value: string;
  readonly timestamp?: number;
  readonly key?: string | null;
}

/** A batch of records as a client would send it. */
export function batchOf(
  records: readonly (string | TestRecord)[],
  options: RecordBatchBuilderOptions = {},
): RecordBatch {
  const builder = new RecordBatchBuilder(options);
  for (const record of records) {
    const { value, timestamp = NOW_MS, key = null } = typeof record === "string"
      ? { value: record }
      : record;
    builder.append(timestamp, key, value);
  }
  return new RecordBatch(builder.build());
}

/** A batch of `count` records of `valueSize` bytes. */
export function batchOfSize(
  count: number,
  valueSize: number,
  options: RecordBatchBuilderOptions = {},
): RecordBatch {
  return batchOf(Array.from({ length: count }, () => "x".repeat(valueSize)), options);
}

/** Appends values as one batch. */
export function append(
  log: Log,
  values: readonly (string | TestRecord)[],
  options: Partial<AppendOptions> & RecordBatchBuilderOptions = {},
): AppendInfo {
  const { leaderEpoch = 0, nowMs = NOW_MS, origin, isTransactionV2, ...batchOptions } = options;
  const batch = batchOf(values, batchOptions);
  const verification = verificationFor(log, batch);
  return log.append(batch, { leaderEpoch, nowMs, origin, isTransactionV2, verification });
}

/** What a batch needs to open a transaction, as if the coordinator had agreed. */
export function verificationFor(log: Log, batch: RecordBatch): Verification | undefined {
  const { isTransactional, isControl, producerId, producerEpoch, baseSequence } = batch;
  if (!isTransactional || isControl) return undefined;
  return log.startVerification(producerId, producerEpoch, baseSequence);
}

/** Appends values as one batch; returns whether a segment was rolled for it. */
export function appendRolls(
  log: Log,
  values: readonly (string | TestRecord)[],
  options: Partial<AppendOptions> & RecordBatchBuilderOptions = {},
): boolean {
  const { length } = log.segments;
  append(log, values, options);
  return log.segments.length > length;
}

/** Applies the retention settings of all logs that are in service. */
export async function applyRetention(directory: LogDirectory, nowMs: number): Promise<void> {
  for (const log of Array.from(directory.logs)) {
    if (!log.isClosed && log.offlineError === undefined) await log.applyRetention(nowMs);
  }
}

/** Opens a data folder, by default `/data`. */
export function openDirectory(
  fs: FileSystem,
  options: Partial<LogDirectoryOptions> & { config?: Partial<LogConfig>; path?: string } = {},
): Promise<LogDirectory> {
  const { config, path = "/data", ...rest } = options;
  return LogDirectory.open(fs, path, {
    nowMs: NOW_MS,
    configOf: () => configOf(config),
    ...rest,
  });
}

/** Kafka's defaults with some settings replaced. */
export function configOf(config: Partial<LogConfig> = {}): LogConfig {
  return { ...DEFAULT_LOG_CONFIG, ...config };
}

/** What a test's log is opened with. */
export interface LogSetting {
  readonly fs?: FileSystem;
  readonly batchCacheBytes?: number;
  readonly config?: Partial<LogConfig>;
}

/** Runs a test with a new log, once with the batch cache and once without. */
export async function withLog(
  setting: LogSetting,
  test: (log: Log, directory: LogDirectory) => Promise<void> | void,
): Promise<void> {
  for (
    const batchCacheBytes of setting.batchCacheBytes === undefined
      ? [0, 1 << 20]
      : [setting.batchCacheBytes]
  ) {
    const fs = setting.fs ?? new MemoryFileSystem();
    await using directory = await openDirectory(fs, { batchCacheBytes });
    const config = configOf(setting.config);
    await test(directory.create("orders-3", { nowMs: NOW_MS, config }), directory);
  }
}

/** A record read back. */
export interface ReadRecord {
  readonly offset: number;
  readonly value: string;
}

/** The records of batches, from an offset on. */
export function recordsOf(chunks: readonly Uint8Array[], fromOffset = 0): ReadRecord[] {
  const records: ReadRecord[] = [];
  for (const chunk of chunks) {
    for (let position = 0; position < chunk.length;) {
      const batch = new RecordBatch(chunk, position);
      batch.ensureValid();
      for (const { offset, value } of batch.records()) {
        if (offset >= fromOffset) {
          records.push({ offset, value: new TextDecoder().decode(value ?? new Uint8Array()) });
        }
      }
      position += batch.sizeInBytes;
    }
  }
  return records;
}

/** All records of a log from an offset on, read `maxBytes` at a time. */
export async function readAll(
  log: Log,
  fromOffset: number = log.logStartOffset,
  maxBytes = 1 << 20,
): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  for (let offset = fromOffset; offset < log.logEndOffset;) {
    const { chunks, nextOffset, release } = await log.read(offset, { maxBytes });
    if (chunks.length === 0) break;
    records.push(...recordsOf(chunks, offset));
    release?.();
    offset = nextOffset;
  }
  return records;
}
