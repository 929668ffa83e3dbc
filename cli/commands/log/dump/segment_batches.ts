/**
 * Iterates over the batches of a segment file, and continues after damage. A damaged batch is still
 * a batch if its size is right.
 *
 * @module
 */

import {
  CorruptRecordError,
  LOG_OVERHEAD,
  RECORD_BATCH_OVERHEAD,
  RecordBatch,
  UnsupportedRecordFormatError,
} from "../../../../protocol/records/mod.ts";
import { BATCH_LENGTH_POSITION } from "../../../../protocol/records/record_batch.ts";
import { BatchWalk } from "../../../../storage/segment/batch_walk.ts";
import type { FileWindow } from "../../../../storage/file_system/file_window.ts";

/** A batch, or bytes that are not a batch. */
export type SegmentPart =
  | { readonly position: number; readonly batch: RecordBatch; readonly problem?: string }
  | { readonly position: number; readonly size: number; readonly problem: string }
  | { readonly position: number; readonly size: number; readonly isPreallocated: true };

/** Fewer zeros than this at the end of a file may be the end of a torn batch. */
const MIN_PREALLOCATED = RECORD_BATCH_OVERHEAD;

const STEP_BYTES = 1 << 20;

/**
 * Yields the batches of a segment file in order, and the damaged bytes between them. A batch is
 * valid until the next one is requested.
 *
 * @param baseOffset Minimum offset of a batch in the file.
 * @param isActive Whether it is the last segment of its log, whose file may end with the space of
 *   `preallocate`: zeros, until the next roll, clean shutdown or start.
 */
export function* segmentBatches(
  file: FileWindow,
  baseOffset: number,
  isActive: boolean,
): Generator<SegmentPart, void, void> {
  const walk = new BatchWalk(file, {
    position: 0,
    endPosition: file.size,
    nextOffset: baseOffset,
    endOffset: Infinity,
  });
  while (walk.next()) {
    const { position, damage } = walk;
    if (damage === undefined) {
      yield { position, batch: walk.batch() };
      continue;
    }
    const { problem, endPosition } = damage;
    const batch = batchIn(file, position, endPosition);
    if (batch !== undefined) {
      yield { position, batch, problem };
      continue;
    }
    let dataEnd = endPosition;
    if (isActive && endPosition === file.size) dataEnd = endOfData(file, position);
    if (endPosition - dataEnd < MIN_PREALLOCATED) dataEnd = endPosition;
    if (dataEnd > position) yield { position, size: dataEnd - position, problem };
    if (dataEnd < endPosition) {
      yield { position: dataEnd, size: endPosition - dataEnd, isPreallocated: true };
    }
  }
}

/** The start of the zeros at the end of a file, at `position` or later. */
function endOfData(file: FileWindow, position: number): number {
  let end = position;
  for (let at = position; at < file.size; at += STEP_BYTES) {
    const last = file.view(at, STEP_BYTES).findLastIndex((byte) => byte !== 0);
    if (last >= 0) end = at + last + 1;
  }
  return end;
}

/** The batch in a range of a file, if the range is exactly one batch. */
function batchIn(file: FileWindow, position: number, endPosition: number): RecordBatch | undefined {
  const size = endPosition - position;
  if (size < RECORD_BATCH_OVERHEAD) return undefined;
  const header = file.view(position, LOG_OVERHEAD);
  const length = new DataView(header.buffer, header.byteOffset).getInt32(BATCH_LENGTH_POSITION);
  return LOG_OVERHEAD + length === size ? batchOf(file.view(position, size)) : undefined;
}

/** The batch in `bytes`, if they are exactly one batch. */
function batchOf(bytes: Uint8Array): RecordBatch | undefined {
  try {
    const batch = new RecordBatch(bytes);
    return batch.sizeInBytes === bytes.length ? batch : undefined;
  } catch (error) {
    const isNone = error instanceof CorruptRecordError ||
      error instanceof UnsupportedRecordFormatError;
    if (isNone) return undefined;
    throw error;
  }
}
