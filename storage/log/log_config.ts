/**
 * Settings of a log, with the meanings and defaults of Kafka's topic settings.
 *
 * @module
 */

import type { CompressionType } from "../../protocol/compression/mod.ts";
import { INT64_MAX } from "../../protocol/primitives/int64.ts";

/** Settings of one log. */
export interface LogConfig {
  /** `segment.bytes`: a segment is rolled before it exceeds this. */
  readonly segmentBytes: number;
  /**
   * `segment.ms`: a segment is rolled when the next batch is this much later than its first batch.
   */
  readonly segmentMs: number;
  /**
   * `segment.jitter.ms`: maximum random reduction of `segmentMs`, so that logs roll at different
   * times.
   */
  readonly segmentJitterMs: number;
  /** `segment.index.bytes`: a segment is rolled when an index reaches this size. */
  readonly segmentIndexBytes: number;
  /** `index.interval.bytes`: bytes between two index entries. */
  readonly indexIntervalBytes: number;
  /** `preallocate`: whether the file of a new segment is created with `segmentBytes`. */
  readonly preallocate: boolean;
  /** `retention.bytes`: the oldest segments are deleted while the log is larger; -1: no limit. */
  readonly retentionBytes: number;
  /** `retention.ms`: segments whose last record is older are deleted; -1: no limit. */
  readonly retentionMs: number;
  /** `file.delete.delay.ms`: how long renamed files are kept after deletion. */
  readonly fileDeleteDelayMs: number;
  /** `max.message.bytes`: the largest accepted batch. */
  readonly maxMessageBytes: number;
  /** `record.validation`: whether the records of a batch are checked, or only its header. */
  readonly recordValidation: "full" | "header";
  /** `compression.type`: the compression of batches; `undefined` to keep that of the producer. */
  readonly compression: CompressionType | undefined;
  /** `compression.gzip.level`, `.lz4.level` or `.zstd.level`, for the codec of `compression`. */
  readonly compressionLevel: number | undefined;
  /** `message.timestamp.type`: whether timestamps are the producer's or the time of the append. */
  readonly messageTimestampType: "CreateTime" | "LogAppendTime";
  /** `message.timestamp.before.max.ms`: how far in the past a timestamp may be. */
  readonly messageTimestampBeforeMaxMs: number;
  /** `message.timestamp.after.max.ms`: how far in the future a timestamp may be. */
  readonly messageTimestampAfterMaxMs: number;
  /** `cleanup.policy`: `delete` by retention, `compact` by key. */
  readonly cleanupPolicy: readonly ("delete" | "compact")[];
  /**
   * `min.cleanable.dirty.ratio`: the uncompacted part of a log from which on it is compacted, 0 to
   * 1.
   */
  readonly minCleanableDirtyRatio: number;
  /** `min.compaction.lag.ms`: minimum age of a record before compaction. */
  readonly minCompactionLagMs: number;
  /**
   * `max.compaction.lag.ms`: maximum age of a record before compaction, regardless of the ratio.
   */
  readonly maxCompactionLagMs: number;
  /** `delete.retention.ms`: how long a tombstone is kept after its first compaction. */
  readonly deleteRetentionMs: number;
  /** `flush.messages`: number of unflushed records after which a flush is due. */
  readonly flushMessages: number;
  /** `flush.ms`: age of unflushed records after which a flush is due. */
  readonly flushMs: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Kafka's defaults. */
export const DEFAULT_LOG_CONFIG: LogConfig = Object.freeze({
  segmentBytes: 1 << 30,
  segmentMs: 7 * DAY_MS,
  segmentJitterMs: 0,
  segmentIndexBytes: 10 << 20,
  indexIntervalBytes: 4096,
  preallocate: false,
  retentionBytes: -1,
  retentionMs: 7 * DAY_MS,
  fileDeleteDelayMs: 60_000,
  maxMessageBytes: 1_048_588,
  recordValidation: "full",
  compression: undefined,
  compressionLevel: undefined,
  messageTimestampType: "CreateTime",
  messageTimestampBeforeMaxMs: INT64_MAX,
  messageTimestampAfterMaxMs: 60 * 60 * 1000,
  cleanupPolicy: Object.freeze(["delete" as const]),
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: INT64_MAX,
  deleteRetentionMs: DAY_MS,
  flushMessages: INT64_MAX,
  flushMs: INT64_MAX,
});

/** The initial file size of a new segment. */
export function newFileSize({ preallocate, segmentBytes }: LogConfig): number {
  return preallocate ? segmentBytes : 0;
}
