/**
 * Compresses and decompresses in slices of a few milliseconds, so that other work can proceed.
 *
 * @module
 */

import { compress, decompress } from "./codec.ts";
import { CompressionType } from "./compression_type.ts";
import { decompressGzipInSlices } from "./gzip.ts";
import { compressLz4Steps, decompressLz4Steps } from "./lz4/mod.ts";
import { compressSnappySteps, decompressSnappySteps } from "./snappy/mod.ts";
import { DecompressedSizeError } from "./errors.ts";
import { runSomeSteps, runStepsInSlices, type WorkSlice } from "./steps.ts";
import { decompressZstdInSlices } from "./zstd/mod.ts";

export type { WorkSlice } from "./steps.ts";

/** Maximum number of blocks decompressed without a pause, however small they are. */
const MAX_BLOCKS_AT_ONCE = 500;

/**
 * Decompresses like `decompress`, without a pause, if the result is at most `maxBytes`. Returns
 * `undefined` if it is larger, or consists of very many blocks.
 *
 * @throws {CompressionError} If `bytes` are corrupt, or there is no such codec.
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
 * Decompresses like `decompress`, in slices. `bytes` must not change until it resolves.
 *
 * @throws {CompressionError} If `bytes` are corrupt, or there is no such codec.
 * @throws {DecompressedSizeError} If the decompressed size exceeds `maxBytes`.
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
 * Compresses like `compress`. Only lz4 and snappy work in slices: `node:zlib` does not, and long
 * calls of it belong in a worker.
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
