/**
 * The LZ4 block: the compressed data between the sizes and checksums of a frame.
 *
 * A block is a list of sequences. A sequence has a token, whose high four bits count literals and
 * whose low four bits count match bytes minus four, both continued in further bytes at 15; the
 * literals; and the match distance, two bytes little-endian. The last sequence has literals only. A
 * match ends at least 5 bytes before the end and starts at least 12 before it.
 *
 * Spec: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 *
 * @module
 */

import { CompressionError } from "../errors.ts";
import { copyLiterals, copyMatch, hashWord, matchLength, moveEight } from "../matches.ts";

const MIN_MATCH = 4;
const MAX_DISTANCE = 65535;
const LAST_LITERALS = 5;
const MATCH_START_LIMIT = 12;

/** Number of bytes copied unconditionally for up to 14 literals, and for a match of up to 18. */
const SHORT_LITERALS_MOVED = 16;
const SHORT_MATCH_MOVED = 24;

const MIN_HASH_BITS = 8;
const MAX_HASH_BITS = 14;

/** The step grows by one byte after 2 to the power of this many consecutive misses. */
const MISSES_PER_STEP_BITS = 6;

/**
 * Last position of each hash of four bytes, counted from 1; cleared at the start of every call.
 */
const positions = new Int32Array(1 << MAX_HASH_BITS);

/** Maximum compressed size of a block of `size` bytes. */
export function maxLz4BlockSize(size: number): number {
  return size + Math.floor(size / 255) + 16;
}

/**
 * Compresses bytes `start` to `end` of `source` into `target` at `position`, where {@linkcode
 * maxLz4BlockSize} bytes must be free, and returns the position after it.
 */
export function compressLz4Block(
  source: DataView,
  start: number,
  end: number,
  target: DataView,
  position: number,
  missesPerStepBits: number = MISSES_PER_STEP_BITS,
): number {
  const hashBits = Math.max(MIN_HASH_BITS, Math.min(MAX_HASH_BITS, 32 - Math.clz32(end - start)));
  const hashShift = 32 - hashBits;
  positions.fill(0, 0, 1 << hashBits);

  const lastStart = end - MATCH_START_LIMIT;
  let anchor = start;
  let misses = 1 << missesPerStepBits;
  for (let current = start; current <= lastStart;) {
    const word = source.getInt32(current, true);
    const hash = hashWord(word) >>> hashShift;
    let earlier = positions[hash]! - 1;
    positions[hash] = current + 1;
    if (
      earlier < start || current - earlier > MAX_DISTANCE ||
      source.getInt32(earlier, true) !== word
    ) {
      current += misses++ >> missesPerStepBits;
      continue;
    }
    const next = current + MIN_MATCH +
      matchLength(source, earlier + MIN_MATCH, current + MIN_MATCH, end - LAST_LITERALS);
    while (
      current > anchor && earlier > start &&
      source.getUint8(current - 1) === source.getUint8(earlier - 1)
    ) {
      current--;
      earlier--;
    }
    position = writeLiterals(source, anchor, current, target, position, next - current);
    position = writeMatch(target, position, current - earlier, next - current);
    if (next <= lastStart) {
      positions[hashWord(source.getInt32(next - 2, true)) >>> hashShift] = next - 1;
    }
    anchor = current = next;
    misses = 1 << missesPerStepBits;
  }
  return writeLiterals(source, anchor, end, target, position, MIN_MATCH);
}

/** Writes the token of a sequence, including the match length, and its literals. */
function writeLiterals(
  source: DataView,
  start: number,
  end: number,
  target: DataView,
  position: number,
  matchLength: number,
): number {
  const count = end - start;
  const token = (Math.min(count, 15) << 4) | Math.min(matchLength - MIN_MATCH, 15);
  target.setUint8(position++, token);
  if (count >= 15) position = writeLength(target, position, count - 15);
  return copyLiterals(source, start, target, position, count);
}

function writeMatch(target: DataView, position: number, distance: number, length: number): number {
  target.setUint16(position, distance, true);
  position += 2;
  const extra = length - MIN_MATCH;
  return extra < 15 ? position : writeLength(target, position, extra - 15);
}

function writeLength(target: DataView, position: number, length: number): number {
  for (; length >= 255; length -= 255) target.setUint8(position++, 255);
  target.setUint8(position++, length);
  return position;
}

/**
 * Decompresses the block in bytes `start` to `end` of `source` into `target` at `position`, and
 * returns the position after it, or -1 if that would exceed `limit`. May write up to seven bytes
 * more, if `target` has room.
 *
 * @param historyStart First byte of `target` that matches may refer to.
 * @throws {CompressionError} If the block is malformed.
 */
export function decompressLz4Block(
  source: DataView,
  start: number,
  end: number,
  target: DataView,
  position: number,
  limit: number,
  historyStart: number,
): number {
  const lastShortFrom = end - (SHORT_LITERALS_MOVED + 2);
  const lastShortPosition = limit - (SHORT_LITERALS_MOVED + SHORT_MATCH_MOVED);
  let from = start;
  while (from < end) {
    const token = source.getUint8(from++);
    let literals = token >>> 4;
    if (
      literals < 15 && (token & 15) < 15 && from <= lastShortFrom && position <= lastShortPosition
    ) {
      // Most sequences are short and far from the ends: copying a fixed number of bytes avoids
      // branches.
      const distance = source.getUint16(from + literals, true);
      const matchPosition = position + literals;
      const earlier = matchPosition - distance;
      if (distance >= 8 && earlier >= historyStart) {
        moveEight(source, from, target, position);
        moveEight(source, from + 8, target, position + 8);
        moveEight(target, earlier, target, matchPosition);
        moveEight(target, earlier + 8, target, matchPosition + 8);
        moveEight(target, earlier + 16, target, matchPosition + 16);
        from += literals + 2;
        position = matchPosition + (token & 15) + MIN_MATCH;
        continue;
      }
    }
    if (literals === 15) {
      let byte = 255;
      while (byte === 255) {
        if (from >= end) throw truncated();
        byte = source.getUint8(from++);
        literals += byte;
      }
    }
    if (literals > end - from) throw truncated();
    if (literals > limit - position) return -1;
    position = copyLiterals(source, from, target, position, literals);
    from += literals;
    if (from === end) return position;

    if (end - from < 2) throw truncated();
    const distance = source.getUint16(from, true);
    from += 2;
    if (distance === 0 || distance > position - historyStart) {
      throw new CompressionError(
        `Cannot decompress lz4: match distance is ${distance}, ${
          position - historyStart
        } bytes are there`,
      );
    }
    let length = (token & 15) + MIN_MATCH;
    if (length === 15 + MIN_MATCH) {
      let byte = 255;
      while (byte === 255) {
        if (from >= end) throw truncated();
        byte = source.getUint8(from++);
        length += byte;
      }
    }
    if (length > limit - position) return -1;
    position = copyMatch(target, position, distance, length);
  }
  throw truncated();
}

function truncated(): CompressionError {
  return new CompressionError("Cannot decompress lz4: a block ends in the middle of a sequence");
}
