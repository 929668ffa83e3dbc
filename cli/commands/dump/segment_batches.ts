/**
 * Goes through the batches of a segment file, past what is damaged.
 *
 * A batch says how long it is. Where that cannot be right there is no next batch to go to, so bytes are
 * searched for something that is a batch to the last bit: its CRC is right.
 *
 * @module
 */

import {
  CorruptRecordError,
  RECORD_BATCH_OVERHEAD,
  RecordBatch,
  sizeOfBatchAt,
} from "../../../protocol/records/mod.ts";
import { messageOf } from "../../errors.ts";
import type { FileWindow } from "./file_window.ts";

const MAGIC = 2;
const MAGIC_POSITION = 16;
/** Searching byte by byte, this many are looked at in one view. */
const SEARCH_BYTES = 1 << 20;

/** A batch, or bytes that are none. */
export type SegmentPart =
  | { readonly position: number; readonly batch: RecordBatch; readonly problem?: string }
  | { readonly position: number; readonly size: number; readonly problem: string };

/**
 * The batches of a segment file in order, and what is damaged between them. A batch is good until the
 * next is asked for.
 */
export function* segmentBatches(file: FileWindow): Generator<SegmentPart, void, void> {
  let position = 0;
  while (position < file.size) {
    const found = batchAt(file, position);
    if (found instanceof RecordBatch) {
      const problem = problemOf(found);
      yield problem === undefined
        ? { position, batch: found }
        : { position, batch: found, problem };
      position += found.sizeInBytes;
    } else {
      const next = searchBatch(file, position + 1) ?? file.size;
      yield { position, size: next - position, problem: found };
      position = next;
    }
  }
}

/** The batch at a position, or why there is none. */
function batchAt(file: FileWindow, position: number): RecordBatch | string {
  const left = file.size - position;
  const header = file.view(position, RECORD_BATCH_OVERHEAD);
  if (header.length < RECORD_BATCH_OVERHEAD) {
    return `the file ends within the header of a batch, after ${left} of ${RECORD_BATCH_OVERHEAD} bytes`;
  }
  try {
    const size = sizeOfBatchAt(header, 0)!;
    if (size > left) return `a batch of ${size} bytes begins here, the file ends after ${left}`;
    return new RecordBatch(file.view(position, size));
  } catch (error) {
    return withoutPlace(messageOf(error));
  }
}

function problemOf(batch: RecordBatch): string | undefined {
  try {
    batch.ensureValid();
    return undefined;
  } catch (error) {
    if (error instanceof CorruptRecordError) return withoutPlace(error.message);
    throw error;
  }
}

/** Positions are in the column beside it, and those of errors count from the batch. */
function withoutPlace(message: string): string {
  return message.replace(/^Cannot [^:]*: /, "");
}

/** Where the next batch begins whose CRC is right. */
function searchBatch(file: FileWindow, from: number): number | undefined {
  const last = file.size - RECORD_BATCH_OVERHEAD;
  for (let start = from; start <= last; start += SEARCH_BYTES) {
    const bytes = file.view(start + MAGIC_POSITION, Math.min(SEARCH_BYTES, last - start + 1))
      .slice();
    for (let at = bytes.indexOf(MAGIC); at !== -1; at = bytes.indexOf(MAGIC, at + 1)) {
      const found = batchAt(file, start + at);
      if (found instanceof RecordBatch && problemOf(found) === undefined) return start + at;
    }
  }
  return undefined;
}
