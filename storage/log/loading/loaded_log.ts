/**
 * What is known of a log before it is opened, and the result of loading it.
 *
 * @module
 */

import { LeaderEpochCache } from "../leader_epoch_cache.ts";
import type { LogLoss } from "../../segment/lost_records.ts";
import type { Milliseconds, ProducerStateManager } from "../producers/producer_state_manager.ts";
import type { Segment } from "../../segment/segment.ts";
import type { ClosedSegment } from "../../segment/segment_checkpoint.ts";

/** What the checkpoints of the data folder say about a log. */
export interface LoadOptions {
  /** Its segments at the last clean shutdown, if they are known. */
  readonly closed?: readonly ClosedSegment[] | undefined;
  /** Whether the log was closed cleanly, with its recovery point at the end. */
  readonly isClean: boolean;
  /** Batches before this offset need no check. `undefined` if it is lost. */
  readonly recoveryPoint: number | undefined;
  readonly logStartOffset: number;
  readonly indexIntervalBytes: number;
  readonly producerIdExpirationMs: Milliseconds;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** The result of a log's recovery. */
export interface LogRecovery {
  /** The recovery point: batches from here on were checked, and may not have been on disk. */
  readonly fromOffset: number;
  /** Size of the batches that were checked, in bytes. */
  readonly scannedBytes: number;
  /** Size of what was cut off, in bytes. */
  readonly truncatedBytes: number;
  /** Why it was cut off, if anything was. */
  readonly problem: string | undefined;
  readonly logEndOffset: number;
}

/** A log as loaded from its files. */
export interface LoadedLog {
  /** At least one, in order. */
  readonly segments: readonly Segment[];
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** Offsets of the producer snapshot files. */
  readonly snapshots: readonly number[];
  /** Present if recovery had to rebuild it, like `epochs`; otherwise it is loaded on demand. */
  readonly producers: ProducerStateManager | undefined;
  readonly epochs: LeaderEpochCache | undefined;
  readonly recovery: LogRecovery | undefined;
  /** Losses and damage that were found. */
  readonly losses: readonly LogLoss[];
}

/** A new log, with its first segment. */
export function emptyLog(segment: Segment): LoadedLog {
  return {
    segments: [segment],
    logStartOffset: 0,
    logEndOffset: 0,
    snapshots: [],
    producers: undefined,
    epochs: new LeaderEpochCache(),
    recovery: undefined,
    losses: [],
  };
}
