/**
 * A small Zstandard encoder, for versions of Deno whose `node:zlib` does not support zstd.
 *
 * It finds matches greedily with one hash table, like the fastest levels of zstd. It writes
 * sequences with the predefined distributions of the format, and literals uncompressed. The result
 * is larger than that of zstd, about the size of lz4, and every decoder reads it. It is implemented
 * here because the npm packages that compress to zstd load their WebAssembly asynchronously or from
 * a file, or are native addons.
 *
 * Spec: RFC 8878
 *
 * @module
 */

import { COPY_SLACK, copyLiterals, hashWord, matchLength } from "../matches.ts";
import { BitWriter, FseEncoder } from "./zstd_fse.ts";

const MAGIC = 0xfd2fb528;
const CONTENT_SIZE_4 = 2 << 6;
const SINGLE_SEGMENT = 1 << 5;
const FRAME_HEADER_SIZE = 4 + 1 + 4;

const BLOCK_HEADER_SIZE = 3;
const MAX_BLOCK_SIZE = 128 * 1024;
const RAW_BLOCK = 0;
const COMPRESSED_BLOCK = 2;

/** Raw literals, with a size of 20 bits. */
const RAW_LITERALS = 0b11 << 2;
const RAW_LITERALS_HEADER_SIZE = 3;

/** Shortest match of the format. */
const MIN_CODED_MATCH = 3;

/** A shorter match costs as much as its bytes do as literals. */
const MIN_MATCH = 5;

/** Number of bytes hashed and compared together. */
const WORD_SIZE = 4;

/** No match starts closer to the end of a block than this. */
const MATCH_START_LIMIT = 8;

const HASH_BITS = 14;

/** The step grows by one byte after this many consecutive misses. */
const MISSES_PER_STEP_BITS = 6;

/** Predefined distributions, RFC 8878 section 3.1.1.3.2.2; -1 is a probability of less than one. */
const literalLengths = new FseEncoder(6, [
  ...[4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2],
  ...[2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1],
]);
const matchLengths = new FseEncoder(6, [
  ...[1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
  ...[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1],
]);
const offsets = new FseEncoder(5, [
  ...[1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1],
  ...[1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
]);

/** Number of extra bits of each code, RFC 8878 section 3.1.1.3.2.1.1. */
const LITERAL_LENGTH_BITS = [
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3],
  ...[4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
];
const MATCH_LENGTH_BITS = [
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  ...[0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
];
const LITERAL_LENGTH_BASES = basesOf(LITERAL_LENGTH_BITS, 0);
const MATCH_LENGTH_BASES = basesOf(MATCH_LENGTH_BITS, MIN_CODED_MATCH);

function basesOf(bits: number[], first: number): number[] {
  let base = first;
  return bits.map((count) => (base += 1 << count) - (1 << count));
}

/** The last code whose base is at most `value`. */
function codeOf(bases: number[], value: number): number {
  let low = 0;
  let high = bases.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (bases[middle]! <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Compresses to one frame. */
export function encodeZstd(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new FrameWriter(bytes).write();
}

class FrameWriter {
  readonly #bytes: Uint8Array;
  readonly #source: DataView;
  readonly #target: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  /** Last position of each hash of four bytes, counted from 1. */
  readonly #positions = new Int32Array(1 << HASH_BITS);
  #lastDistance = 1;

  /** Literals of the current block. */
  readonly #literals: Uint8Array<ArrayBuffer>;
  readonly #literalsView: DataView;
  #literalCount = 0;

  /** Sequences of the current block: literal length, match length and offset value of each. */
  readonly #sequences: Int32Array;
  #sequenceCount = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const blockCount = Math.max(1, Math.ceil(bytes.length / MAX_BLOCK_SIZE));
    const blockSize = Math.min(bytes.length, MAX_BLOCK_SIZE);
    // A block that grows is written before it is discarded and stored raw.
    this.#target = new Uint8Array(
      FRAME_HEADER_SIZE + bytes.length + blockCount * BLOCK_HEADER_SIZE + 3 * blockSize + 256,
    );
    this.#view = new DataView(this.#target.buffer);
    this.#literals = new Uint8Array(blockSize + COPY_SLACK);
    this.#literalsView = new DataView(this.#literals.buffer);
    this.#sequences = new Int32Array(3 * Math.ceil(blockSize / MIN_MATCH));
  }

  write(): Uint8Array<ArrayBuffer> {
    const { length } = this.#bytes;
    this.#view.setUint32(0, MAGIC, true);
    this.#target[4] = CONTENT_SIZE_4 | SINGLE_SEGMENT;
    this.#view.setUint32(5, length, true);
    let position = FRAME_HEADER_SIZE;
    let start = 0;
    do {
      const end = Math.min(start + MAX_BLOCK_SIZE, length);
      position = this.#block(start, end, position, end === length);
      start = end;
    } while (start < length);
    return this.#target.subarray(0, position);
  }

  #block(start: number, end: number, position: number, isLast: boolean): number {
    const dataPosition = position + BLOCK_HEADER_SIZE;
    const lastDistance = this.#lastDistance;
    let type = COMPRESSED_BLOCK;
    this.#findSequences(start, end);
    let dataEnd = this.#writeSequences(this.#writeLiterals(dataPosition));
    if (dataEnd - dataPosition >= end - start) {
      type = RAW_BLOCK;
      this.#target.set(this.#bytes.subarray(start, end), dataPosition);
      dataEnd = dataPosition + end - start;
      this.#lastDistance = lastDistance;
    }
    const header = (isLast ? 1 : 0) | (type << 1) | ((dataEnd - dataPosition) << 3);
    this.#view.setUint16(position, header, true);
    this.#target[position + 2] = header >>> 16;
    return dataEnd;
  }

  /** Splits a block into sequences and literals. */
  #findSequences(start: number, end: number): void {
    const source = this.#source;
    const positions = this.#positions;
    this.#sequenceCount = 0;
    this.#literalCount = 0;
    let anchor = start;
    let misses = 1 << MISSES_PER_STEP_BITS;
    for (let current = start; current <= end - MATCH_START_LIMIT;) {
      const word = source.getInt32(current, true);
      const hash = hashWord(word) >>> (32 - HASH_BITS);
      let earlier = positions[hash]! - 1;
      positions[hash] = current + 1;
      if (earlier < 0 || source.getInt32(earlier, true) !== word) {
        current += misses++ >> MISSES_PER_STEP_BITS;
        continue;
      }
      const next = current + WORD_SIZE +
        matchLength(source, earlier + WORD_SIZE, current + WORD_SIZE, end);
      if (next - current < MIN_MATCH) {
        current++;
        continue;
      }
      while (
        current > anchor && earlier > 0 &&
        source.getUint8(current - 1) === source.getUint8(earlier - 1)
      ) {
        current--;
        earlier--;
      }
      this.#addLiterals(anchor, current - anchor);
      this.#addSequence(current - anchor, next - current, current - earlier);
      if (next <= end - MATCH_START_LIMIT) {
        positions[hashWord(source.getInt32(next - 2, true)) >>> (32 - HASH_BITS)] = next - 1;
      }
      anchor = current = next;
      misses = 1 << MISSES_PER_STEP_BITS;
    }
    this.#addLiterals(anchor, end - anchor);
  }

  #addLiterals(start: number, count: number): void {
    this.#literalCount = copyLiterals(
      this.#source,
      start,
      this.#literalsView,
      this.#literalCount,
      count,
    );
  }

  #addSequence(literalLength: number, length: number, distance: number): void {
    const index = 3 * this.#sequenceCount++;
    this.#sequences[index] = literalLength;
    this.#sequences[index + 1] = length;
    // Offset value 1 repeats the last distance, unless there are no literals; distances start at 4.
    const isRepeated = distance === this.#lastDistance && literalLength > 0;
    this.#sequences[index + 2] = isRepeated ? 1 : distance + 3;
    this.#lastDistance = distance;
  }

  /** Writes the literals of a block, and returns the position after them. */
  #writeLiterals(position: number): number {
    const count = this.#literalCount;
    const literals = this.#literals.subarray(0, count);
    const header = RAW_LITERALS | (count << 4);
    this.#view.setUint16(position, header, true);
    this.#target[position + 2] = header >>> 16;
    this.#target.set(literals, position + RAW_LITERALS_HEADER_SIZE);
    return position + RAW_LITERALS_HEADER_SIZE + count;
  }

  /** Writes the sequences of a block, and returns the position after them. */
  #writeSequences(position: number): number {
    const target = this.#target;
    const count = this.#sequenceCount;
    if (count < 0x80) {
      target[position++] = count;
    } else if (count < 0x7f00) {
      target[position++] = (count >>> 8) + 0x80;
      target[position++] = count;
    } else {
      target[position++] = 0xff;
      this.#view.setUint16(position, count - 0x7f00, true);
      position += 2;
    }
    if (count === 0) return position;
    target[position++] = 0; // all three predefined
    // Decoders read from the end, so the last sequence is written first.
    const bits = new BitWriter(target, position);
    const sequences = this.#sequences;
    let literalState = -1;
    let matchState = -1;
    let offsetState = -1;
    for (let index = 3 * (count - 1); index >= 0; index -= 3) {
      const literalLength = sequences[index]!;
      const length = sequences[index + 1]!;
      const offset = sequences[index + 2]!;
      const literalCode = codeOf(LITERAL_LENGTH_BASES, literalLength);
      const matchCode = codeOf(MATCH_LENGTH_BASES, length);
      const offsetCode = 31 - Math.clz32(offset);
      offsetState = offsets.encode(bits, offsetState, offsetCode);
      matchState = matchLengths.encode(bits, matchState, matchCode);
      literalState = literalLengths.encode(bits, literalState, literalCode);
      bits.add(
        literalLength - LITERAL_LENGTH_BASES[literalCode]!,
        LITERAL_LENGTH_BITS[literalCode]!,
      );
      bits.add(length - MATCH_LENGTH_BASES[matchCode]!, MATCH_LENGTH_BITS[matchCode]!);
      bits.add(offset - 2 ** offsetCode, offsetCode);
    }
    matchLengths.finish(bits, matchState);
    offsets.finish(bits, offsetState);
    literalLengths.finish(bits, literalState);
    return bits.close();
  }
}
