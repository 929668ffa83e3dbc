/**
 * The structure of Zstandard frames: what their headers say, without decompressing.
 *
 *     4    magic 28 B5 2F FD
 *     1    descriptor: bits 7-6 size of the content size, 5 single segment, 2 checksum,
 *          1-0 size of the dictionary id
 *     0-1  window descriptor, unless single segment
 *     0-4  dictionary id
 *     0-8  content size
 *     …    blocks: 3 bytes of header, bit 0 last, bits 2-1 type, the rest size; data
 *     0-4  checksum
 *
 * Numbers are little-endian. Skippable frames (magic 5x 2A 4D 18, size) may occur between frames.
 *
 * Spec: RFC 8878 section 3.1
 *
 * @module
 */

import { CompressionError } from "../errors.ts";

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;

const SINGLE_SEGMENT = 1 << 5;
const RESERVED = 1 << 3;
const CHECKSUM = 1 << 2;

const BLOCK_HEADER_SIZE = 3;
const RLE_BLOCK = 1;
const COMPRESSED_BLOCK = 2;

/** Maximum decompressed size of one block. */
const MAX_ZSTD_BLOCK_SIZE: number = 128 * 1024;

/** Maximum window size, like that of other decoders. */
const MAX_WINDOW_SIZE = 2 ** 27;

/** Each frame costs a decoder time, however small it is; writers produce one. */
const MAX_FRAMES = 100;

/** Properties of a frame known before decompression. */
export interface ZstdFrame {
  readonly bytes: Uint8Array;
  /** The decompressed size, if the frame states it. */
  readonly contentSize: number | undefined;
  /** Maximum decompressed size of all blocks. */
  readonly maxSize: number;
}

/**
 * Parses consecutive frames. Truncation must be detected here: `node:zlib` returns partial output
 * for truncated input, and ignores everything after the first frame.
 *
 * @throws {CompressionError} If the frames are truncated, or the bytes are not frames.
 */
export function zstdFrames(bytes: Uint8Array): ZstdFrame[] {
  return new FrameReader(bytes).read();
}

class FrameReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(): ZstdFrame[] {
    const frames: ZstdFrame[] = [];
    do {
      const start = this.#position;
      const magic = this.#number(4);
      if (frames.length === MAX_FRAMES) {
        throw new CompressionError(
          `Cannot decompress zstd: there are more than ${MAX_FRAMES} frames`,
        );
      }
      if (magic === MAGIC) frames.push(this.#frame(start));
      else if (((magic & ~0xf) >>> 0) === SKIPPABLE_MAGIC) this.#take(this.#number(4));
      else throw new CompressionError(`Cannot decompress zstd: magic is ${magic.toString(16)}`);
    } while (this.#position < this.#bytes.length);
    return frames;
  }

  #frame(start: number): ZstdFrame {
    const descriptor = this.#number(1);
    if (descriptor & RESERVED) {
      throw new CompressionError(
        `Cannot decompress zstd: descriptor is ${descriptor.toString(16)}`,
      );
    }
    const contentSize = this.#contentSize(descriptor);
    const maxSize = this.#blocks();
    if (descriptor & CHECKSUM) this.#take(4);
    return { bytes: this.#bytes.subarray(start, this.#position), contentSize, maxSize };
  }

  #contentSize(descriptor: number): number | undefined {
    if (!(descriptor & SINGLE_SEGMENT)) {
      const window = this.#number(1);
      const base = 2 ** (10 + (window >>> 3));
      const windowSize = base + (base / 8) * (window & 7);
      if (windowSize > MAX_WINDOW_SIZE) {
        throw new CompressionError(
          `Cannot decompress zstd: window is ${windowSize} bytes, ${MAX_WINDOW_SIZE} are supported`,
        );
      }
    }
    this.#take([0, 1, 2, 4][descriptor & 3]!);
    const size = descriptor >>> 6 === 0
      ? (descriptor & SINGLE_SEGMENT) >>> 5
      : 1 << (descriptor >>> 6);
    return size === 0 ? undefined : this.#number(size) + (size === 2 ? 256 : 0);
  }

  #blocks(): number {
    let maxSize = 0;
    for (let isLast = false; !isLast;) {
      const header = this.#number(BLOCK_HEADER_SIZE);
      const type = (header >>> 1) & 3;
      const size = header >>> 3;
      if (type > COMPRESSED_BLOCK || size > MAX_ZSTD_BLOCK_SIZE) {
        throw new CompressionError(
          `Cannot decompress zstd: block is of type ${type} and ${size} bytes`,
        );
      }
      this.#take(type === RLE_BLOCK ? 1 : size);
      maxSize += type === COMPRESSED_BLOCK ? MAX_ZSTD_BLOCK_SIZE : size;
      isLast = (header & 1) === 1;
    }
    return maxSize;
  }

  /** Reads the next `size` bytes as a number, which loses precision above 2^53. */
  #number(size: number): number {
    const start = this.#take(size);
    let value = 0;
    for (let index = size - 1; index >= 0; index--) {
      value = value * 0x100 + this.#bytes[start + index]!;
    }
    return value;
  }

  /** Claims the next `size` bytes and returns their start. */
  #take(size: number): number {
    const position = this.#position;
    if (size > this.#bytes.length - position) {
      throw new CompressionError(
        `Cannot decompress zstd: ${size} bytes are needed at ${position}, ${
          this.#bytes.length - position
        } are there`,
      );
    }
    this.#position = position + size;
    return position;
  }
}
