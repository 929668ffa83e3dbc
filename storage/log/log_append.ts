/**
 * Options and result of an append to a log, and the checks and offsets of its batches.
 *
 * @module
 */

import type { RecordBatch } from "../../protocol/records/mod.ts";
import { InvalidRecordError, RecordBatchTooLargeError } from "../errors.ts";
import type { AppendOrigin } from "./producers/producer_state_manager.ts";
import type { Verification } from "./producers/transaction_verifications.ts";

/** How to append. */
export interface AppendOptions {
  /** The epoch of the appending leader. */
  readonly leaderEpoch: number;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** The source of the batches. Default: `client`. */
  readonly origin?: AppendOrigin | undefined;
  /**
   * What `Log.startVerification` returned before the transaction coordinator was asked about the batch.
   * Required of a batch that opens a transaction.
   */
  readonly verification?: Verification | undefined;
  /**
   * Whether the batch, of records or a marker, is of a transaction of version 2, with an epoch of its own
   * (KIP-890). Default: false.
   */
  readonly isTransactionV2?: boolean | undefined;
}

/** The result of an append. */
export interface AppendInfo {
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** The timestamp of all records, or -1 if they have the producer's timestamps. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  /** Whether the batch had been appended before, at these offsets, and was not appended again. */
  readonly isDuplicate: boolean;
}

/**
 * Checks that `batches` make up all of `bytes` and fit in a segment.
 *
 * @param log Name of the log, for messages.
 * @throws {RecordBatchTooLargeError} If they do not fit.
 * @throws {InvalidRecordError} If there are none, or there are other bytes.
 */
export function checkBatches(
  log: string,
  batches: readonly RecordBatch[],
  bytes: Uint8Array,
  segmentBytes: number,
): void {
  if (bytes.length > segmentBytes) {
    throw new RecordBatchTooLargeError(
      `Cannot append to "${log}": batches are ${bytes.length} bytes, segment.bytes is ${segmentBytes}`,
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

/** Writes offsets from `offset` on, and the leader epoch, into the batches. */
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
