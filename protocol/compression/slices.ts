/**
 * Expands and compresses without holding the rest of the program up: in slices of a few milliseconds.
 *
 * @module
 */

import { compress, decompress } from "./codec.ts";
import { CompressionType } from "./compression_type.ts";
import { decompressGzipInSlices } from "./gzip.ts";
import { compressLz4Steps, decompressLz4Steps } from "./lz4.ts";
import { compressSnappySteps, decompressSnappySteps } from "./snappy.ts";
import { DecompressedSizeError } from "./errors.ts";
import { runSomeSteps, runStepsInSlices, type WorkSlice } from "./steps.ts";
import { decompressZstdInSlices } from "./zstd.ts";

export type { WorkSlice } from "./steps.ts";

/** Blocks that are expanded at once, be they ever so small. */
const MAX_BLOCKS_AT_ONCE = 500;

/**
 * Expands what any client has compressed, as `decompress` does, if that takes no longer than `maxBytes`
 * usually take: `undefined` if there are more, or more blocks than there are in so many.
 *
 * @throws {CompressionError} If `bytes` are not sound, or there is no such codec.
 */
export function decompressAtOnce(
  type: CompressionType,
  bytes: Uint8Array,
  maxBytes: number,
): Uint8Array | undefined {
  try {
    switch (type) {
      case CompressionType.snappy:
        return runSomeSteps(decompressSnappySteps(bytes, maxBytes), MAX_BLOCKS_AT_ONCE);
      case CompressionType.lz4:
        return runSomeSteps(decompressLz4Steps(bytes, maxBytes), MAX_BLOCKS_AT_ONCE);
      default:
        return decompress(type, bytes, maxBytes);
    }
  } catch (error) {
    if (error instanceof DecompressedSizeError) return undefined;
    throw error;
  }
}

/**
 * Expands what any client has compressed, as `decompress` does. Before it resolves, `bytes` must not
 * be changed.
 *
 * @throws {CompressionError} If `bytes` are not sound, or there is no such codec.
 * @throws {DecompressedSizeError} If they expand to more than `maxBytes`.
 */
export function decompressInSlices(
  type: CompressionType,
  bytes: Uint8Array,
  maxBytes: number,
  slice: WorkSlice,
): Promise<Uint8Array> {
  switch (type) {
    case CompressionType.gzip:
      return decompressGzipInSlices(bytes, maxBytes, slice);
    case CompressionType.snappy:
      return runStepsInSlices(decompressSnappySteps(bytes, maxBytes), slice);
    case CompressionType.lz4:
      return runStepsInSlices(decompressLz4Steps(bytes, maxBytes), slice);
    case CompressionType.zstd:
      return decompressZstdInSlices(bytes, maxBytes, slice);
    default:
      return Promise.resolve(decompress(type, bytes, maxBytes));
  }
}

/**
 * Compresses as `compress` does. Only lz4 and snappy are compressed in slices: `node:zlib` works at a
 * stretch, and where that is long belongs into a worker.
 */
export function compressInSlices(
  type: CompressionType,
  bytes: Uint8Array,
  slice: WorkSlice,
  level?: number,
): Promise<Uint8Array> {
  switch (type) {
    case CompressionType.snappy:
      return runStepsInSlices(compressSnappySteps(bytes), slice);
    case CompressionType.lz4:
      return runStepsInSlices(compressLz4Steps(bytes, level), slice);
    default:
      return Promise.resolve(compress(type, bytes, level));
  }
}
