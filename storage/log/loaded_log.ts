/**
 * What is known of a log before it is opened, and what is found then.
 *
 * @module
 */

import type { LeaderEpochCache } from "./leader_epoch_cache.ts";
import type { LogLoss } from "../segment/lost_records.ts";
import type { Milliseconds, ProducerStateManager } from "./producer_state.ts";
import type { Segment } from "../segment/segment.ts";
import type { ClosedSegment } from "../segment/segment_checkpoint.ts";

/** What is known of a log from the checkpoints of its data folder. */
export interface LoadOptions {
  /** Its segments as they were when it was closed, if it was in good order. */
  readonly closed?: readonly ClosedSegment[] | undefined;
  /** Whether the log was closed in good order at its recovery point. */
  readonly isClean: boolean;
  /** Batches before this offset need no checking. Nothing if that is not known, since it was lost. */
  readonly recoveryPoint: number | undefined;
  readonly logStartOffset: number;
  readonly indexIntervalBytes: number;
  readonly producerIdExpirationMs: Milliseconds;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** What recovery did to a log. */
export interface LogRecovery {
  /** The recovery point: batches from here on were checked, and may not be on disk. */
  readonly fromOffset: number;
  /** Bytes of batches that were checked. */
  readonly scannedBytes: number;
  /** Bytes that were cut off. */
  readonly truncatedBytes: number;
  /** Why they were, if any were. */
  readonly problem: string | undefined;
  readonly logEndOffset: number;
}

/** A log as it was found. */
export interface LoadedLog {
  /** At least one, sorted. */
  readonly segments: readonly Segment[];
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** Offsets of the producer snapshot files. */
  readonly snapshots: readonly number[];
  /** The rest is there if it had to be worked out; else it can be loaded when it is needed. */
  readonly producers: ProducerStateManager | undefined;
  readonly epochs: LeaderEpochCache | undefined;
  readonly recovery: LogRecovery | undefined;
  /** What was found that is not as it was, or as it should be. */
  readonly losses: readonly LogLoss[];
}
