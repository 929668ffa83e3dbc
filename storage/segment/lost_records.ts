/**
 * The placeholder for lost records in a segment: a batch header with their offsets, a CRC that is
 * wrong on purpose, and a line of text. Every reader of segments treats it as damage: fetches of
 * the offsets fail with CORRUPT_MESSAGE, verification reports it, and a repair replaces it by an
 * empty batch. So the loss stays visible until it is repaired, and no offset is assigned twice.
 *
 * @module
 */

import { setInt64 } from "../../protocol/primitives/int64.ts";
import { crc32c, LOG_OVERHEAD, RECORD_BATCH_OVERHEAD } from "../../protocol/records/mod.ts";
import {
  ATTRIBUTES_POSITION,
  BASE_OFFSET_POSITION,
  BASE_TIMESTAMP_POSITION,
  BATCH_LENGTH_POSITION,
  CRC_POSITION,
  LAST_OFFSET_DELTA_POSITION,
  MAGIC,
  MAGIC_POSITION,
  RECORD_COUNT_POSITION,
} from "../../protocol/records/record_batch.ts";

const MAX_OFFSET_DELTA = 2 ** 31 - 1;

/** A loss found when a log was opened, which the broker reports. */
export interface LogLoss {
  /** Path of the file. */
  readonly path: string;
  /** What happened to it. */
  readonly problem: string;
  /** The first lost offset. */
  readonly firstOffset: number;
  /** The first offset after the lost ones; equal to `firstOffset` if none is lost. */
  readonly nextOffset: number;
}

/** Start of the text. */
const TEXT = new TextEncoder().encode(" Records of offsets ");

/** Whether a batch with a wrong CRC is a placeholder for lost records. */
export function areLostRecords(bytes: Uint8Array, position: number): boolean {
  const start = position + RECORD_BATCH_OVERHEAD;
  return TEXT.every((byte, at) => bytes[start + at] === byte);
}

/** The placeholder for a range of lost records. */
export function lostRecords(firstOffset: number, nextOffset: number): Uint8Array {
  const text = new TextEncoder().encode(
    ` Records of offsets ${firstOffset} to ${nextOffset - 1} were lost from this place. `,
  );
  const bytes = new Uint8Array(RECORD_BATCH_OVERHEAD + text.length);
  const view = new DataView(bytes.buffer);
  setInt64(view, BASE_OFFSET_POSITION, firstOffset);
  view.setInt32(BATCH_LENGTH_POSITION, bytes.length - LOG_OVERHEAD);
  view.setInt8(MAGIC_POSITION, MAGIC);
  view.setInt32(
    LAST_OFFSET_DELTA_POSITION,
    Math.min(nextOffset - firstOffset - 1, MAX_OFFSET_DELTA),
  );
  // All of these are -1, which means "none".
  bytes.fill(0xff, BASE_TIMESTAMP_POSITION, RECORD_COUNT_POSITION);
  bytes.set(text, RECORD_BATCH_OVERHEAD);
  view.setUint32(CRC_POSITION, ~crc32c(bytes, ATTRIBUTES_POSITION) >>> 0);
  return bytes;
}
