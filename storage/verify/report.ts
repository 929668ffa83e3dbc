/**
 * What verification has found.
 *
 * @module
 */

import type { DamagedRange } from "../segment/batch_walk.ts";
import type { EpochAndOffset } from "../log/leader_epoch_cache.ts";

/** Something that is wrong with a file. */
export interface Finding {
  readonly path: string;
  /** Where in the file, if it is in one place. */
  readonly position?: number | undefined;
  readonly problem: string;
}

/** Offsets that have no records, with the damaged bytes in their place, which may be none. */
export interface Hole extends DamagedRange {
  /** The leader epoch of the batch before, or -1. */
  readonly leaderEpoch: number;
}

/** A batch with a leader epoch that cannot be. */
export interface WrongEpoch {
  readonly path: string;
  /** Where the batch is in the file. */
  readonly position: number;
  /** The epoch it must have. */
  readonly leaderEpoch: number;
}

/** A segment as it was found. */
export interface SegmentReport {
  readonly baseOffset: number;
  readonly path: string;
  readonly sizeInBytes: number;
  /** In order. */
  readonly holes: readonly Hole[];
  /** Whether an index is missing or has something that the batches do not. */
  readonly hasWrongIndex: boolean;
  /** Whether the file is not there, though it was. */
  readonly isMissing: boolean;
}

/** A log that has no folder. */
export interface MissingLog {
  readonly name: string;
  /** Path of the folder that it should have. */
  readonly folder: string;
  /** Its records were from here on, by the checkpoints. */
  readonly logStartOffset: number;
  /** And up to here. */
  readonly recoveryPoint: number;
  /** The topic that it belongs to, if that is known. */
  readonly topicId: string | undefined;
  /** Whether there must have been one, by more than one file, of which each may be damaged. */
  readonly isCertain: boolean;
}

/** A log as it was found. */
export interface PartitionReport {
  /** Name of the log, as `orders-3`. */
  readonly name: string;
  readonly folder: string;
  readonly findings: readonly Finding[];
  readonly segments: readonly SegmentReport[];
  /** Paths of segments that were not there when the log was closed, with those of their indexes. */
  readonly strays: readonly string[];
  readonly batchCount: number;
  readonly recordCount: number;
  /** Where the sound batches end. */
  readonly logEndOffset: number;
  readonly wrongEpochs: readonly WrongEpoch[];
  /** Paths of small files that cannot be used. */
  readonly wrongFiles: readonly string[];
  /** What `partition.metadata` must say, if it does not. */
  readonly topicId: string | undefined;
  /** The leader epochs as the batches have them, if the file with them is wrong. */
  readonly epochs: readonly EpochAndOffset[] | undefined;
}
