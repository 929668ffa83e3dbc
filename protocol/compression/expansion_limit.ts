/**
 * How far a batch may expand.
 *
 * @module
 */

/** Any batch may expand to so much, and a large one to so many times its size, up to a limit. */
const ALWAYS = 16 * 1024 * 1024;
const MAX_RATIO = 100;
const LIMIT = 100 * 1024 * 1024;

/**
 * What the records of a compressed batch of `size` bytes may expand to: 16 MiB, or 100 times its size if
 * that is more, but no more than 100 MiB. What clients write is far below, a decompression bomb is not.
 */
export function maxExpandedBytes(size: number): number {
  return Math.min(LIMIT, Math.max(ALWAYS, MAX_RATIO * size));
}
