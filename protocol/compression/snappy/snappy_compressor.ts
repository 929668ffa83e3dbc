/**
 * Compresses to the raw snappy block; see `snappy_block.ts` for its elements.
 *
 * @module
 */

import { COPY_SLACK, copyLiterals, hashWord, matchLength } from "../matches.ts";

/** A match is at least this long, and found by a hash of as many bytes. */
const MIN_MATCH = 4;
const MIN_HASH_BITS = 8;
const MAX_HASH_BITS = 14;
/** The step grows by one byte after 2 to the power of this many consecutive misses. */
const MISSES_PER_STEP_BITS = 5;

/** A literal up to this size has its length in the tag. */
const MAX_TAGGED_LITERAL = 60;
/** A copy up to this size, from less than {@linkcode SHORT_DISTANCE} back, takes two bytes. */
const MAX_SHORT_COPY = 11;
const SHORT_DISTANCE = 2048;
const MAX_COPY = 64;

/** Bytes that a block of this format may have: a distance takes two bytes. */
export const MAX_SNAPPY_BLOCK_SIZE: number = 64 * 1024;

/** Last position of each hash of four bytes, counted from 1; cleared at the start of every call. */
const positions = new Int32Array(1 << MAX_HASH_BITS);
/** Where blocks are written before their size is known. */
let scratch = new DataView(new ArrayBuffer(0));

/** Compresses at most {@linkcode MAX_SNAPPY_BLOCK_SIZE} bytes. */
export function compressSnappyBlock(bytes: Uint8Array): Uint8Array {
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length;
  const maxSize = 32 + end + Math.floor(end / 6) + COPY_SLACK;
  if (scratch.byteLength < maxSize) scratch = new DataView(new ArrayBuffer(maxSize));
  const target = scratch;
  const hashBits = Math.max(MIN_HASH_BITS, Math.min(MAX_HASH_BITS, 32 - Math.clz32(end)));
  const hashShift = 32 - hashBits;
  positions.fill(0, 0, 1 << hashBits);

  let to = writeSize(target, end);
  let anchor = 0;
  let misses = 1 << MISSES_PER_STEP_BITS;
  for (let at = 0; at + MIN_MATCH <= end;) {
    const word = source.getInt32(at, true);
    const hash = hashWord(word) >>> hashShift;
    const earlier = positions[hash]! - 1;
    positions[hash] = at + 1;
    if (earlier < 0 || source.getInt32(earlier, true) !== word) {
      at += misses++ >> MISSES_PER_STEP_BITS;
      continue;
    }
    if (at > anchor) to = writeLiterals(source, anchor, target, to, at - anchor);
    const length = MIN_MATCH + matchLength(source, earlier + MIN_MATCH, at + MIN_MATCH, end);
    to = writeCopy(target, to, at - earlier, length);
    at += length;
    anchor = at;
    misses = 1 << MISSES_PER_STEP_BITS;
    if (at + MIN_MATCH <= end) {
      positions[hashWord(source.getInt32(at - 1, true)) >>> hashShift] = at;
    }
  }
  if (end > anchor) to = writeLiterals(source, anchor, target, to, end - anchor);
  return new Uint8Array(target.buffer.slice(0, to) as ArrayBuffer);
}

/** Writes the decompressed size, and returns the position after it. */
function writeSize(target: DataView, size: number): number {
  let position = 0;
  for (; size >= 0x80; size >>>= 7) target.setUint8(position++, size & 0x7f | 0x80);
  target.setUint8(position++, size);
  return position;
}

function writeLiterals(
  source: DataView,
  start: number,
  target: DataView,
  position: number,
  size: number,
): number {
  if (size <= MAX_TAGGED_LITERAL) {
    target.setUint8(position++, (size - 1) << 2);
  } else if (size <= 0x100) {
    target.setUint8(position++, MAX_TAGGED_LITERAL << 2);
    target.setUint8(position++, size - 1);
  } else {
    target.setUint8(position++, (MAX_TAGGED_LITERAL + 1) << 2);
    target.setUint16(position, size - 1, true);
    position += 2;
  }
  return copyLiterals(source, start, target, position, size);
}

function writeCopy(target: DataView, position: number, distance: number, length: number): number {
  // What is left is long enough for a copy of its own.
  for (; length >= MAX_COPY + MIN_MATCH; length -= MAX_COPY) {
    position = writeLongCopy(target, position, distance, MAX_COPY);
  }
  if (length > MAX_COPY) {
    position = writeLongCopy(target, position, distance, MAX_COPY - MIN_MATCH);
    length -= MAX_COPY - MIN_MATCH;
  }
  if (length > MAX_SHORT_COPY || distance >= SHORT_DISTANCE) {
    return writeLongCopy(target, position, distance, length);
  }
  target.setUint8(position, (distance >>> 8) << 5 | (length - MIN_MATCH) << 2 | 1);
  target.setUint8(position + 1, distance & 0xff);
  return position + 2;
}

function writeLongCopy(target: DataView, position: number, distance: number, length: number) {
  target.setUint8(position, (length - 1) << 2 | 2);
  target.setUint16(position + 1, distance, true);
  return position + 3;
}
