/**
 * Gzip, Kafka's codec 1, by `node:zlib`.
 *
 * Spec: RFC 1952
 *
 * @module
 */

import { CompressionError, DecompressedSizeError } from "./errors.ts";
import type { WorkSlice } from "./steps.ts";
import { chunkSizeFor, drainInSlices, isTooLarge, nodeZlib, plain, STREAM_CHUNK } from "./zlib.ts";

/** The trailer's last field is the size of what was compressed, modulo 2^32, little-endian. */
const SIZE_FIELD_SIZE = 4;

/** Deflate expands to no more than this many times its size. */
const MAX_RATIO = 1032;

/**
 * Compresses to one member.
 *
 * @param level From 0, which stores, to 9, the smallest; -1 is zlib's default, 6.
 */
export function compressGzip(bytes: Uint8Array, level: number = -1): Uint8Array {
  return plain(nodeZlib().gzipSync(bytes, { level }));
}

/**
 * Expands one member, or several in a row.
 *
 * @throws {CompressionError} If the bytes are no sound gzip.
 * @throws {DecompressedSizeError} If they expand to more than `maxBytes`.
 */
export function decompressGzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  // What it expands to is at least what the last member states, if that is true.
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

/** The same with pauses, for what expands to much. */
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
