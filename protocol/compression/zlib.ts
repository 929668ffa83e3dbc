/**
 * What the codecs of `node:zlib` have in common.
 *
 * @module
 */

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
