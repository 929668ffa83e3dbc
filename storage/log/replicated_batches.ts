/**
 * The checks of batches that a follower copies from the leader's log, before it appends them.
 *
 * The leader assigned offsets and epochs and checked everything a producer may get wrong, so none of
 * that is checked again. What is checked is that the bytes arrived intact, and that appending them
 * keeps the invariants of a log: offsets ascend, and epochs do not fall.
 *
 * @module
 */

import type { RecordBatch } from "../../protocol/records/mod.ts";
import {
  InvalidRecordError,
  UnexpectedAppendOffsetError,
  UnexpectedLeaderEpochError,
} from "../errors.ts";

/** How to append batches of a leader's log. */
export interface ReplicatedAppendOptions {
  /**
   * The epoch of the leader that the batches are from, which theirs must not exceed: an answer of an
   * older leader must not be appended.
   */
  readonly leaderEpoch: number;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** The result of appending batches of a leader's log. */
export interface ReplicatedAppendInfo {
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** Size of the appended batches. */
  readonly sizeInBytes: number;
}

/** The log that batches are appended to. */
export interface ReplicatedLog {
  readonly name: string;
  /** The lowest offset that the first batch may have. */
  readonly nextOffset: number;
  /** The latest epoch in the log, or -1. */
  readonly latestEpoch: number;
}

/**
 * Checks batches that are about to be appended, in order.
 *
 * @param leaderEpoch The largest epoch that a batch may have.
 * @throws {CorruptRecordError} If a CRC is wrong.
 * @throws {InvalidRecordError} If there are no batches, or one has an impossible offset.
 * @throws {UnexpectedAppendOffsetError} If a batch begins before the end of the one before.
 * @throws {UnexpectedLeaderEpochError} If the epoch of a batch is lower than that of the one before,
 *   or exceeds `leaderEpoch`.
 */
export function checkReplicatedBatches(
  { name, nextOffset, latestEpoch }: ReplicatedLog,
  batches: readonly RecordBatch[],
  leaderEpoch: number,
): void {
  if (batches.length === 0) {
    throw new InvalidRecordError(`Cannot append to "${name}": there is no whole batch`);
  }
  let next = nextOffset;
  let epoch = latestEpoch;
  for (const batch of batches) {
    batch.ensureValid();
    const { baseOffset, lastOffsetDelta, partitionLeaderEpoch } = batch;
    if (lastOffsetDelta < 0 || baseOffset < 0 || !Number.isSafeInteger(batch.nextOffset)) {
      throw new InvalidRecordError(
        `Cannot append to "${name}": batch begins at offset ${baseOffset}, last offset delta is ${lastOffsetDelta}`,
      );
    }
    if (baseOffset < next) throw new UnexpectedAppendOffsetError(name, baseOffset, next);
    if (partitionLeaderEpoch < epoch || partitionLeaderEpoch > leaderEpoch) {
      throw new UnexpectedLeaderEpochError(
        `Cannot append to "${name}": batch at offset ${baseOffset} has leader epoch ${partitionLeaderEpoch}, ` +
          `the one before has ${epoch}, the leader has ${leaderEpoch}`,
      );
    }
    next = batch.nextOffset;
    epoch = partitionLeaderEpoch;
  }
}
