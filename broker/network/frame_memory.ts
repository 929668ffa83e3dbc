/**
 * Estimates the memory that request frames use.
 *
 * @module
 */

import { FrameSizeError } from "../../protocol/frames/framing.ts";
import { produce } from "../../protocol/messages/records/produce.ts";

/** Maximum size of frames other than Produce, far above what clients send. */
const MAX_DECODED_FRAME = 8 * 1024 * 1024;
/** Approximate memory per byte of a decoded frame. */
const DECODED_PER_BYTE = 4;

/**
 * The memory that a large request uses. Records stay bytes; in other requests each field becomes a
 * value and each array element an object.
 */
export function memoryFor(size: number, apiKey: number): number {
  if (apiKey === produce.key) return size;
  if (size <= MAX_DECODED_FRAME) return size * DECODED_PER_BYTE;
  throw new FrameSizeError(
    `Cannot accept frame of ${size} bytes with API key ${apiKey}: the limit is ${MAX_DECODED_FRAME}`,
    size,
  );
}

/** The API key in a request header, or -1 if the frame is too short. */
export function apiKeyOf(frame: Uint8Array): number {
  return frame.length < 2 ? -1 : frame[0]! << 8 | frame[1]!;
}

/**
 * Size above which requests other than Produce are decoded, and their responses encoded, in slices.
 */
const LARGE_FRAME = 256 * 1024;

/** Whether a request may take long to decode even with few elements. Records are not decoded. */
export function isLarge(frame: Uint8Array, apiKey: number): boolean {
  return frame.length > LARGE_FRAME && apiKey !== produce.key;
}
