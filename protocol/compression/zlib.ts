/**
 * What the codecs of `node:zlib` have in common.
 *
 * @module
 */

import { DecompressedSizeError } from "./errors.ts";
import type { WorkSlice } from "./steps.ts";

type Zlib = typeof import("node:zlib");

const MIN_CHUNK_SIZE = 1024;

let zlib: Zlib | undefined;

/**
 * `node:zlib`, loaded when it is first used: an import would take some 20 ms of a program's start.
 */
export function nodeZlib(): Zlib {
  // deno-lint-ignore no-process-global -- importing node:process would take as long
  return zlib ??= process.getBuiltinModule("node:zlib");
}

/**
 * The option that makes zlib write `size` bytes to one chunk, so that it has no chunks to join. It
 * looks for more as long as a chunk is full.
 */
export function chunkSizeFor(size: number): number {
  return Math.max(MIN_CHUNK_SIZE, size + 64);
}

/** The same bytes not as a `Buffer`, of which `slice()` does not copy. */
export function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether an error says that `maxOutputLength` was passed. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
}

/** Bytes that a stream expands at a step. */
export const STREAM_CHUNK: number = 64 * 1024;

/** What is needed of a stream that expands. */
interface Expander extends AsyncIterable<Uint8Array> {
  end(bytes: Uint8Array): void;
}

/**
 * Expands `bytes` with a stream, which works only as far as its chunks are taken.
 *
 * @param allowed Bytes that it may expand to now, of `maxBytes` altogether; the others are held.
 * @throws {DecompressedSizeError} If it expands to more.
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
    // They are joined in the end.
    slice.hold(2 * (before + size));
    if (slice.isOver) await slice.pause();
  }
  return await joinedInSlices(chunks, size, slice);
}

/** Bytes that are copied at once. */
const COPIED_AT_ONCE = 1024 * 1024;

/** Chunks of `size` bytes altogether in one, with pauses: new memory takes as long as its copy. */
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

/** Chunks of `size` bytes altogether in one. */
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
