/**
 * Appending batches to a log: how it is asked for, what it comes to, and the offsets it gives.
 *
 * @module
 */

import type { RecordBatch } from "../../protocol/records/mod.ts";
import { InvalidRecordError, RecordBatchTooLargeError } from "../errors.ts";
import type { AppendOrigin } from "./producer_state.ts";

/** How to append. */
export interface AppendOptions {
  /** The epoch of the leader that appends; batches of a replica have theirs already. */
  readonly leaderEpoch: number;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Whose batches they are. Default: `client`. Those of `replication` keep their offsets. */
  readonly origin?: AppendOrigin | undefined;
}

/** What an append came to. */
export interface AppendInfo {
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** The time all records got, or -1 if they keep the producer's. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  /** Whether the batch was written before, at these offsets, and not again now. */
  readonly isDuplicate: boolean;
  /** Whether a new segment was begun. */
  readonly rolled: boolean;
}

/**
 * Checks that `batches` are all of `bytes`, and fit in a segment.
 *
 * @param log Name of the log, for messages.
 * @throws {RecordBatchTooLargeError} If they do not fit.
 * @throws {InvalidRecordError} If there are none, or other bytes than theirs.
 */
export function checkBatches(
  log: string,
  batches: readonly RecordBatch[],
  bytes: Uint8Array,
  segmentBytes: number,
): void {
  if (bytes.length > segmentBytes) {
    throw new RecordBatchTooLargeError(
      `Cannot append to "${log}": ${bytes.length} bytes are appended at once, segment.bytes is ${segmentBytes}`,
    );
  }
  let size = 0;
  for (const batch of batches) {
    size += batch.sizeInBytes;
    if (batch.lastOffsetDelta >= 0) continue;
    throw new InvalidRecordError(
      `Cannot append to "${log}": last offset delta is ${batch.lastOffsetDelta}`,
    );
  }
  if (size === 0 || size !== bytes.length) {
    throw new InvalidRecordError(
      `Cannot append to "${log}": whole batches are ${size} of ${bytes.length} bytes`,
    );
  }
}

/** Gives batches the offsets from `offset` on, and the leader's epoch, in their bytes. */
export function assignOffsets(
  batches: readonly RecordBatch[],
  offset: number,
  leaderEpoch: number,
): void {
  let next = offset;
  for (const batch of batches) {
    batch.baseOffset = next;
    batch.partitionLeaderEpoch = leaderEpoch;
    next += batch.lastOffsetDelta + 1;
  }
}

/**
 * Checks that the offsets batches have begin at `offset` or later, and grow.
 *
 * @throws {InvalidRecordError} If they do not.
 */
export function checkOffsets(log: string, batches: readonly RecordBatch[], offset: number): void {
  let next = offset;
  for (const batch of batches) {
    if (batch.baseOffset < next) {
      throw new InvalidRecordError(
        `Cannot append to "${log}": batch begins at offset ${batch.baseOffset}, the next is ${next}`,
      );
    }
    next = batch.nextOffset;
  }
}
