/**
 * The record, message format v2, decoded lazily from the bytes of a batch.
 *
 *     length          varint   bytes after this field
 *     attributes      int8     unused
 *     timestampDelta  varlong  from the batch's baseTimestamp
 *     offsetDelta     varint   from the batch's baseOffset
 *     key             varint size, -1 for null, and bytes
 *     value           varint size, -1 for null, and bytes
 *     headerCount     varint
 *     headers         each: varint size and UTF-8 text; varint size, -1 for null, and bytes
 *
 * All varints are zig-zag encoded. The reader never reads beyond its frame, whatever the input:
 * lengths are checked against the rest before they are used.
 *
 * @module
 */

import { CorruptRecordError } from "./errors.ts";
import { FieldReader, readExactVarlong } from "./varint.ts";

/** A name and value attached to a record (KIP-82). Names may repeat. */
export interface RecordHeader {
  /** The name. */
  readonly key: string;
  /** The value, as a view of the batch. */
  readonly value: Uint8Array | null;
}

/** The properties of a batch that its records need. */
interface RecordFrame {
  readonly bytes: Uint8Array;
  /** The buffer and offset, because creating a view from them costs half as much as `subarray`. */
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly baseOffset: number;
  /** The base timestamp in two parts, so that the sum with a delta is rounded at most once. */
  readonly baseTimestampHigh: number;
  readonly baseTimestampLow: number;
  /** The exact timestamp, in a frame for a single record. */
  readonly exactTimestamp?: bigint;
  /**
   * The append time that the broker set for all records of the batch; `undefined` if the records
   * have their own timestamps.
   */
  readonly logAppendTime: number | undefined;
}

/** The part of a batch header that describes its records. */
interface RecordsHeader {
  readonly baseOffset: number;
  readonly lastOffsetDelta: number;
  readonly recordCount: number;
  readonly baseTimestampHigh: number;
  readonly baseTimestampLow: number;
  readonly maxTimestamp: number;
  /** 0 if each record has its own timestamp, 1 if all have the append time. */
  readonly timestampType: number;
  /** Names the batch in error messages. */
  toString(): string;
}

const NO_HEADERS: readonly RecordHeader[] = Object.freeze([]);

/** Up to this size, a loop is faster than a call of the decoder. */
const MAX_LOOP_SIZE = 24;

// A header name that starts with U+FEFF keeps it.
const TEXT_DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** One record: a view whose key, value and headers are decoded on access. */
export class Record {
  readonly #frame: RecordFrame;
  readonly #offsetDelta: number;
  readonly #timestampDelta: number;
  readonly #keyPosition: number;
  readonly #valuePosition: number;
  readonly #headersPosition: number;
  readonly #end: number;

  /** Size of the key in bytes, or -1 if it is null. */
  readonly keySize: number;

  /** Size of the value in bytes, or -1 if it is null: a tombstone, on a compacted topic. */
  readonly valueSize: number;

  /** Used by `RecordBatch.records` only. */
  constructor(
    frame: RecordFrame,
    offsetDelta: number,
    timestampDelta: number,
    keyPosition: number,
    keySize: number,
    valuePosition: number,
    valueSize: number,
    headersPosition: number,
    end: number,
  ) {
    this.#frame = frame;
    this.#offsetDelta = offsetDelta;
    this.#timestampDelta = timestampDelta;
    this.#keyPosition = keyPosition;
    this.keySize = keySize;
    this.#valuePosition = valuePosition;
    this.valueSize = valueSize;
    this.#headersPosition = headersPosition;
    this.#end = end;
  }

  /**
   * The offset in the partition: the current base offset of the batch plus the offset delta.
   */
  get offset(): number {
    return this.#frame.baseOffset + this.#offsetDelta;
  }

  /**
   * Milliseconds since 1970, or -1; set by the producer, or by the broker if the topic is
   * configured so. Above 2^53 - 1, as with nanoseconds, it is rounded to the nearest number.
   */
  get timestamp(): number {
    const { logAppendTime, baseTimestampHigh, baseTimestampLow } = this.#frame;
    return logAppendTime ?? baseTimestampHigh + (baseTimestampLow + this.#timestampDelta);
  }

  /** The exact timestamp, also above 2^53 - 1. */
  get exactTimestamp(): bigint {
    const { exactTimestamp, logAppendTime, baseTimestampHigh, baseTimestampLow } = this.#frame;
    if (logAppendTime !== undefined) return BigInt(logAppendTime);
    return exactTimestamp ?? BigInt.asIntN(
      64,
      BigInt(baseTimestampHigh) + BigInt(baseTimestampLow + this.#timestampDelta),
    );
  }

  /** The key, as a view of the batch. */
  get key(): Uint8Array | null {
    return viewOf(this.#frame, this.#keyPosition, this.keySize);
  }

  /** The value, as a view of the batch. */
  get value(): Uint8Array | null {
    return viewOf(this.#frame, this.#valuePosition, this.valueSize);
  }

  /**
   * The headers in the order they were written. Each access decodes them; values are views.
   *
   * @throws {CorruptRecordError} If the headers do not exactly fill the rest of the record.
   */
  get headers(): readonly RecordHeader[] {
    if (this.#headersPosition === this.#end) return NO_HEADERS;
    return readHeaders(this.#frame.bytes, this.#headersPosition, this.#end);
  }
}

function viewOf(frame: RecordFrame, position: number, size: number): Uint8Array | null {
  return size < 0 ? null : new Uint8Array(frame.buffer, frame.byteOffset + position, size);
}

/**
 * Returns the records in `bytes` from `position` to the end, as described by `batch`. The result
 * can be iterated more than once.
 */
export function readRecords(
  bytes: Uint8Array,
  position: number,
  batch: RecordsHeader,
): RecordSequence {
  const frame: RecordFrame = {
    bytes,
    buffer: bytes.buffer,
    byteOffset: bytes.byteOffset,
    baseOffset: batch.baseOffset,
    baseTimestampHigh: batch.baseTimestampHigh,
    baseTimestampLow: batch.baseTimestampLow,
    logAppendTime: batch.timestampType === 1 ? batch.maxTimestamp : undefined,
  };
  const { recordCount, lastOffsetDelta } = batch;
  if (recordCount < 0) {
    throw new CorruptRecordError(`Cannot read ${batch}: record count is ${recordCount}`);
  }
  return {
    [Symbol.iterator]: () => new RecordReader(frame, position, recordCount, lastOffsetDelta),
  };
}

/** The records of a batch, in order. */
export interface RecordSequence extends Iterable<Record> {
  /** Starts reading at the first record. */
  [Symbol.iterator](): RecordReader;
}

/** Iterates over the records of a batch once. */
export class RecordReader implements IterableIterator<Record> {
  readonly #frame: RecordFrame;
  readonly #fields: FieldReader;
  readonly #lastOffsetDelta: number;
  #remaining: number;

  /** Used by `RecordBatch.records` only. */
  constructor(frame: RecordFrame, position: number, count: number, lastOffsetDelta: number) {
    this.#frame = frame;
    this.#fields = new FieldReader(frame.bytes, position);
    this.#lastOffsetDelta = lastOffsetDelta;
    this.#remaining = count;
  }

  /** Returns this reader. */
  [Symbol.iterator](): this {
    return this;
  }

  /** Same as {@linkcode read}. */
  next(): IteratorResult<Record, undefined> {
    const value = this.read();
    return value === undefined ? { done: true, value } : { done: false, value };
  }

  /**
   * Returns the next record, or `undefined` after the last.
   *
   * @throws {CorruptRecordError} If the record does not fit its frame, or bytes follow the last
   *   record.
   */
  read(): Record | undefined {
    const fields = this.#fields;
    if (this.#remaining > 0) {
      const record = this.#usualRecord(fields) ?? this.#record(fields);
      this.#remaining--;
      return record;
    }
    if (fields.position !== fields.bytes.length) {
      fields.fail(`${fields.bytes.length - fields.position} bytes follow the last record`);
    }
    return undefined;
  }

  /**
   * Decodes a typical record: sizes take at most two bytes and there are no headers. Returns
   * `undefined` for any other, including an invalid one, which `#record()` then reports.
   */
  #usualRecord(fields: FieldReader): Record | undefined {
    const { bytes, position } = fields;
    const length = shortVarint(bytes, position);
    const lengthEnd = position + (length & 3);
    const end = lengthEnd + unZigZag(length >> 2);
    const timestampDelta = shortVarint(bytes, lengthEnd + 1);
    const timestampEnd = lengthEnd + 1 + (timestampDelta & 3);
    const offsetDelta = shortVarint(bytes, timestampEnd);
    const offsetEnd = timestampEnd + (offsetDelta & 3);
    const key = shortVarint(bytes, offsetEnd);
    const keyPosition = offsetEnd + (key & 3);
    const keySize = unZigZag(key >> 2);
    const keyEnd = keySize > 0 ? keyPosition + keySize : keyPosition;
    const value = shortVarint(bytes, keyEnd);
    const valuePosition = keyEnd + (value & 3);
    const valueSize = unZigZag(value >> 2);
    const valueEnd = valueSize > 0 ? valuePosition + valueSize : valuePosition;
    if (
      length === 0 || timestampDelta === 0 || offsetDelta === 0 || key === 0 || value === 0 ||
      keySize < -1 || valueSize < -1 || bytes[valueEnd] !== 0 || valueEnd + 1 !== end ||
      (offsetDelta & 4) !== 0 || offsetDelta >> 3 > this.#lastOffsetDelta
    ) return undefined;
    fields.position = end;
    return new Record(
      this.#frame,
      offsetDelta >> 3,
      unZigZag(timestampDelta >> 2),
      keyPosition,
      keySize,
      valuePosition,
      valueSize,
      end,
      end,
    );
  }

  #record(fields: FieldReader): Record {
    const frame = this.#frame;
    const left = fields.bytes.length;
    const length = fields.varint(left);
    const end = fields.position + length;
    if (length < 0 || end > left) {
      fields.fail(`record length is ${length}, ${left - fields.position} bytes are left`);
    }
    fields.skip(1, end); // attributes, unused
    const timestampStart = fields.position;
    const timestampDelta = fields.varlong(end);
    const offsetDelta = fields.varint(end);
    const keySize = fields.varint(end);
    const keyPosition = fields.skip(keySize, end);
    const valueSize = fields.varint(end);
    const valuePosition = fields.skip(valueSize, end);
    let headersPosition = fields.position;
    const headerCount = fields.varint(end);
    if (headerCount === 0) {
      headersPosition = end;
      if (fields.position !== end) {
        fields.fail(`${end - fields.position} bytes follow the last field`);
      }
    } else if (headerCount < 0 || headerCount > end - fields.position) {
      fields.fail(`header count is ${headerCount}, ${end - fields.position} bytes are left`);
    }
    if (offsetDelta < 0 || offsetDelta > this.#lastOffsetDelta) {
      fields.fail(`offset delta is ${offsetDelta}, the last is ${this.#lastOffsetDelta}`);
    }
    fields.position = end;
    const isExact = Number.isSafeInteger(timestampDelta);
    return new Record(
      isExact ? frame : frameOfTimestamp(frame, readExactVarlong(fields.bytes, timestampStart)),
      offsetDelta,
      isExact ? timestampDelta : 0,
      keyPosition,
      keySize,
      valuePosition,
      valueSize,
      headersPosition,
      end,
    );
  }
}

/**
 * A frame for a record whose timestamp delta exceeds the safe integers, as between nanoseconds and
 * milliseconds: its base is the timestamp of the record. Adds in 64 bits, as Java does.
 */
function frameOfTimestamp(frame: RecordFrame, timestampDelta: bigint): RecordFrame {
  const base = BigInt(frame.baseTimestampHigh) + BigInt(frame.baseTimestampLow);
  const exactTimestamp = BigInt.asIntN(64, base + timestampDelta);
  const baseTimestampHigh = Number(exactTimestamp);
  return { ...frame, exactTimestamp, baseTimestampHigh, baseTimestampLow: 0 };
}

/**
 * Reads a varint of one or two bytes. The result is the raw zig-zag value times four plus the
 * number of bytes, or 0 if the varint is longer or truncated.
 */
function shortVarint(bytes: Uint8Array, position: number): number {
  const first = bytes[position]!;
  if (first < 0x80) return first << 2 | 1;
  const second = bytes[position + 1]!;
  return second < 0x80 ? (second << 7 | first & 0x7f) << 2 | 2 : 0;
}

function unZigZag(raw: number): number {
  return (raw >>> 1) ^ -(raw & 1);
}

function readHeaders(bytes: Uint8Array, position: number, end: number): readonly RecordHeader[] {
  const fields = new FieldReader(bytes, position);
  const headers: RecordHeader[] = [];
  for (let count = fields.varint(end); count > 0; count--) {
    const keySize = fields.varint(end);
    if (keySize < 0) fields.fail(`size of a header name is ${keySize}`);
    const keyPosition = fields.skip(keySize, end);
    const key = decodeText(bytes, keyPosition, keyPosition + keySize);
    const valueSize = fields.varint(end);
    const valuePosition = fields.skip(valueSize, end);
    const value = valueSize < 0 ? null : bytes.subarray(valuePosition, valuePosition + valueSize);
    headers.push({ key, value });
  }
  if (fields.position !== end) fields.fail(`${end - fields.position} bytes follow the last header`);
  return headers;
}

/** Most header names are short and ASCII, for which a loop is faster than the decoder. */
function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= MAX_LOOP_SIZE) {
    let text = "";
    let position = start;
    for (; position < end; position++) {
      const byte = bytes[position]!;
      if (byte >= 0x80) break;
      text += String.fromCharCode(byte);
    }
    if (position === end) return text;
  }
  return TEXT_DECODER.decode(bytes.subarray(start, end));
}
