/**
 * Which whole batches of some bytes a read returns: from a requested offset on, as many as fit.
 *
 * Empty batches, which compaction keeps for producer state, are left out at the start and end, except
 * for replicas: some clients cannot continue after a response that ends with one.
 *
 * @module
 */

import { BatchCursor } from "./batch_cursor.ts";

/** The limits of a read. */
export interface ReadLimits {
  /** The requested offset: batches that end before it are skipped. */
  readonly offset: number;
  /** Maximum size of the batches together, in bytes. */
  readonly maxBytes: number;
  /** Exclusive upper bound of offsets. */
  readonly maxOffset: number;
  /** Whether to return the first batch even if it is larger than `maxBytes` (KIP-74). */
  readonly minOneBatch: boolean;
  /** Whether to keep empty batches at the start and end. */
  readonly withEmptyBatches?: boolean | undefined;
}

/** A range of bytes with whole batches. */
export interface FittingBatches {
  /** Start of the first batch, or the end of the bytes if all batches end before the offset. */
  readonly position: number;
  /** End of the last batch; equal to `position` if none fits. */
  readonly endPosition: number;
  /** The offset after the last batch, or the requested offset if there is none. */
  readonly nextOffset: number;
}

/**
 * Selects the batches of a read.
 *
 * @param bytes Whole batches. A part of one may follow them.
 * @param size Size of the whole batches.
 */
export function fittingBatches(
  bytes: Uint8Array,
  size: number,
  limits: ReadLimits,
): FittingBatches {
  const { offset, maxBytes, maxOffset, minOneBatch, withEmptyBatches = false } = limits;
  const cursor = new BatchCursor(bytes);
  const isKept = () => withEmptyBatches || cursor.recordCount !== 0;
  while (cursor.position < size && (cursor.lastOffset < offset || !isKept())) {
    cursor.position += cursor.sizeInBytes;
  }
  const { position } = cursor;
  let endPosition = position;
  let nextOffset = offset;
  while (cursor.position < size) {
    const end = cursor.position + cursor.sizeInBytes;
    const batchEnd = cursor.nextOffset;
    if (batchEnd > maxOffset) break;
    if (end - position > maxBytes && !(minOneBatch && cursor.position === position)) break;
    if (isKept()) {
      endPosition = end;
      nextOffset = batchEnd;
    }
    cursor.position = end;
  }
  return { position, endPosition, nextOffset };
}
