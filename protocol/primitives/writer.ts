/**
 * Writes Kafka's primitive types to growing memory, and splices large byte ranges without a copy.
 *
 * A writer has one growing buffer. `splice()` of a large range closes the bytes written so far as
 * one chunk, adds the range as the next chunk and continues after it: `take()` returns a list of
 * chunks whose concatenation is the message. Several frames may be written before they are taken: a
 * connection gathers all responses of one turn in one writer.
 *
 * Spec: https://kafka.apache.org/protocol.html#protocol_types, KIP-482 for the compact forms.
 *
 * @module
 */

import { setInt64, upperInt32 } from "./int64.ts";
import { uuidToBytes } from "./uuid.ts";

/** Thrown when a value does not fit the type or version it is written as. */
export class UnencodableValueError extends Error {
  /** The name of the class. */
  override name = "UnencodableValueError";
}

const INITIAL_SIZE = 256;
/** Bounds of the buffer that follows a taken one; growth stops at the upper bound. */
const BUFFER_KEPT = 8 * 1024;
const BUFFER_MAX = 64 * 1024;
/** Below this size a copy costs less than one more chunk for the socket. */
const SPLICE_MIN_SIZE = 4096;
const ASCII_ENCODE_MAX = 64;
/** The maximum size of a frame. */
const FRAME_MAX = 2 ** 31 - 1;
const NOTHING = new Uint8Array(0);
const utf8 = new TextEncoder();

/** The chunks that `Writer.take()` returns; their concatenation is what was written. */
export type Chunks = Uint8Array<ArrayBuffer>[];

/** A growing buffer with methods for Kafka's primitive types. */
export class Writer {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  /** Minimum size of the next buffer. */
  #nextLength = 0;
  /** Start in `#bytes` of the bytes that are not yet in a chunk. */
  #start = 0;
  #position = 0;
  #chunks: Chunks = [];
  #chunkedSize = 0;
  /** Position of the open frame's size; the view is null while that position is in `#bytes`. */
  #frameAt = -1;
  #frameView: DataView | null = null;
  #frameStart = 0;

  /** Creates an empty writer. @param size Initial buffer size in bytes. */
  constructor(size = INITIAL_SIZE) {
    this.#bytes = new Uint8Array(size);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Number of bytes written and not yet taken. */
  get size(): number {
    return this.#chunkedSize + this.#position - this.#start;
  }

  /**
   * Claims the next `size` bytes and returns their start. Growing replaces `#bytes` and `#view`, so
   * neither may be evaluated before this returns.
   */
  #reserve(size: number): number {
    const at = this.#position;
    if (at + size > this.#bytes.length) return this.#grow(size);
    this.#position = at + size;
    return at;
  }

  /** Like `#reserve()`, in new memory. Bytes that are worth a chunk are closed, not copied. */
  #grow(size: number): number {
    if (this.#position - this.#start >= SPLICE_MIN_SIZE) this.#closeChunk();
    const held = this.#position - this.#start;
    const doubled = Math.min(2 * this.#bytes.length, BUFFER_MAX);
    const grown = new Uint8Array(Math.max(held + size, doubled, INITIAL_SIZE, this.#nextLength));
    this.#nextLength = 0;
    grown.set(this.#bytes.subarray(this.#start, this.#position));
    if (this.#frameAt >= 0 && this.#frameView === null) this.#frameAt -= this.#start;
    this.#replace(grown);
    this.#position = held + size;
    return held;
  }

  #replace(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    this.#start = 0;
    this.#position = 0;
  }

  #closeChunk(): void {
    if (this.#position === this.#start) return;
    if (this.#frameAt >= 0) this.#frameView ??= this.#view;
    this.#chunks.push(this.#bytes.subarray(this.#start, this.#position));
    this.#chunkedSize += this.#position - this.#start;
    this.#start = this.#position;
  }

  /**
   * Starts a frame: `endFrame()` writes the size of everything written until then in front of it.
   */
  beginFrame(): void {
    this.#frameStart = this.size;
    this.#frameAt = this.#reserve(4);
    this.#frameView = null;
  }

  /**
   * Ends the open frame by writing its size. Returns the size, excluding its own four bytes.
   *
   * @throws {UnencodableValueError} if the frame exceeds the maximum size; it then stays open.
   */
  endFrame(): number {
    const size = this.size - this.#frameStart - 4;
    if (size > FRAME_MAX) {
      throw new UnencodableValueError(
        `Cannot send frame of ${size} bytes: the limit is ${FRAME_MAX}`,
      );
    }
    (this.#frameView ?? this.#view).setInt32(this.#frameAt, size);
    this.#frameAt = -1;
    return size;
  }

  /**
   * Discards the open frame and everything written since `beginFrame()`. Used after an encoder has
   * failed.
   */
  abandonFrame(): void {
    let excess = this.size - this.#frameStart;
    const open = Math.min(excess, this.#position - this.#start);
    this.#position -= open;
    excess -= open;
    while (excess > 0) {
      const last = this.#chunks.pop()!;
      const kept = Math.max(0, last.length - excess);
      excess -= last.length - kept;
      this.#chunkedSize -= last.length - kept;
      if (kept > 0) this.#chunks.push(last.subarray(0, kept));
    }
    this.#frameAt = -1;
  }

  /** Returns all chunks written, and starts again with none. */
  take(): Chunks {
    this.#closeChunk();
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#chunkedSize = 0;
    // The returned chunks refer to this buffer, so only the bytes after them are free. A larger
    // buffer is allocated when needed: a writer for a tagged field is taken only once.
    if (this.#bytes.length - this.#position < INITIAL_SIZE) {
      this.#nextLength = Math.max(BUFFER_KEPT, Math.min(this.#bytes.length, BUFFER_MAX) >>> 1);
      this.#replace(NOTHING);
    }
    return chunks;
  }

  /** Returns everything written as one array, without a copy if there is only one chunk. */
  takeBytes(): Uint8Array<ArrayBuffer> {
    const size = this.size;
    const chunks = this.take();
    return chunks.length === 1 ? chunks[0]! : joinBytes(chunks, size);
  }

  #byte(value: number): void {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
  }

  // The most frequent types repeat `#reserve()`: the call costs as much as the rest.

  /** A boolean, in one byte. */
  bool(value: boolean): void {
    if (typeof value !== "boolean") throw outOfRange("bool", value);
    this.#byte(value ? 1 : 0);
  }

  /** A signed 8-bit integer. */
  int8(value: number): void {
    if (value !== value << 24 >> 24) throw outOfRange("int8", value);
    let at = this.#position;
    if (at + 1 > this.#bytes.length) at = this.#grow(1);
    else this.#position = at + 1;
    this.#view.setInt8(at, value);
  }

  /** A signed 16-bit integer. */
  int16(value: number): void {
    if (value !== value << 16 >> 16) throw outOfRange("int16", value);
    let at = this.#position;
    if (at + 2 > this.#bytes.length) at = this.#grow(2);
    else this.#position = at + 2;
    this.#view.setInt16(at, value);
  }

  /** An unsigned 16-bit integer. */
  uint16(value: number): void {
    if (value !== (value & 0xffff)) throw outOfRange("uint16", value);
    const at = this.#reserve(2);
    this.#view.setUint16(at, value);
  }

  /** A signed 32-bit integer. */
  int32(value: number): void {
    if (value !== (value | 0)) throw outOfRange("int32", value);
    let at = this.#position;
    if (at + 4 > this.#bytes.length) at = this.#grow(4);
    else this.#position = at + 4;
    this.#view.setInt32(at, value);
  }

  /** A signed 64-bit integer. @param value An integer; values outside the range are clamped. */
  int64(value: number): void {
    if (!Number.isSafeInteger(value)) return this.#wideInt64(value);
    let at = this.#position;
    if (at + 8 > this.#bytes.length) at = this.#grow(8);
    else this.#position = at + 8;
    this.#view.setInt32(at, upperInt32(value));
    this.#view.setUint32(at + 4, value >>> 0);
  }

  #wideInt64(value: number): void {
    if (!Number.isInteger(value)) throw outOfRange("int64", value);
    const at = this.#reserve(8);
    setInt64(this.#view, at, value);
  }

  /** An IEEE 754 double. */
  float64(value: number): void {
    if (typeof value !== "number") throw outOfRange("float64", value);
    const at = this.#reserve(8);
    this.#view.setFloat64(at, value);
  }

  /** A UUID. @param text Its text form, 22 characters of base64url. */
  uuid(text: string): void {
    const at = this.#reserve(16);
    try {
      uuidToBytes(text, this.#bytes, at);
    } catch (cause) {
      throw new UnencodableValueError(`Cannot encode ${String(text)} as uuid`, { cause });
    }
  }

  /** An unsigned varint of at most 32 bits (KIP-482). */
  uvarint(value: number): void {
    if (value !== value >>> 0) throw outOfRange("uvarint", value);
    while (value >= 0x80) {
      this.#byte(value & 0x7f | 0x80);
      value >>>= 7;
    }
    let at = this.#position;
    if (at + 1 > this.#bytes.length) at = this.#grow(1);
    else this.#position = at + 1;
    this.#bytes[at] = value;
  }

  /** Copies bytes. */
  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Adds bytes, by reference if they are many; they must not change until they have been sent. */
  splice(bytes: Uint8Array): void {
    if (bytes.length < SPLICE_MIN_SIZE) return this.raw(bytes);
    this.#closeChunk();
    this.#chunks.push(bytes as Uint8Array<ArrayBuffer>);
    this.#chunkedSize += bytes.length;
  }

  /** Adds the content of another writer, preceded by its size as an unsigned varint. */
  nested(writer: Writer): void {
    this.uvarint(writer.size);
    for (const chunk of writer.take()) this.splice(chunk);
  }

  /** The size of text is computed before it is encoded, because its length comes first. */
  #text(text: string, size: number): void {
    const at = this.#reserve(size);
    if (size === text.length && size <= ASCII_ENCODE_MAX) {
      for (let i = 0; i < size; i++) this.#bytes[at + i] = text.charCodeAt(i);
    } else {
      utf8.encodeInto(text, this.#bytes.subarray(at, at + size));
    }
  }

  /** UTF-8 text of at most 32767 bytes, after an int16 length. */
  string(text: string): void {
    const size = utf8Size(text);
    if (size > 0x7fff) throw new UnencodableValueError(tooLong(size));
    this.int16(size);
    this.#text(text, size);
  }

  /** Text like {@linkcode string}; null is the length −1. */
  nullableString(text: string | null): void {
    if (text === null) this.int16(-1);
    else this.string(text);
  }

  /** UTF-8 text of at most 32767 bytes, after a varint of its length plus one (KIP-482). */
  compactString(text: string): void {
    const size = utf8Size(text);
    if (size > 0x7fff) throw new UnencodableValueError(tooLong(size));
    this.uvarint(size + 1);
    this.#text(text, size);
  }

  /** Text like {@linkcode compactString}; null is the length 0 (KIP-482). */
  compactNullableString(text: string | null): void {
    if (text === null) this.uvarint(0);
    else this.compactString(text);
  }

  /** Bytes after an int32 length, by reference if they are many. */
  bytes(bytes: Uint8Array): void {
    this.int32(bytes.length);
    this.splice(bytes);
  }

  /** Bytes like {@linkcode bytes}; null is the length −1. */
  nullableBytes(bytes: Uint8Array | null): void {
    if (bytes === null) this.int32(-1);
    else this.bytes(bytes);
  }

  /** Bytes after a varint of their length plus one, by reference if they are many (KIP-482). */
  compactBytes(bytes: Uint8Array): void {
    this.uvarint(bytes.length + 1);
    this.splice(bytes);
  }

  /** Bytes like {@linkcode compactBytes}; null is the length 0 (KIP-482). */
  compactNullableBytes(bytes: Uint8Array | null): void {
    if (bytes === null) this.uvarint(0);
    else this.compactBytes(bytes);
  }

  /** Record batches after an int32 size, in one piece or several consecutive ones, by reference. */
  records(records: Uint8Array | readonly Uint8Array[] | null): void {
    if (records === null) return this.int32(-1);
    this.int32(recordsSize(records));
    this.#records(records);
  }

  /** Record batches like {@linkcode records}, after a varint of their size plus one (KIP-482). */
  compactRecords(records: Uint8Array | readonly Uint8Array[] | null): void {
    if (records === null) return this.uvarint(0);
    this.uvarint(recordsSize(records) + 1);
    this.#records(records);
  }

  #records(records: Uint8Array | readonly Uint8Array[]): void {
    if (records instanceof Uint8Array) return this.splice(records);
    for (const piece of records) this.splice(piece);
  }
}

function recordsSize(records: Uint8Array | readonly Uint8Array[]): number {
  if (records instanceof Uint8Array) return records.length;
  let size = 0;
  for (const piece of records) size += piece.length;
  return size;
}

/** Size in bytes of `text` in UTF-8; a lone surrogate counts as the three bytes that replace it. */
export function utf8Size(text: string): number {
  let size = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) {
      size += 1;
      continue;
    }
    size += 2;
    // A pair is two code units and four bytes, of which the first unit counted three above.
    if ((unit & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) i++;
  }
  return size;
}

/** Joins the chunks; `size` is their total size. */
export function joinBytes(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function tooLong(size: number): string {
  return `Cannot encode string: it takes ${size} bytes, the limit is 32767`;
}

function outOfRange(type: string, value: unknown): UnencodableValueError {
  return new UnencodableValueError(`Cannot encode ${String(value)} as ${type}`);
}
