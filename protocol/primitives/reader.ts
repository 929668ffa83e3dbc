/**
 * Reads Kafka's primitive types from one frame.
 *
 * Integers are big-endian. Lengths and counts are checked against the rest of the frame before
 * anything is read or allocated: a wrong length can neither read outside the frame nor allocate
 * more than the frame justifies. Byte ranges are returned as views of the frame; copy them with
 * `slice()` to keep them longer than the frame.
 *
 * Spec: https://kafka.apache.org/protocol.html#protocol_types, KIP-482 for the compact forms.
 *
 * @module
 */

import { joinInt64 } from "./int64.ts";
import { uuidToString } from "./uuid.ts";

/** Thrown when bytes do not form the expected message. */
export class MalformedMessageError extends Error {
  /** The name of the class. */
  override name = "MalformedMessageError";
}

/** Thrown when the arrays of a message have more elements than the reader allows. */
export class TooManyElementsError extends MalformedMessageError {
  override name = "TooManyElementsError";
}

const STRING_MAX = 0x7fff;
/** Maximum number of tags in one tag buffer; Kafka's own messages have up to a dozen. */
const MAX_TAGS = 1000;
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Cache of strings. Names of topics, groups and members occur in every request, and comparing one
 * costs a fraction of decoding it; a cached string also keeps its hash for map lookups. A slot
 * holds the last string assigned to it, so memory is bounded.
 */
const texts: string[] = new Array(1024).fill("");
const CACHED_TEXT_MAX = 64;

/**
 * The slot for some bytes, computed from a few of them; strings that differ in a suffix or a number
 * get different slots.
 */
function textSlot(bytes: Uint8Array, start: number, size: number): number {
  const end = start + size;
  let hash = size * 0x9e5 + bytes[start]! * 0x35 + bytes[end - 1]!;
  hash = hash * 0x83 + bytes[start + (size >> 1)]!;
  if (size > 3) hash = hash * 0x83 + bytes[end - 2]! * 0x11 + bytes[end - 3]!;
  return hash & 1023;
}

/** Whether bytes are the ASCII encoding of `text`; non-ASCII text is never cached. */
function isText(text: string, bytes: Uint8Array, start: number, size: number): boolean {
  if (text.length !== size) return false;
  for (let i = 0; i < size; i++) {
    if (text.charCodeAt(i) !== bytes[start + i]) return false;
  }
  return true;
}

/** A cursor over the bytes of one frame. */
export class Reader {
  readonly #bytes: Uint8Array;
  #position = 0;
  readonly #maxElements: number;
  #elements = 0;

  /**
   * Reads from the first byte of `bytes`, and never past the last.
   *
   * @param maxElements Maximum number of array elements to read in total. Default: no limit.
   */
  constructor(bytes: Uint8Array, maxElements = Infinity) {
    this.#bytes = bytes;
    this.#maxElements = maxElements;
  }

  /** Number of bytes read so far. */
  get position(): number {
    return this.#position;
  }

  /** Number of bytes left to read. */
  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  /** Claims the next `size` bytes and returns their start. */
  #take(size: number): number {
    const at = this.#position;
    if (size > this.#bytes.length - at) throw this.#pastEnd(size);
    this.#position = at + size;
    return at;
  }

  #pastEnd(size: number): MalformedMessageError {
    return new MalformedMessageError(
      `Cannot read ${size} bytes at ${this.#position}: the frame has ${this.#bytes.length}`,
    );
  }

  // The integers repeat `#take()` and combine bytes themselves: a private method call would cost as
  // much as the rest, and a DataView as much as all reads of a small frame.

  /** A boolean: any byte but zero is true. */
  bool(): boolean {
    return this.int8() !== 0;
  }

  /** A signed 8-bit integer. */
  int8(): number {
    const bytes = this.#bytes;
    const at = this.#position;
    if (at >= bytes.length) throw this.#pastEnd(1);
    this.#position = at + 1;
    return bytes[at]! << 24 >> 24;
  }

  /** A signed 16-bit integer. */
  int16(): number {
    const bytes = this.#bytes;
    const at = this.#position;
    if (at + 2 > bytes.length) throw this.#pastEnd(2);
    this.#position = at + 2;
    return (bytes[at]! << 24 | bytes[at + 1]! << 16) >> 16;
  }

  /** An unsigned 16-bit integer. */
  uint16(): number {
    return this.int16() & 0xffff;
  }

  /** A signed 32-bit integer. */
  int32(): number {
    const bytes = this.#bytes;
    const at = this.#position;
    if (at + 4 > bytes.length) throw this.#pastEnd(4);
    this.#position = at + 4;
    return bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
  }

  /** A signed 64-bit integer; outside ±(2^53 − 1) it is rounded to the nearest number. */
  int64(): number {
    const bytes = this.#bytes;
    const at = this.#position;
    if (at + 8 > bytes.length) throw this.#pastEnd(8);
    this.#position = at + 8;
    const high = bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
    const low = bytes[at + 4]! << 24 | bytes[at + 5]! << 16 | bytes[at + 6]! << 8 | bytes[at + 7]!;
    return joinInt64(high, low);
  }

  /** An IEEE 754 double. */
  float64(): number {
    return this.#view(this.#take(8), 8).getFloat64(0);
  }

  #view(at: number, size: number): DataView {
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, size);
  }

  /** A UUID in Kafka's text form: 22 characters of base64url. */
  uuid(): string {
    return uuidToString(this.#bytes, this.#take(16));
  }

  /** An unsigned varint of at most 32 bits. */
  uvarint(): number {
    const bytes = this.#bytes;
    let at = this.#position;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (at >= bytes.length) {
        this.#position = at;
        throw this.#pastEnd(1);
      }
      const byte = bytes[at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        // The fifth byte carries bits 28 to 34, of which a 32-bit value has four.
        if (shift === 28 && byte > 0x0f) break;
        this.#position = at;
        return value >>> 0;
      }
    }
    throw new MalformedMessageError(`Cannot read varint before ${at}: longer than 32 bits`);
  }

  /** A view of the next `size` bytes. @param size Must not be negative. */
  raw(size: number): Uint8Array {
    const start = this.#take(size);
    return this.#bytes.subarray(start, start + size);
  }

  #text(size: number): string {
    const start = this.#take(size);
    const bytes = this.#bytes;
    if (size === 0) return "";
    if (size > CACHED_TEXT_MAX) return utf8.decode(bytes.subarray(start, start + size));
    const slot = textSlot(bytes, start, size);
    const cached = texts[slot]!;
    if (isText(cached, bytes, start, size)) return cached;
    const text = utf8.decode(bytes.subarray(start, start + size));
    if (text.length === size) texts[slot] = text;
    return text;
  }

  #size(size: number, what: string): number {
    if (size < 0) throw new MalformedMessageError(`Cannot read ${what}: it is null`);
    return size;
  }

  /**
   * The length of a compact string, −1 for null, limited to the maximum of the non-compact form.
   */
  #compactTextSize(): number {
    const size = this.uvarint() - 1;
    if (size > STRING_MAX) {
      throw new MalformedMessageError(
        `Cannot read string at ${this.#position}: it takes ${size} bytes, the limit is ${STRING_MAX}`,
      );
    }
    return size;
  }

  /** UTF-8 text after an int16 length. Invalid UTF-8 is replaced by U+FFFD. */
  string(): string {
    return this.#text(this.#size(this.int16(), "string"));
  }

  /** UTF-8 text after an int16 length; null if that is negative. */
  nullableString(): string | null {
    const size = this.int16();
    return size < 0 ? null : this.#text(size);
  }

  /** UTF-8 text after a varint of its length plus one (KIP-482). */
  compactString(): string {
    return this.#text(this.#size(this.#compactTextSize(), "compact string"));
  }

  /** UTF-8 text after a varint of its length plus one; null if that is 0 (KIP-482). */
  compactNullableString(): string | null {
    const size = this.#compactTextSize();
    return size < 0 ? null : this.#text(size);
  }

  /** Bytes after an int32 length, as a view. */
  bytes(): Uint8Array {
    return this.raw(this.#size(this.int32(), "bytes"));
  }

  /** Bytes after an int32 length, as a view; null if that is negative. */
  nullableBytes(): Uint8Array | null {
    const size = this.int32();
    return size < 0 ? null : this.raw(size);
  }

  /** Bytes after a varint of their length plus one, as a view (KIP-482). */
  compactBytes(): Uint8Array {
    return this.raw(this.#size(this.uvarint() - 1, "compact bytes"));
  }

  /** Bytes after a varint of their length plus one, as a view; null if that is 0 (KIP-482). */
  compactNullableBytes(): Uint8Array | null {
    const size = this.uvarint() - 1;
    return size < 0 ? null : this.raw(size);
  }

  /**
   * The count of an array whose elements have at least `minSize` bytes each; −1 for null.
   *
   * @throws {TooManyElementsError} If there are more elements than the reader allows.
   */
  arrayCount(minSize: number): number {
    return this.#count(this.int32(), minSize);
  }

  /** The count of a compact array; −1 for null. */
  compactArrayCount(minSize: number): number {
    return this.#count(this.uvarint() - 1, minSize);
  }

  #count(count: number, minSize: number): number {
    if (count > 0 && count * minSize > this.remaining) {
      throw new MalformedMessageError(
        `Cannot read array at ${this.#position}: ${count} elements do not fit in ${this.remaining} bytes`,
      );
    }
    if (count <= 0) return count < 0 ? -1 : 0;
    this.#elements += count;
    if (this.#elements > this.#maxElements) throw this.#tooMany();
    return count;
  }

  #tooMany(): TooManyElementsError {
    return new TooManyElementsError(
      `Cannot read message: it has ${this.#elements} elements or more, the limit is ${this.#maxElements}`,
    );
  }

  /** Skips a tag buffer with unknown tags only (KIP-482). */
  skipTags(): void {
    for (let count = this.tagCount(); count > 0; count--) {
      this.uvarint();
      this.#take(this.uvarint());
    }
  }

  /**
   * The number of tags in a tag buffer. The limit is low, because tags are read without a pause.
   */
  tagCount(): number {
    const count = this.uvarint();
    if (count <= MAX_TAGS) return count;
    throw new MalformedMessageError(
      `Cannot read tags before ${this.#position}: there are ${count}, the limit is ${MAX_TAGS}`,
    );
  }
}
