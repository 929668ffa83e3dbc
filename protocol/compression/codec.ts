/**
 * Compresses and decompresses by Kafka's number of a codec. Synchronous, with bounded output.
 *
 * @module
 */

import { compressionName, CompressionType } from "./compression_type.ts";
import { CompressionError, DecompressedSizeError } from "./errors.ts";
import { compressGzip, decompressGzip } from "./gzip.ts";
import { compressLz4, decompressLz4 } from "./lz4/mod.ts";
import { compressSnappy, decompressSnappy } from "./snappy/mod.ts";
import { compressZstd, decompressZstd } from "./zstd/mod.ts";

/**
 * Default limit for the decompressed size of a batch: 100 MiB, the same as for a request.
 */
export const DEFAULT_MAX_DECOMPRESSED_BYTES: number = 100 * 1024 * 1024;

/** Minimum and maximum compression level of the codecs that have levels. */
const LEVELS: { readonly [type: number]: readonly [lowest: number, highest: number] } = {
  [CompressionType.gzip]: [-1, 9],
  [CompressionType.lz4]: [1, 17],
  [CompressionType.zstd]: [-131072, 22],
};

/**
 * Compresses `bytes` in the format that Java clients write. For type none it returns `bytes`
 * itself.
 *
 * @param level For gzip -1 to 9, for lz4 1 to 17, for zstd -131072 to 22; snappy has none. Default:
 *   the default of the codec.
 * @throws {RangeError} If the codec does not support this level.
 * @throws {CompressionError} If there is no such codec.
 */
export function compress(type: CompressionType, bytes: Uint8Array, level?: number): Uint8Array {
  if (level !== undefined) checkLevel(type, level);
  switch (type) {
    case CompressionType.none:
      return bytes;
    case CompressionType.gzip:
      return compressGzip(bytes, level);
    case CompressionType.snappy:
      return compressSnappy(bytes);
    case CompressionType.lz4:
      return compressLz4(bytes, level);
    case CompressionType.zstd:
      return compressZstd(bytes, level);
    default:
      throw unknown(type);
  }
}

/**
 * Decompresses bytes compressed by any client. For type none it returns `bytes` itself.
 *
 * @param maxBytes Maximum decompressed size. Default: 100 MiB.
 * @throws {CompressionError} If `bytes` are corrupt, or there is no such codec.
 * @throws {DecompressedSizeError} If the decompressed size exceeds `maxBytes`.
 */
export function decompress(
  type: CompressionType,
  bytes: Uint8Array,
  maxBytes: number = DEFAULT_MAX_DECOMPRESSED_BYTES,
): Uint8Array {
  switch (type) {
    case CompressionType.none:
      if (bytes.length > maxBytes) throw new DecompressedSizeError("none", maxBytes);
      return bytes;
    case CompressionType.gzip:
      return decompressGzip(bytes, maxBytes);
    case CompressionType.snappy:
      return decompressSnappy(bytes, maxBytes);
    case CompressionType.lz4:
      return decompressLz4(bytes, maxBytes);
    case CompressionType.zstd:
      return decompressZstd(bytes, maxBytes);
    default:
      throw unknown(type);
  }
}

function checkLevel(type: CompressionType, level: number): void {
  const levels = LEVELS[type];
  const name = compressionName(type) ?? `type ${type}`;
  if (levels === undefined) {
    throw new RangeError(`Cannot compress with ${name} at level ${level}: it has no levels`);
  }
  const [lowest, highest] = levels;
  if (!Number.isInteger(level) || level < lowest || level > highest) {
    throw new RangeError(
      `Cannot compress with ${name} at level ${level}: levels are ${lowest} to ${highest}`,
    );
  }
}

function unknown(type: never): CompressionError {
  return new CompressionError(
    `Cannot find codec of compression type ${type}: the last known is ${CompressionType.zstd}`,
  );
}
