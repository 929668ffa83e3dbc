/**
 * Snappy, Kafka's codec 2: the raw block, and xerial's stream of blocks.
 *
 * A raw block begins with the size it expands to, as a varint. The stream is that of xerial's
 * snappy-java: magic 82 'SNAPPY' 00, version and compatible version, then raw blocks, each after
 * its own size; these numbers are big-endian int32. Java clients write the stream and librdkafka
 * the raw block; all read both, as does this. Written is the stream.
 *
 * Blocks are the work of npm:hysnappy, 3 KB of WebAssembly inlined in its module, which is
 * instantiated when it is first needed. It allocates what a block states, so that is checked
 * before.
 *
 * Spec: https://github.com/google/snappy/blob/main/format_description.txt,
 * https://github.com/xerial/snappy-java#compatibility-notes
 *
 * @module
 */

// deno-lint-ignore no-import-prefix
import { snappyCompressor, snappyUncompressor } from "npm:hysnappy@1.1.1";
import { CompressionError, DecompressedSizeError } from "./errors.ts";
import { expandSnappyBlockSteps } from "./snappy_block.ts";
import { runSteps, type Steps } from "./steps.ts";

/** 82 'SNAPPY' 00. As a raw block it would begin with a match, which has nothing to refer to. */
const XERIAL_MAGIC = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00];
const XERIAL_HEADER_SIZE = XERIAL_MAGIC.length + 4 + 4;
const XERIAL_VERSION = 1;

/** Bytes compressed to one block of the stream: what snappy-java has by default. */
const XERIAL_BLOCK_SIZE = 32 * 1024;

/** No element of a block expands to more than 64 bytes out of three. */
const MAX_RATIO = 22;

/** A block that has this size, before and after, is expanded by WebAssembly, a larger one in steps. */
const MAX_KEPT_SIZE = 1024 * 1024;

/** Blocks whose sizes are added up at a step. */
const BLOCKS_PER_STEP = 1000;

let compressBlock: ReturnType<typeof snappyCompressor> | undefined;
let expandBlock: ReturnType<typeof snappyUncompressor> | undefined;

/** Compresses to a xerial stream. */
export function compressSnappy(bytes: Uint8Array): Uint8Array {
  return runSteps(compressSnappySteps(bytes));
}

/** The same in steps, a block each. */
export function* compressSnappySteps(bytes: Uint8Array): Steps {
  const blocks: Uint8Array[] = [];
  let size = XERIAL_HEADER_SIZE;
  for (let start = 0; start < bytes.length; start += XERIAL_BLOCK_SIZE) {
    compressBlock ??= snappyCompressor();
    const block = compressBlock(bytes.subarray(start, start + XERIAL_BLOCK_SIZE));
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

/**
 * Expands a xerial stream or a raw block.
 *
 * @throws {CompressionError} If the bytes are neither.
 * @throws {DecompressedSizeError} If they expand to more than `maxBytes`.
 */
export function decompressSnappy(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return runSteps(decompressSnappySteps(bytes, maxBytes));
}

/** The same in steps: a block each, and several for a large one. */
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

/** The size a raw block says it expands to, if that is possible and allowed. */
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

/** @param held Bytes that are held beside the block. */
function* expand(block: Uint8Array, size: number, held = 0): Steps {
  // The memory of a WebAssembly instance never shrinks, and a large block takes long.
  if (block.length + size > MAX_KEPT_SIZE) {
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
    expandBlock ??= snappyUncompressor();
    return expandBlock(block, size);
  } catch (error) {
    expandBlock = undefined;
    throw new CompressionError(`Cannot decompress snappy: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
