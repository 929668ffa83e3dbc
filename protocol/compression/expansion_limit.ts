/**
 * Limits for the decompressed size of a record batch.
 *
 * @module
 */

/** Any batch may expand to this size. A larger one may expand by a factor, up to a maximum. */
const ALWAYS = 16 * 1024 * 1024;
const MAX_RATIO = 100;
const LIMIT = 100 * 1024 * 1024;

/**
 * Returns the maximum decompressed size of a compressed batch of `size` bytes: 16 MiB or 100 times
 * its size, whichever is more, but at most 100 MiB. Clients write far less; a decompression bomb
 * far more.
 */
export function maxExpandedBytes(size: number): number {
  return Math.min(LIMIT, Math.max(ALWAYS, MAX_RATIO * size));
}
