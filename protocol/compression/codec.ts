/**
 * Compresses and expands by Kafka's number of a codec. Synchronous, and bounded in what it expands.
 *
 * @module
 */

import { compressionName, CompressionType } from "./compression_type.ts";
import { CompressionError, DecompressedSizeError } from "./errors.ts";
import { compressGzip, decompressGzip } from "./gzip.ts";
import { compressLz4, decompressLz4 } from "./lz4.ts";
import { compressSnappy, decompressSnappy } from "./snappy.ts";
import { compressZstd, decompressZstd } from "./zstd.ts";

/**
 * What a batch may expand to unless the caller says otherwise: 100 MiB, as much as a request may
 * have.
 */
export const DEFAULT_MAX_DECOMPRESSED_BYTES: number = 100 * 1024 * 1024;

/** The levels of the codecs that have any, lowest and highest. */
const LEVELS: { readonly [type: number]: readonly [lowest: number, highest: number] } = {
  [CompressionType.gzip]: [-1, 9],
  [CompressionType.lz4]: [1, 17],
  [CompressionType.zstd]: [-131072, 22],
};

/**
 * Compresses `bytes` in the form that Java clients write. Type none returns `bytes` themselves.
 *
 * @param level For gzip -1 to 9, for lz4 1 to 17, for zstd -131072 to 22; snappy has none. Default: the
 *   codec's own.
 * @throws {RangeError} If the codec has no such level.
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
 * Expands what any client has compressed. Type none returns `bytes` themselves.
 *
 * @param maxBytes The size up to which `bytes` may expand. Default: 100 MiB.
 * @throws {CompressionError} If `bytes` are not sound, or there is no such codec.
 * @throws {DecompressedSizeError} If they expand to more than `maxBytes`.
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
