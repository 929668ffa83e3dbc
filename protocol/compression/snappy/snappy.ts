/**
 * Snappy, Kafka's codec 2: the raw block, and xerial's stream of blocks.
 *
 * A raw block begins with its decompressed size, as a varint. The stream format is that of xerial's
 * snappy-java: magic 82 'SNAPPY' 00, version and compatible version, then raw blocks, each preceded
 * by its size; these numbers are big-endian int32. Java clients write the stream and librdkafka the
 * raw block; all clients read both, and so does this codec. It writes the stream.
 *
 * Blocks are processed by npm:hysnappy, 3 KB of WebAssembly inlined in its module, which is loaded
 * on first use: a package takes 5 MB from a program that need not load it. Until it is there, and if
 * it cannot be loaded, blocks are processed here, at about half the speed. It allocates the size that
 * a block states, so that size is checked first.
 *
 * Spec: https://github.com/google/snappy/blob/main/format_description.txt,
 * https://github.com/xerial/snappy-java#compatibility-notes
 *
 * @module
 */

import { CompressionError, DecompressedSizeError } from "../errors.ts";
import { expandSnappyBlockSteps } from "./snappy_block.ts";
import { compressSnappyBlock } from "./snappy_compressor.ts";
import { runSteps, type Steps } from "../steps.ts";

type WebAssemblySnappy = typeof import("npm:hysnappy@1.1.1");

/** Not a literal where it is imported: the runtime would prepare packages at every start. */
const HYSNAPPY = "npm:hysnappy@1.1.1";

/** 82 'SNAPPY' 00. A raw block cannot begin with these bytes: it would start with a match. */
const XERIAL_MAGIC = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00];
const XERIAL_HEADER_SIZE = XERIAL_MAGIC.length + 4 + 4;
const XERIAL_VERSION = 1;

/** Uncompressed size of a block of the stream: the default of snappy-java. */
const XERIAL_BLOCK_SIZE = 32 * 1024;

/** No element of a block expands to more than 64 bytes from three. */
const MAX_RATIO = 22;

/**
 * Blocks up to this size, compressed plus decompressed, use WebAssembly; larger ones are
 * decompressed in steps.
 */
const MAX_KEPT_SIZE = 1024 * 1024;

/** Number of blocks whose sizes are added up in one step. */
const BLOCKS_PER_STEP = 1000;

let wasm: WebAssemblySnappy | undefined;
let loading: Promise<void> | undefined;
let compressBlock: ReturnType<WebAssemblySnappy["snappyCompressor"]> | undefined;
let expandBlock: ReturnType<WebAssemblySnappy["snappyUncompressor"]> | undefined;

/** Loads what is otherwise loaded on first use. */
export function loadSnappy(): Promise<void> {
  return loading ??= import(HYSNAPPY).then(
    (module: WebAssemblySnappy) => void (wasm = module),
    // Without it, as where nothing can be downloaded, all works.
    () => {},
  );
}

/** Compresses to a xerial stream. */
export function compressSnappy(bytes: Uint8Array): Uint8Array {
  return runSteps(compressSnappySteps(bytes));
}

/** Like {@linkcode compressSnappy}, in steps of one block. */
export function* compressSnappySteps(bytes: Uint8Array): Steps {
  const blocks: Uint8Array[] = [];
  let size = XERIAL_HEADER_SIZE;
  for (let start = 0; start < bytes.length; start += XERIAL_BLOCK_SIZE) {
    const block = compress(bytes.subarray(start, start + XERIAL_BLOCK_SIZE));
    blocks.push(block);
    size += 4 + block.length;
    yield size;
  }
  const target = new Uint8Array(size);
  const view = new DataView(target.buffer);
  target.set(XERIAL_MAGIC);
  view.setInt32(XERIAL_MAGIC.length, XERIAL_VERSION);
  view.setInt32(XERIAL_MAGIC.length + 4, XERIAL_VERSION);
  let position = XERIAL_HEADER_SIZE;
  for (const block of blocks) {
    view.setInt32(position, block.length);
    target.set(block, position + 4);
    position += 4 + block.length;
  }
  return target;
}

function compress(block: Uint8Array): Uint8Array {
  if (wasm === undefined) {
    loadSnappy();
    return compressSnappyBlock(block);
  }
  compressBlock ??= wasm.snappyCompressor();
  return compressBlock(block);
}

/**
 * Decompresses a xerial stream or a raw block.
 *
 * @throws {CompressionError} If the bytes are neither.
 * @throws {DecompressedSizeError} If the decompressed size exceeds `maxBytes`.
 */
export function decompressSnappy(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return runSteps(decompressSnappySteps(bytes, maxBytes));
}

/** Like {@linkcode decompressSnappy}, in steps: one per block, and several for a large one. */
export function* decompressSnappySteps(bytes: Uint8Array, maxBytes: number): Steps {
  if (!isXerial(bytes)) return yield* expand(bytes, expandedSize(bytes, maxBytes));
  let size = 0;
  let count = 0;
  for (const block of xerialBlocks(bytes)) {
    size += expandedSize(block, maxBytes - size, maxBytes);
    if (++count % BLOCKS_PER_STEP === 0) yield 0;
  }
  const target = new Uint8Array(size);
  let position = 0;
  for (const block of xerialBlocks(bytes)) {
    const blockSize = expandedSize(block, maxBytes);
    target.set(yield* expand(block, blockSize, size), position);
    position += blockSize;
    yield target.length + blockSize;
  }
  return target;
}

function isXerial(bytes: Uint8Array): boolean {
  return bytes.length >= XERIAL_HEADER_SIZE &&
    XERIAL_MAGIC.every((byte, index) => bytes[index] === byte);
}

function* xerialBlocks(bytes: Uint8Array): Generator<Uint8Array, void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let position = XERIAL_HEADER_SIZE; position < bytes.length;) {
    const left = bytes.length - position - 4;
    const size = left < 0 ? -1 : view.getInt32(position);
    if (size < 0 || size > left) {
      throw new CompressionError(
        `Cannot decompress snappy: block at ${position} is ${size} bytes, ${left} are left`,
      );
    }
    position += 4 + size;
    yield bytes.subarray(position - size, position);
  }
}

/**
 * The decompressed size that a raw block states, checked for plausibility and against the limit.
 */
function expandedSize(block: Uint8Array, allowed: number, maxBytes: number = allowed): number {
  let size = 0;
  for (let index = 0; index < block.length && index < 5; index++) {
    const byte = block[index]!;
    size += (byte & 0x7f) * 2 ** (7 * index);
    if (byte >= 0x80) continue;
    if (size > (block.length - index - 1) * MAX_RATIO) break;
    if (size > allowed) throw new DecompressedSizeError("snappy", maxBytes);
    return size;
  }
  throw new CompressionError(
    `Cannot decompress snappy: a block of ${block.length} bytes cannot expand to what it states`,
  );
}

/** @param held Bytes held in addition to the block. */
function* expand(block: Uint8Array, size: number, held = 0): Steps {
  if (wasm === undefined) loadSnappy();
  // The memory of a WebAssembly instance never shrinks, and a large block takes long.
  if (wasm === undefined || block.length + size > MAX_KEPT_SIZE) {
    let start = 0;
    while (block[start]! >= 0x80) start++;
    const steps = expandSnappyBlockSteps(block.subarray(start + 1), size);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      yield held + value;
    }
  }
  try {
    expandBlock ??= wasm.snappyUncompressor();
    return expandBlock(block, size);
  } catch (error) {
    expandBlock = undefined;
    throw new CompressionError(`Cannot decompress snappy: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
