/**
 * The results of verification.
 *
 * @module
 */

import type { DamagedRange } from "../segment/batch_walk.ts";
import type { EpochAndOffset } from "../log/leader_epoch_cache.ts";

/** A problem of a file. */
export interface Finding {
  readonly path: string;
  /** The position in the file, if it has one. */
  readonly position?: number | undefined;
  readonly problem: string;
}

/** Offsets without records, and the damaged bytes in their place, if any. */
export interface Hole extends DamagedRange {
  /** The leader epoch of the batch before it, or -1. */
  readonly leaderEpoch: number;
}

/** A batch with an impossible leader epoch. */
export interface WrongEpoch {
  readonly path: string;
  /** The position of the batch in the file. */
  readonly position: number;
  /** The correct epoch. */
  readonly leaderEpoch: number;
}

/** The result of verifying a segment. */
export interface SegmentReport {
  readonly baseOffset: number;
  readonly path: string;
  readonly sizeInBytes: number;
  /** In order. */
  readonly holes: readonly Hole[];
  /** Whether an index is missing or disagrees with the batches. */
  readonly hasWrongIndex: boolean;
  /** Whether the transaction index disagrees with the batches. */
  readonly hasWrongTransactionIndex: boolean;
  /** Whether the file is missing. */
  readonly isMissing: boolean;
}

/** A log without a folder. */
export interface MissingLog {
  readonly name: string;
  /** Path of the missing folder. */
  readonly folder: string;
  /** Its log start offset, according to the checkpoints. */
  readonly logStartOffset: number;
  /** Its end offset, according to the checkpoints. */
  readonly recoveryPoint: number;
  /** The id of its topic, if it is known. */
  readonly topicId: string | undefined;
  /** Whether more than one file lists it: a single one may be damaged. */
  readonly isCertain: boolean;
}

/** The result of verifying a log. */
export interface PartitionReport {
  /** Name of the log, for instance `orders-3`. */
  readonly name: string;
  readonly folder: string;
  readonly findings: readonly Finding[];
  readonly segments: readonly SegmentReport[];
  /** Paths of the files of segments that did not exist when the log was closed. */
  readonly strays: readonly string[];
  readonly batchCount: number;
  readonly recordCount: number;
  /** The end offset of the valid batches. */
  readonly logEndOffset: number;
  readonly wrongEpochs: readonly WrongEpoch[];
  /** Paths of unusable files other than segments and indexes. */
  readonly wrongFiles: readonly string[];
  /** The topic id that `partition.metadata` must have, if it has another. */
  readonly topicId: string | undefined;
  /** The leader epochs of the batches, if the file with them is wrong. */
  readonly epochs: readonly EpochAndOffset[] | undefined;
}
