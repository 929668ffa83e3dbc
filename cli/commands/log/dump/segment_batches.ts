/**
 * Iterates over the batches of a segment file, and continues after damage. A damaged batch is still
 * a batch if its size is right.
 *
 * @module
 */

import {
  CorruptRecordError,
  RecordBatch,
  UnsupportedRecordFormatError,
} from "../../../../protocol/records/mod.ts";
import { BatchWalk } from "../../../../storage/segment/batch_walk.ts";
import type { FileWindow } from "../../../../storage/file_system/file_window.ts";

/** A batch, or bytes that are not a batch. */
export type SegmentPart =
  | { readonly position: number; readonly batch: RecordBatch; readonly problem?: string }
  | { readonly position: number; readonly size: number; readonly problem: string };

/**
 * Yields the batches of a segment file in order, and the damaged bytes between them. A batch is
 * valid until the next one is requested.
 *
 * @param baseOffset Minimum offset of a batch in the file.
 */
export function* segmentBatches(
  file: FileWindow,
  baseOffset: number,
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
    const { problem } = damage;
    const size = damage.endPosition - position;
    const batch = batchOf(file.view(position, size));
    yield batch === undefined ? { position, size, problem } : { position, batch, problem };
  }
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
