/**
 * Zstandard, Kafka's codec 4.
 *
 * It is the work of `node:zlib`, and of npm:fzstd, which only expands, and the encoder beside this
 * where `node:zlib` has no zstd, as in Deno 2.6.
 *
 * Spec: RFC 8878, KIP-110
 *
 * @module
 */

// deno-lint-ignore no-import-prefix
import { Decompress } from "npm:fzstd@0.1.1";
import { CompressionError, DecompressedSizeError } from "./errors.ts";
import { chunkSizeFor, isTooLarge, nodeZlib, plain } from "./zlib.ts";
import { encodeZstd } from "./zstd_encoder.ts";
import { type ZstdFrame, zstdFrames } from "./zstd_frame.ts";

let hasNative: boolean | undefined;

/**
 * Compresses to one frame.
 *
 * @param level From -131072, the fastest, to 22, the smallest; default 3. Of no effect where
 *   `node:zlib` lacks zstd.
 */
export function compressZstd(bytes: Uint8Array, level?: number): Uint8Array {
  if (!hasNativeZstd()) return encodeZstd(bytes);
  const { zstdCompressSync, constants } = nodeZlib();
  // With the size promised, the frame states it.
  const options = {
    pledgedSrcSize: bytes.length,
    params: level === undefined ? {} : { [constants.ZSTD_c_compressionLevel]: level },
  };
  return plain(zstdCompressSync(bytes, options));
}

/**
 * Expands one frame, or several in a row.
 *
 * @throws {CompressionError} If the bytes are no sound frames.
 * @throws {DecompressedSizeError} If they expand to more than `maxBytes`.
 */
export function decompressZstd(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (const frame of zstdFrames(bytes)) {
    const chunk = expand(frame, maxBytes - size, maxBytes);
    chunks.push(chunk);
    size += chunk.length;
  }
  return join(chunks, size);
}

function expand(frame: ZstdFrame, allowed: number, maxBytes: number): Uint8Array {
  const { contentSize = frame.maxSize, maxSize } = frame;
  if (contentSize > maxSize) {
    throw new CompressionError(
      `Cannot decompress zstd: ${contentSize} bytes are stated, the blocks hold at most ${maxSize}`,
    );
  }
  if (frame.contentSize !== undefined && contentSize > allowed) {
    throw new DecompressedSizeError("zstd", maxBytes);
  }
  let expanded: Uint8Array;
  try {
    expanded = hasNativeZstd()
      ? expandNatively(frame, allowed)
      : expandWithFzstd(frame.bytes, allowed);
  } catch (error) {
    if (isTooLarge(error)) throw new DecompressedSizeError("zstd", maxBytes, { cause: error });
    throw new CompressionError(`Cannot decompress zstd: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (expanded.length > allowed) throw new DecompressedSizeError("zstd", maxBytes);
  if (frame.contentSize !== undefined && contentSize !== expanded.length) {
    throw new CompressionError(
      `Cannot decompress zstd: size is ${expanded.length} bytes, ${contentSize} are stated`,
    );
  }
  return expanded;
}

/** Deno had the functions before they worked, so only a try can tell. */
function hasNativeZstd(): boolean {
  if (hasNative === undefined) {
    try {
      const { zstdCompressSync, zstdDecompressSync } = nodeZlib();
      hasNative = zstdDecompressSync(zstdCompressSync(new Uint8Array(1))).length === 1;
    } catch {
      hasNative = false;
    }
  }
  return hasNative;
}

function expandNatively(frame: ZstdFrame, allowed: number): Uint8Array {
  const sizeHint = frame.contentSize ?? Math.min(frame.maxSize, 4 * frame.bytes.length, allowed);
  return plain(
    nodeZlib().zstdDecompressSync(frame.bytes, {
      chunkSize: chunkSizeFor(sizeHint),
      maxOutputLength: Math.max(1, allowed),
    }),
  );
}

/** Expands a frame, or as many of its blocks as it takes to be over the size that is allowed. */
function expandWithFzstd(bytes: Uint8Array, allowed: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const stop = new Error("Size is over what is allowed");
  const stream = new Decompress((chunk) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size > allowed) throw stop;
  });
  try {
    stream.push(bytes, true);
  } catch (error) {
    if (error !== stop) throw error;
  }
  return join(chunks, size);
}

function join(chunks: readonly Uint8Array[], size: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const joined = new Uint8Array(size);
  let position = 0;
  for (const chunk of chunks) {
    joined.set(chunk, position);
    position += chunk.length;
  }
  return joined;
}
