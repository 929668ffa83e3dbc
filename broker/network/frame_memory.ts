/**
 * What frames of requests take in memory.
 *
 * @module
 */

import { FrameSizeError } from "../../protocol/frames/framing.ts";
import { produce } from "../../protocol/messages/records/produce.ts";

/** Frames of other requests than Produce may not be larger: no client sends so much. */
const MAX_DECODED_FRAME = 8 * 1024 * 1024;
/** Bytes of memory that a byte of such a frame comes to, about. */
const DECODED_PER_BYTE = 4;

/**
 * What a large request takes in memory. Records stay bytes; of other requests each field becomes a
 * value, and each element of an array an object.
 */
export function memoryFor(size: number, apiKey: number): number {
  if (apiKey === produce.key) return size;
  if (size <= MAX_DECODED_FRAME) return size * DECODED_PER_BYTE;
  throw new FrameSizeError(
    `Cannot accept frame of ${size} bytes with API key ${apiKey}: the limit is ${MAX_DECODED_FRAME}`,
    size,
  );
}

/** The API that a request's header names, or none if it is too short to. */
export function apiKeyOf(frame: Uint8Array): number {
  return frame.length < 2 ? -1 : frame[0]! << 8 | frame[1]!;
}

/** Bytes above which a request that is not Produce is decoded in slices, and its answer encoded so. */
const LARGE_FRAME = 256 * 1024;

/** Whether a request may take long to decode, however few its elements; records stay bytes. */
export function isLarge(frame: Uint8Array, apiKey: number): boolean {
  return frame.length > LARGE_FRAME && apiKey !== produce.key;
}
