/**
 * Settings of a log, with Kafka's meanings and defaults; each names Kafka's topic setting.
 *
 * @module
 */

import type { CompressionType } from "../../protocol/compression/mod.ts";
import { INT64_MAX } from "../../protocol/primitives/int64.ts";

/** How a log grows, what it takes and what it keeps. */
export interface LogConfig {
  /** `segment.bytes`: a segment is rolled before it exceeds this. */
  readonly segmentBytes: number;
  /** `segment.ms`: a segment is rolled when the next batch is this much later than its first. */
  readonly segmentMs: number;
  /** `segment.jitter.ms`: up to this is taken off `segmentMs` at random, so that not all roll at once. */
  readonly segmentJitterMs: number;
  /** `segment.index.bytes`: a segment is rolled when an index has this size. */
  readonly segmentIndexBytes: number;
  /** `index.interval.bytes`: bytes between two index entries. */
  readonly indexIntervalBytes: number;
  /** `preallocate`: whether the file of a new segment has `segmentBytes` from the start. */
  readonly preallocate: boolean;
  /** `retention.bytes`: oldest segments are deleted while the log is larger; -1: no limit. */
  readonly retentionBytes: number;
  /** `retention.ms`: segments whose last record is older are deleted; -1: no limit. */
  readonly retentionMs: number;
  /** `file.delete.delay.ms`: how long files stay, renamed, once they are deleted. */
  readonly fileDeleteDelayMs: number;
  /** `max.message.bytes`: the largest batch that is taken. */
  readonly maxMessageBytes: number;
  /** `record.validation`: whether the records of a batch are walked over, or its header is believed. */
  readonly recordValidation: "full" | "header";
  /** `compression.type`: how batches are compressed; `undefined` for as their producer did. */
  readonly compression: CompressionType | undefined;
  /** `compression.gzip.level` and the like, of the codec that `compression` names. */
  readonly compressionLevel: number | undefined;
  /** `message.timestamp.type`: whose clock gives records their timestamps. */
  readonly messageTimestampType: "CreateTime" | "LogAppendTime";
  /** `message.timestamp.before.max.ms`: how far behind now a timestamp may be. */
  readonly messageTimestampBeforeMaxMs: number;
  /** `message.timestamp.after.max.ms`: how far ahead of now a timestamp may be. */
  readonly messageTimestampAfterMaxMs: number;
  /** `cleanup.policy`: `delete` by retention, `compact` by key. */
  readonly cleanupPolicy: readonly ("delete" | "compact")[];
  /** `min.cleanable.dirty.ratio`: the part of a log not yet compacted above which it is, 0 to 1. */
  readonly minCleanableDirtyRatio: number;
  /** `min.compaction.lag.ms`: how long a record is kept from being compacted. */
  readonly minCompactionLagMs: number;
  /** `max.compaction.lag.ms`: how long a record may wait for it, whatever the ratio. */
  readonly maxCompactionLagMs: number;
  /** `delete.retention.ms`: how long a tombstone is kept once compaction has found it. */
  readonly deleteRetentionMs: number;
  /** `flush.messages`: unsynced records after which a flush is due. */
  readonly flushMessages: number;
  /** `flush.ms`: time after which unsynced records are due to be flushed. */
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

/** The size that the file of a new segment is created with. */
export function newFileSize({ preallocate, segmentBytes }: LogConfig): number {
  return preallocate ? segmentBytes : 0;
}
