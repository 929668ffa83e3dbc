/**
 * Goes through the batches of a segment file, past what is damaged. A damaged batch is still one if it
 * is as large as it says.
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

/** A batch, or bytes that are none. */
export type SegmentPart =
  | { readonly position: number; readonly batch: RecordBatch; readonly problem?: string }
  | { readonly position: number; readonly size: number; readonly problem: string };

/**
 * The batches of a segment file in order, and what is damaged between them. A batch is good until the
 * next is asked for.
 *
 * @param baseOffset the first offset that may be there
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

/** The batch that bytes are, if they are one and no more. */
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
