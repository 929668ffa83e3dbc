/**
 * Zstandard, Kafka's codec 4.
 *
 * Implemented with `node:zlib`. Where that lacks zstd, as in Deno 2.6, npm:fzstd decompresses and
 * the encoder in `zstd_encoder.ts` compresses.
 *
 * Spec: RFC 8878, KIP-110
 *
 * @module
 */

import { CompressionError, DecompressedSizeError } from "../errors.ts";
import type { WorkSlice } from "../steps.ts";
import {
  chunkSizeFor,
  drainInSlices,
  isTooLarge,
  joined,
  joinedInSlices,
  nodeZlib,
  plain,
  STREAM_CHUNK,
} from "../zlib.ts";
import { encodeZstd } from "./zstd_encoder.ts";
import { type ZstdFrame, zstdFrames } from "./zstd_frame.ts";

type Fzstd = typeof import("npm:fzstd@0.1.1");

/** Not a literal where it is imported: the runtime would prepare packages at every start. */
const FZSTD = "npm:fzstd@0.1.1";

/** From this version on, `node:zlib` of Deno has zstd. */
const NATIVE_SINCE = [2, 9] as const;

const fzstd: Fzstd | undefined = isOlder(Deno.version.deno) ? await import(FZSTD) : undefined;

let hasNative: boolean | undefined;

/** Whether a version of Deno may lack zstd. */
export function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major < NATIVE_SINCE[0] || (major === NATIVE_SINCE[0] && minor < NATIVE_SINCE[1]);
}

/**
 * Compresses to one frame.
 *
 * @param level From -131072, the fastest, to 22, the smallest; default 3. Ignored where `node:zlib`
 *   lacks zstd.
 */
export function compressZstd(bytes: Uint8Array, level?: number): Uint8Array {
  if (!hasNativeZstd()) return encodeZstd(bytes);
  const { zstdCompressSync, constants } = nodeZlib();
  // With a pledged size, the frame header contains it.
  const options = {
    pledgedSrcSize: bytes.length,
    params: level === undefined ? {} : { [constants.ZSTD_c_compressionLevel]: level },
  };
  return plain(zstdCompressSync(bytes, options));
}

/**
 * Decompresses one frame, or several consecutive ones.
 *
 * @throws {CompressionError} If the bytes are not valid frames.
 * @throws {DecompressedSizeError} If the decompressed size exceeds `maxBytes`.
 */
export function decompressZstd(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (const frame of zstdFrames(bytes)) {
    const chunk = expand(frame, maxBytes - size, maxBytes);
    chunks.push(chunk);
    size += chunk.length;
  }
  return joined(chunks, size);
}

/**
 * Like {@linkcode decompressZstd}, with pauses, for large output. Without pauses where `node:zlib`
 * lacks zstd.
 */
export async function decompressZstdInSlices(
  bytes: Uint8Array,
  maxBytes: number,
  slice: WorkSlice,
): Promise<Uint8Array> {
  if (!hasNativeZstd()) return decompressZstd(bytes, maxBytes);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (const frame of zstdFrames(bytes)) {
    const allowed = maxBytes - size;
    checkContentSize(frame, allowed, maxBytes);
    const chunk = frame.maxSize <= STREAM_CHUNK
      ? expand(frame, allowed, maxBytes)
      : await expandInSlices(frame, allowed, maxBytes, slice);
    chunks.push(chunk);
    size += chunk.length;
    slice.hold(2 * size);
    if (slice.isOver) await slice.pause();
  }
  return await joinedInSlices(chunks, size, slice);
}

async function expandInSlices(
  frame: ZstdFrame,
  allowed: number,
  maxBytes: number,
  slice: WorkSlice,
): Promise<Uint8Array> {
  const stream = nodeZlib().createZstdDecompress({ chunkSize: STREAM_CHUNK });
  try {
    const expanded = await drainInSlices(stream, frame.bytes, "zstd", allowed, maxBytes, slice);
    checkExpanded(frame, expanded);
    return expanded;
  } catch (error) {
    if (error instanceof CompressionError) throw error;
    throw new CompressionError(`Cannot decompress zstd: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function expand(frame: ZstdFrame, allowed: number, maxBytes: number): Uint8Array {
  checkContentSize(frame, allowed, maxBytes);
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
  checkExpanded(frame, expanded);
  return expanded;
}

function checkContentSize(frame: ZstdFrame, allowed: number, maxBytes: number): void {
  const { contentSize, maxSize } = frame;
  if (contentSize === undefined) return;
  if (contentSize > maxSize) {
    throw new CompressionError(
      `Cannot decompress zstd: ${contentSize} bytes are stated, the blocks hold at most ${maxSize}`,
    );
  }
  if (contentSize > allowed) throw new DecompressedSizeError("zstd", maxBytes);
}

function checkExpanded({ contentSize }: ZstdFrame, expanded: Uint8Array): void {
  if (contentSize === undefined || contentSize === expanded.length) return;
  throw new CompressionError(
    `Cannot decompress zstd: size is ${expanded.length} bytes, ${contentSize} are stated`,
  );
}

/**
 * Whether `node:zlib` supports zstd. Deno had the functions before they worked, so this tries one.
 */
export function hasNativeZstd(): boolean {
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

/** Decompresses a frame, or enough of its blocks to exceed the allowed size. */
function expandWithFzstd(bytes: Uint8Array, allowed: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const stop = new Error("Size is over what is allowed");
  if (fzstd === undefined) throw new Error("This runtime has no zstd");
  const stream = new fzstd.Decompress((chunk) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size > allowed) throw stop;
  });
  try {
    stream.push(bytes, true);
  } catch (error) {
    if (error !== stop) throw error;
  }
  return joined(chunks, size);
}
