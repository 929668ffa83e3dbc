/**
 * Gzip, Kafka's codec 1, implemented with `node:zlib`.
 *
 * Spec: RFC 1952
 *
 * @module
 */

import { CompressionError, DecompressedSizeError } from "./errors.ts";
import type { WorkSlice } from "./steps.ts";
import { chunkSizeFor, drainInSlices, isTooLarge, nodeZlib, plain, STREAM_CHUNK } from "./zlib.ts";

/** The last field of the trailer is the uncompressed size modulo 2^32, little-endian. */
const SIZE_FIELD_SIZE = 4;

/** The maximum expansion ratio of deflate. */
const MAX_RATIO = 1032;

/**
 * Compresses to one member.
 *
 * @param level From 0, which stores, to 9, the smallest; -1 is the default of zlib, 6.
 */
export function compressGzip(bytes: Uint8Array, level: number = -1): Uint8Array {
  return plain(nodeZlib().gzipSync(bytes, { level }));
}

/**
 * Decompresses one member, or several consecutive ones.
 *
 * @throws {CompressionError} If the bytes are not valid gzip.
 * @throws {DecompressedSizeError} If the decompressed size exceeds `maxBytes`.
 */
export function decompressGzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  // If the last member states its true size, the decompressed size is at least that.
  if (statedSize(bytes) > maxBytes) throw new DecompressedSizeError("gzip", maxBytes);
  const size = Math.min(statedSize(bytes), bytes.length * MAX_RATIO, maxBytes);
  try {
    return plain(
      nodeZlib().gunzipSync(bytes, {
        chunkSize: chunkSizeFor(size),
        maxOutputLength: Math.max(1, maxBytes),
      }),
    );
  } catch (error) {
    if (isTooLarge(error)) throw new DecompressedSizeError("gzip", maxBytes, { cause: error });
    throw new CompressionError(`Cannot decompress gzip: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Like {@linkcode decompressGzip}, with pauses, for large output. */
export async function decompressGzipInSlices(
  bytes: Uint8Array,
  maxBytes: number,
  slice: WorkSlice,
): Promise<Uint8Array> {
  const stream = nodeZlib().createGunzip({ chunkSize: STREAM_CHUNK });
  try {
    return await drainInSlices(stream, bytes, "gzip", maxBytes, maxBytes, slice);
  } catch (error) {
    if (error instanceof CompressionError) throw error;
    throw new CompressionError(`Cannot decompress gzip: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function statedSize(bytes: Uint8Array): number {
  if (bytes.length < SIZE_FIELD_SIZE) return 0;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .getUint32(bytes.length - SIZE_FIELD_SIZE, true);
}
