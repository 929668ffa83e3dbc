/**
 * Helpers shared by the codecs that use `node:zlib`.
 *
 * @module
 */

import { DecompressedSizeError } from "./errors.ts";
import type { WorkSlice } from "./steps.ts";

type Zlib = typeof import("node:zlib");

const MIN_CHUNK_SIZE = 1024;

let zlib: Zlib | undefined;

/**
 * `node:zlib`, loaded on first use: importing it would add some 20 ms to the start of a program.
 */
export function nodeZlib(): Zlib {
  // deno-lint-ignore no-process-global -- importing node:process would take as long
  return zlib ??= process.getBuiltinModule("node:zlib");
}

/**
 * A chunk size with which zlib returns `size` bytes in one chunk, which avoids joining. It is a little
 * larger than `size`, because zlib continues while a chunk is full.
 */
export function chunkSizeFor(size: number): number {
  return Math.max(MIN_CHUNK_SIZE, size + 64);
}

/** The same bytes as a plain `Uint8Array`, because `slice()` of a `Buffer` does not copy. */
export function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether an error says that `maxOutputLength` was exceeded. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
}

/** Bytes that a stream decompresses per step. */
export const STREAM_CHUNK: number = 64 * 1024;

/** The part of a decompressing stream that is used here. */
interface Expander extends AsyncIterable<Uint8Array> {
  end(bytes: Uint8Array): void;
}

/**
 * Decompresses `bytes` with a stream, which works only while its chunks are consumed.
 *
 * @param allowed Maximum number of bytes, out of a total of `maxBytes` of which the rest is already
 *   held.
 * @throws {DecompressedSizeError} If the decompressed size exceeds `allowed`.
 */
export async function drainInSlices(
  stream: unknown,
  bytes: Uint8Array,
  codec: string,
  allowed: number,
  maxBytes: number,
  slice: WorkSlice,
): Promise<Uint8Array> {
  const expander = stream as Expander;
  const chunks: Uint8Array[] = [];
  const before = maxBytes - allowed;
  let size = 0;
  expander.end(bytes);
  for await (const chunk of expander) {
    size += chunk.length;
    if (size > allowed) throw new DecompressedSizeError(codec, maxBytes);
    chunks.push(chunk);
    // The chunks are joined at the end.
    slice.hold(2 * (before + size));
    if (slice.isOver) await slice.pause();
  }
  return await joinedInSlices(chunks, size, slice);
}

/** Bytes copied without a pause. */
const COPIED_AT_ONCE = 1024 * 1024;

/** Joins chunks of `size` bytes in total, with pauses: new memory takes as long as the copy. */
export async function joinedInSlices(
  chunks: readonly Uint8Array[],
  size: number,
  slice: WorkSlice,
): Promise<Uint8Array> {
  if (chunks.length === 1) return plain(chunks[0]!);
  const all = new Uint8Array(size);
  let position = 0;
  for (const chunk of chunks) {
    for (let start = 0; start < chunk.length; start += COPIED_AT_ONCE) {
      const part = chunk.subarray(start, start + COPIED_AT_ONCE);
      all.set(part, position);
      position += part.length;
      if (slice.isOver) await slice.pause();
    }
  }
  return all;
}

/** Joins chunks of `size` bytes in total. */
export function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  if (chunks.length === 1) return plain(chunks[0]!);
  const all = new Uint8Array(size);
  let position = 0;
  for (const chunk of chunks) {
    all.set(chunk, position);
    position += chunk.length;
  }
  return all;
}
