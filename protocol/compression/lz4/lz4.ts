/**
 * The LZ4 frame, Kafka's codec 3.
 *
 *     4  magic 04 22 4D 18
 *     1  FLG: bits 7-6 version 01, 5 independent blocks, 4 block checksums, 3 content size,
 *        2 content checksum, 0 dictionary id
 *     1  BD: bits 6-4 maximum block size, 4 to 7 for 64 KiB to 4 MiB
 *     8  content size, if stated
 *     1  header checksum: the second byte of the XXH32 of FLG to content size
 *     …  blocks: 4 size, top bit set if uncompressed; data; 4 checksum, if FLG says so
 *     4  00 00 00 00, the end
 *     4  content checksum, if FLG says so
 *
 * Numbers are little-endian. The writer uses independent blocks like Java clients, and states the
 * content size, which lets a reader allocate once. The reader accepts everything the format allows
 * except dictionaries, which Kafka does not use.
 *
 * This codec is implemented here because the npm packages for it are native addons, or load their
 * WebAssembly from a file, asynchronously or at every start, and none limits the decompressed size.
 *
 * Spec: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 *
 * @module
 */

import { CompressionError, DecompressedSizeError } from "../errors.ts";
import { compressLz4Block, decompressLz4Block, maxLz4BlockSize } from "./lz4_block.ts";
import { runSteps, type Steps } from "../steps.ts";
import { xxhash32, xxhash32Steps } from "./xxhash32.ts";

const MAGIC = 0x184d2204;
const SKIPPABLE_MAGIC = 0x184d2a50;
const VERSION = 0b01 << 6;
const INDEPENDENT_BLOCKS = 1 << 5;
const BLOCK_CHECKSUMS = 1 << 4;
const CONTENT_SIZE = 1 << 3;
const CONTENT_CHECKSUM = 1 << 2;
const RESERVED = 1 << 1;
const DICTIONARY_ID = 1 << 0;

const FLG_POSITION = 4;
const BD_POSITION = FLG_POSITION + 1;
const CONTENT_SIZE_POSITION = BD_POSITION + 1;
const HEADER_SIZE = CONTENT_SIZE_POSITION + 8 + 1;

/** Kafka's default. */
const DEFAULT_LEVEL = 9;

const STORED = 0x8000_0000;
const MIN_BLOCK_CODE = 4;

/**
 * Smaller than the maximum of 4 MiB, since a reader needs a buffer of this size per frame.
 */
const MAX_BLOCK_CODE = 6;

/**
 * Maximum expansion ratio of a block: no sequence expands by more than 255 times, and a whole block
 * by less.
 */
const MAX_RATIO = 255;

/**
 * Compresses to one frame.
 *
 * @param level From 1, the fastest, to 17, the smallest. It controls how soon input without matches
 *   is skipped. All levels use the same match finder, so their results differ less than those of
 *   liblz4.
 */
export function compressLz4(bytes: Uint8Array, level?: number): Uint8Array {
  return runSteps(compressLz4Steps(bytes, level));
}

/** Like {@linkcode compressLz4}, in steps of one block. */
export function* compressLz4Steps(bytes: Uint8Array, level: number = DEFAULT_LEVEL): Steps {
  let blockCode = MIN_BLOCK_CODE;
  while (blockCode < MAX_BLOCK_CODE && bytes.length > maxBlockSize(blockCode)) blockCode++;
  const blockSize = maxBlockSize(blockCode);
  const blockCount = Math.ceil(bytes.length / blockSize);
  const target = new Uint8Array(
    HEADER_SIZE + 4 + blockCount * 4 + maxLz4BlockSize(bytes.length) + 16 * blockCount,
  );
  const view = new DataView(target.buffer);
  view.setUint32(0, MAGIC, true);
  target[FLG_POSITION] = VERSION | INDEPENDENT_BLOCKS | CONTENT_SIZE;
  target[BD_POSITION] = blockCode << 4;
  view.setUint32(CONTENT_SIZE_POSITION, bytes.length, true);
  target[HEADER_SIZE - 1] = xxhash32(target, FLG_POSITION, HEADER_SIZE - 1) >>> 8;

  let position = HEADER_SIZE;
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const missesPerStepBits = (level + 3) >> 1;
  for (let start = 0; start < bytes.length; start += blockSize) {
    const end = Math.min(start + blockSize, bytes.length);
    const dataPosition = position + 4;
    let dataEnd = compressLz4Block(source, start, end, view, dataPosition, missesPerStepBits);
    if (dataEnd - dataPosition < end - start) {
      view.setUint32(position, dataEnd - dataPosition, true);
    } else {
      target.set(bytes.subarray(start, end), dataPosition);
      dataEnd = dataPosition + end - start;
      view.setUint32(position, (end - start) | STORED, true);
    }
    position = dataEnd;
    if (end < bytes.length) yield target.length;
  }
  view.setUint32(position, 0);
  return target.subarray(0, position + 4);
}

/**
 * Decompresses one frame, or several consecutive ones.
 *
 * @throws {CompressionError} If the bytes are not a valid frame.
 * @throws {DecompressedSizeError} If the decompressed size exceeds `maxBytes`.
 */
export function decompressLz4(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return runSteps(decompressLz4Steps(bytes, maxBytes));
}

/** Like {@linkcode decompressLz4}, in steps of one block. */
export function decompressLz4Steps(bytes: Uint8Array, maxBytes: number): Steps {
  return new FrameReader(bytes, maxBytes).read();
}

function maxBlockSize(code: number): number {
  return 1 << (8 + 2 * code);
}

class FrameReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #maxBytes: number;
  /**
   * Maximum total size after the current frame: `maxBytes`, or the size that the frame states.
   */
  #limit: number;
  #position = 0;
  #target: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #targetView: DataView = new DataView(this.#target.buffer);
  #size = 0;

  constructor(bytes: Uint8Array, maxBytes: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#maxBytes = this.#limit = maxBytes;
  }

  *read(): Steps {
    do {
      const magic = this.#uint32();
      if (magic === MAGIC) yield* this.#frame();
      else if ((magic & ~0xf) === SKIPPABLE_MAGIC) this.#take(this.#uint32());
      else throw new CompressionError(`Cannot decompress lz4: magic is ${magic.toString(16)}`);
      yield this.#target.length;
    } while (this.#position < this.#bytes.length);
    return this.#target.subarray(0, this.#size);
  }

  *#frame(): Generator<number, void> {
    const start = this.#size;
    const { flags, blockSize, contentSize } = this.#header();
    this.#limit = this.#maxBytes;
    if (contentSize !== undefined) {
      if (contentSize > this.#maxBytes - start) {
        throw new DecompressedSizeError("lz4", this.#maxBytes);
      }
      this.#limit = start + contentSize;
      this.#reserve(Math.min(contentSize, (this.#bytes.length - this.#position) * MAX_RATIO));
    }
    while (true) {
      const word = this.#uint32();
      if (word === 0) break;
      this.#block(word, blockSize, flags & INDEPENDENT_BLOCKS ? this.#size : start);
      if (flags & BLOCK_CHECKSUMS) {
        const end = this.#position;
        this.#check("block", xxhash32(this.#bytes, end - (word & ~STORED), end));
      }
      yield this.#target.length;
    }
    if (flags & CONTENT_CHECKSUM) this.#check("content", yield* this.#contentChecksum(start));
    if (contentSize !== undefined && contentSize !== this.#size - start) {
      throw new CompressionError(
        `Cannot decompress lz4: size is ${this.#size - start} bytes, ${contentSize} are stated`,
      );
    }
  }

  *#contentChecksum(start: number): Generator<number, number> {
    const steps = xxhash32Steps(this.#target, start, this.#size);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      yield this.#target.length;
    }
  }

  #header(): { flags: number; blockSize: number; contentSize: number | undefined } {
    const start = this.#position;
    const flags = this.#bytes[this.#take(1)]!;
    const descriptor = this.#bytes[this.#take(1)]!;
    const blockCode = descriptor >>> 4;
    if (
      (flags & (0b11 << 6)) !== VERSION || flags & (RESERVED | DICTIONARY_ID) ||
      descriptor & 0x0f || blockCode < MIN_BLOCK_CODE || blockCode > 7
    ) {
      throw new CompressionError(
        `Cannot decompress lz4: frame header is ${flags.toString(16)} ${descriptor.toString(16)}`,
      );
    }
    let contentSize: number | undefined;
    if (flags & CONTENT_SIZE) contentSize = this.#uint32() + this.#uint32() * 2 ** 32;
    const checksumPosition = this.#take(1);
    const checksum = this.#bytes[checksumPosition]!;
    // Clients with KAFKA-3160 include the magic in the header checksum, which does no harm.
    if (
      checksum !== (xxhash32(this.#bytes, start, checksumPosition) >>> 8 & 0xff) &&
      checksum !== (xxhash32(this.#bytes, start - 4, checksumPosition) >>> 8 & 0xff)
    ) {
      throw new CompressionError("Cannot decompress lz4: header checksum does not match");
    }
    return { flags, blockSize: maxBlockSize(blockCode), contentSize };
  }

  #block(word: number, blockSize: number, historyStart: number): void {
    const size = word & ~STORED;
    const start = this.#take(size);
    if (size > blockSize) {
      throw new CompressionError(
        `Cannot decompress lz4: block is ${size} bytes, the frame allows ${blockSize}`,
      );
    }
    const allowed = Math.min(blockSize, this.#limit - this.#size);
    let end = -1;
    if (!(word & STORED)) {
      this.#reserve(Math.min(allowed, size * MAX_RATIO));
      end = decompressLz4Block(
        this.#view,
        start,
        start + size,
        this.#targetView,
        this.#size,
        Math.min(this.#size + allowed, this.#target.length),
        historyStart,
      );
    } else if (size <= allowed) {
      this.#reserve(size);
      this.#target.set(this.#bytes.subarray(start, start + size), this.#size);
      end = this.#size + size;
    }
    if (end < 0) throw this.#tooLarge(allowed < blockSize);
    this.#size = end;
  }

  #reserve(size: number): void {
    const needed = this.#size + size;
    if (needed <= this.#target.length) return;
    const capacity = Math.min(Math.max(needed, 2 * this.#target.length), this.#limit);
    const target = new Uint8Array(capacity);
    target.set(this.#target.subarray(0, this.#size));
    this.#target = target;
    this.#targetView = new DataView(target.buffer);
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** Claims the next `size` bytes and returns their start. */
  #take(size: number): number {
    const position = this.#position;
    if (size > this.#bytes.length - position) {
      throw new CompressionError(
        `Cannot decompress lz4: ${size} bytes are needed at ${position}, ${
          this.#bytes.length - position
        } are there`,
      );
    }
    this.#position = position + size;
    return position;
  }

  #check(what: string, computed: number): void {
    if (this.#uint32() !== computed) {
      throw new CompressionError(`Cannot decompress lz4: ${what} checksum does not match`);
    }
  }

  #tooLarge(isLimit: boolean): CompressionError {
    return isLimit && this.#limit === this.#maxBytes
      ? new DecompressedSizeError("lz4", this.#maxBytes)
      : new CompressionError(
        "Cannot decompress lz4: a block expands to more than its frame states",
      );
  }
}
