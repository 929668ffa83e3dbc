/**
 * Builds record batches, message format v2; `record_batch.ts` and `record.ts` show the layouts.
 *
 * Records are written directly into one growing buffer with space for the header in front.
 * `build()` fills in the header and, without compression, returns a view of that buffer.
 *
 * The sizes of a record and of its text precede the data. The data is written at the position where
 * it belongs if all text is ASCII, and moved only if its size then takes a different number of
 * bytes.
 *
 * @module
 */

import { compress, CompressionType } from "../compression/mod.ts";
import { INT64_MAX, setInt64 } from "../primitives/int64.ts";
import { crc32c } from "./crc32c.ts";
import {
  ATTRIBUTES_POSITION,
  BASE_OFFSET_POSITION,
  BASE_SEQUENCE_POSITION,
  BASE_TIMESTAMP_POSITION,
  BATCH_LENGTH_POSITION,
  CONTROL_MASK,
  CRC_POSITION,
  LAST_OFFSET_DELTA_POSITION,
  LOG_OVERHEAD,
  MAGIC,
  MAGIC_POSITION,
  MAX_TIMESTAMP_POSITION,
  PARTITION_LEADER_EPOCH_POSITION,
  PRODUCER_EPOCH_POSITION,
  PRODUCER_ID_POSITION,
  RECORD_BATCH_OVERHEAD,
  RECORD_COUNT_POSITION,
  TIMESTAMP_TYPE_MASK,
  type TimestampType,
  TRANSACTIONAL_MASK,
} from "./record_batch.ts";
import {
  MAX_VARINT_SIZE,
  MAX_VARLONG_SIZE,
  sizeOfVarint,
  writeVarint,
  writeVarlong,
} from "./varint.ts";

/** A key or value to write; text is encoded as UTF-8. */
export type RecordData = Uint8Array | string | null;

/** A header to write (KIP-82). */
export interface RecordHeaderInput {
  /** The name. */
  readonly key: string;
  /** The value; text is encoded as UTF-8. */
  readonly value: RecordData;
}

/** Options of a {@linkcode RecordBatchBuilder}. */
export interface RecordBatchBuilderOptions {
  /** The compression codec of the records. Default: none. */
  readonly compression?: CompressionType | undefined;
  /** Level on the scale of the codec. Default: that of the codec; snappy has no levels. */
  readonly compressionLevel?: number | undefined;
  /** Source of the timestamps. Default: 0, the producer (CreateTime). */
  readonly timestampType?: TimestampType | undefined;
  /** Id of the idempotent producer. Default: -1, none. */
  readonly producerId?: number | undefined;
  /** Epoch of the producer. Default: -1. */
  readonly producerEpoch?: number | undefined;
  /** Sequence number of the first record. Default: -1. */
  readonly baseSequence?: number | undefined;
  /** Whether the batch is part of a transaction. Default: false. */
  readonly isTransactional?: boolean | undefined;
  /**
   * Whether this is a control batch, whose one record marks the end of a transaction. Default:
   * false.
   */
  readonly isControl?: boolean | undefined;
  /** Default: -1, as Java clients write; the leader sets it. */
  readonly partitionLeaderEpoch?: number | undefined;
  /** Offset of the first record. Default: 0; the leader sets it. */
  readonly baseOffset?: number | undefined;
  /**
   * Maximum size in bytes, before compression, for {@linkcode RecordBatchBuilder.tryAppend}.
   * Default: no limit.
   */
  readonly sizeLimit?: number | undefined;
  /**
   * Initial buffer size in bytes. Default: the size limit, if that is at most 16 KiB; else 1 KiB.
   */
  readonly initialCapacity?: number | undefined;
  /** Memory to write to instead of allocating; the builder owns it from then on. */
  readonly memory?: Uint8Array<ArrayBuffer> | undefined;
}

/** Length, attributes, timestamp delta, offset delta, key size, value size, header count. */
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_RECORD_OVERHEAD = MAX_VARINT_SIZE + 1 + MAX_VARLONG_SIZE + 4 * MAX_VARINT_SIZE;

/** The minimum of the same fields: one byte each. */
const MIN_RECORD_OVERHEAD = 7;

/** Up to this size, a loop is faster than a call that copies. */
const MAX_LOOP_SIZE = 24;

/** The same for the call that encodes text, which costs more. */
const MAX_TEXT_LOOP_SIZE = 48;

/**
 * Longer text is encoded separately, instead of reserving three bytes per code unit.
 */
const MAX_IN_PLACE_TEXT = 4096;

/** batchLength is an int32. */
const MAX_BATCH_SIZE = 2 ** 31 - 1;

const NO_BYTES = new Uint8Array(0);

const NO_HEADERS: readonly RecordHeaderInput[] = Object.freeze([]);

const TEXT_ENCODER = new TextEncoder();

/** Collects records and builds one batch from them. */
export class RecordBatchBuilder {
  readonly #options: RecordBatchBuilderOptions;
  readonly #sizeLimit: number;
  #bytes: Uint8Array<ArrayBuffer>;
  #position: number = RECORD_BATCH_OVERHEAD;
  #recordCount = 0;
  #baseTimestamp = -1;
  #maxTimestamp = -1;
  /** The same timestamps as bigint, where a number is not exact. */
  #exactBaseTimestamp: bigint | undefined;
  #exactMaxTimestamp: bigint | undefined;
  #producerId: number;
  #producerEpoch: number;
  #baseSequence: number;
  #batch: Uint8Array<ArrayBuffer> | undefined;

  /** Creates an empty builder. */
  constructor(options: RecordBatchBuilderOptions = {}) {
    this.#options = options;
    this.#sizeLimit = options.sizeLimit ?? MAX_BATCH_SIZE;
    this.#bytes = options.memory ?? new Uint8Array(
      options.initialCapacity ?? (this.#sizeLimit <= 16_384 ? this.#sizeLimit : 1024),
    );
    this.#producerId = options.producerId ?? -1;
    this.#producerEpoch = options.producerEpoch ?? -1;
    this.#baseSequence = options.baseSequence ?? -1;
  }

  /** Number of records appended so far. */
  get recordCount(): number {
    return this.#recordCount;
  }

  /** Current size of the batch without compression; compression may exceed it only slightly. */
  get estimatedSizeInBytes(): number {
    return this.#position;
  }

  /** Maximum size in bytes of a record with these parts. */
  static sizeOfRecord(
    key: RecordData,
    value: RecordData,
    headers: readonly RecordHeaderInput[] = NO_HEADERS,
  ): number {
    return maxRecordSize(key, value, headers);
  }

  /**
   * Appends a record unless the batch would exceed its size limit; the first record always fits.
   *
   * @returns Whether the record was appended.
   * @throws {RangeError} If the timestamp is not an integer from -1 up, or the batch would exceed
   *   2^31-1 bytes.
   * @throws {TypeError} If the batch is already built.
   */
  tryAppend(
    timestamp: number | bigint,
    key: RecordData,
    value: RecordData,
    headers: readonly RecordHeaderInput[] = NO_HEADERS,
  ): boolean {
    return this.#append(timestamp, key, value, headers, this.#sizeLimit);
  }

  /**
   * Appends a record, ignoring the size limit.
   *
   * @throws {RangeError} If the timestamp is not an integer from -1 up, or the batch would exceed
   *   2^31-1 bytes.
   * @throws {TypeError} If the batch is already built.
   */
  append(
    timestamp: number | bigint,
    key: RecordData,
    value: RecordData,
    headers: readonly RecordHeaderInput[] = NO_HEADERS,
  ): void {
    if (!this.#append(timestamp, key, value, headers, MAX_BATCH_SIZE)) {
      throw new RangeError(
        `Cannot append to record batch: size would be over ${MAX_BATCH_SIZE} bytes`,
      );
    }
  }

  /** Sets the producer and the sequence number of the first record; allowed until `build()`. */
  setProducerState(producerId: number, producerEpoch: number, baseSequence: number): void {
    this.#ensureOpen();
    this.#producerId = producerId;
    this.#producerEpoch = producerEpoch;
    this.#baseSequence = baseSequence;
  }

  /**
   * Returns the finished batch. Its buffer may be larger than the batch. No records can be appended
   * afterwards, and another call returns the same bytes.
   *
   * @throws {TypeError} If there are no records.
   * @throws {RangeError} If the codec does not support the level.
   */
  build(): Uint8Array<ArrayBuffer> {
    if (this.#batch !== undefined) return this.#batch;
    if (this.#recordCount === 0) {
      throw new TypeError("Cannot build record batch: it has no records");
    }
    const type = this.#options.compression ?? CompressionType.none;
    let batch = this.#bytes.subarray(0, this.#position);
    if (type !== CompressionType.none) {
      const records = compress(
        type,
        batch.subarray(RECORD_BATCH_OVERHEAD),
        this.#options.compressionLevel,
      );
      batch = new Uint8Array(RECORD_BATCH_OVERHEAD + records.length);
      batch.set(records, RECORD_BATCH_OVERHEAD);
    }
    this.#writeHeader(batch, type);
    if (type !== CompressionType.none) this.#bytes = NO_BYTES;
    return this.#batch = batch;
  }

  /**
   * Returns the memory of the batch for reuse, once the batch is no longer used; the builder must
   * not be used afterwards. `undefined` if there is none worth reusing, as with compression.
   */
  release(): Uint8Array<ArrayBuffer> | undefined {
    const bytes = this.#bytes;
    this.#bytes = NO_BYTES;
    this.#batch = NO_BYTES;
    return bytes.length > 0 ? bytes : undefined;
  }

  #append(
    given: number | bigint,
    key: RecordData,
    value: RecordData,
    headers: readonly RecordHeaderInput[],
    limit: number,
  ): boolean {
    this.#ensureOpen();
    const timestamp = Number(given);
    // The exact value, where a number is not exact.
    const exact = typeof given === "bigint" && !Number.isSafeInteger(timestamp) ? given : undefined;
    const isBelowMax = exact === undefined ? timestamp < INT64_MAX : exact <= MAX_INT64;
    if (!Number.isInteger(timestamp) || timestamp < -1 || !isBelowMax) {
      throw new RangeError(
        `Cannot append record: timestamp is ${given}, not a whole number from -1 up`,
      );
    }
    key = withoutLongText(key);
    value = withoutLongText(value);
    const start = this.#position;
    const leastEnd = start + MIN_RECORD_OVERHEAD + minSize(key) + minSize(value);
    if (leastEnd > limit && this.#recordCount > 0) return false;
    const timestampDelta = this.#recordCount === 0
      ? 0
      : distance(exact ?? timestamp, this.#exactBaseTimestamp ?? this.#baseTimestamp);
    this.#reserve(maxRecordSize(key, value, headers));
    const end = writeRecord(
      this.#bytes,
      start,
      timestampDelta,
      this.#recordCount,
      key,
      value,
      headers,
    );
    if (end > limit && this.#recordCount > 0) return false;
    if (this.#recordCount === 0) {
      this.#baseTimestamp = timestamp;
      this.#exactBaseTimestamp = exact;
    }
    if (timestamp > this.#maxTimestamp) {
      this.#maxTimestamp = timestamp;
      this.#exactMaxTimestamp = exact;
    } else if (exact !== undefined && exact > (this.#exactMaxTimestamp ?? this.#maxTimestamp)) {
      this.#exactMaxTimestamp = exact;
    }
    this.#recordCount++;
    this.#position = end;
    return true;
  }

  #ensureOpen(): void {
    if (this.#batch !== undefined) {
      throw new TypeError("Cannot change record batch: it is built");
    }
  }

  #reserve(size: number): void {
    const needed = this.#position + size;
    if (needed <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    bytes.set(this.#bytes.subarray(0, this.#position));
    this.#bytes = bytes;
  }

  #writeHeader(batch: Uint8Array<ArrayBuffer>, type: CompressionType): void {
    const options = this.#options;
    const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
    setInt64(view, BASE_OFFSET_POSITION, options.baseOffset ?? 0);
    view.setInt32(BATCH_LENGTH_POSITION, batch.length - LOG_OVERHEAD);
    view.setInt32(PARTITION_LEADER_EPOCH_POSITION, options.partitionLeaderEpoch ?? -1);
    view.setInt8(MAGIC_POSITION, MAGIC);
    view.setInt16(
      ATTRIBUTES_POSITION,
      type | (options.timestampType ? TIMESTAMP_TYPE_MASK : 0) |
        (options.isTransactional ? TRANSACTIONAL_MASK : 0) |
        (options.isControl ? CONTROL_MASK : 0),
    );
    view.setInt32(LAST_OFFSET_DELTA_POSITION, this.#recordCount - 1);
    setInt64(view, BASE_TIMESTAMP_POSITION, this.#exactBaseTimestamp ?? this.#baseTimestamp);
    setInt64(view, MAX_TIMESTAMP_POSITION, this.#exactMaxTimestamp ?? this.#maxTimestamp);
    setInt64(view, PRODUCER_ID_POSITION, this.#producerId);
    view.setInt16(PRODUCER_EPOCH_POSITION, this.#producerEpoch);
    view.setInt32(BASE_SEQUENCE_POSITION, this.#baseSequence);
    view.setInt32(RECORD_COUNT_POSITION, this.#recordCount);
    view.setUint32(CRC_POSITION, crc32c(batch, ATTRIBUTES_POSITION));
  }
}

/** The difference, exact also between nanoseconds and milliseconds. */
function distance(timestamp: number | bigint, base: number | bigint): number | bigint {
  if (typeof timestamp === "number" && typeof base === "number") {
    const difference = timestamp - base;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return BigInt(timestamp) - BigInt(base);
}

function withoutLongText(data: RecordData): RecordData {
  return typeof data === "string" && data.length > MAX_IN_PLACE_TEXT
    ? TEXT_ENCODER.encode(data)
    : data;
}

function maxRecordSize(
  key: RecordData,
  value: RecordData,
  headers: readonly RecordHeaderInput[],
): number {
  let size = MAX_RECORD_OVERHEAD + maxSize(key) + maxSize(value);
  for (const header of headers) {
    size += 2 * MAX_VARINT_SIZE + maxSize(header.key) + maxSize(header.value);
  }
  return size;
}

/** UTF-8 takes at most three bytes per UTF-16 code unit. */
function maxSize(data: RecordData): number {
  return data === null ? 0 : typeof data === "string" ? 3 * data.length : data.length;
}

/** Size if all text is ASCII. */
function minSize(data: RecordData): number {
  return data === null ? 0 : data.length;
}

function writeRecord(
  bytes: Uint8Array,
  start: number,
  timestampDelta: number | bigint,
  offsetDelta: number,
  key: RecordData,
  value: RecordData,
  headers: readonly RecordHeaderInput[],
): number {
  const lengthSize = sizeOfVarint(minSize(key) + minSize(value) + 8);
  const bodyStart = start + lengthSize;
  let position = bodyStart;
  bytes[position++] = 0;
  position = writeVarlong(bytes, position, timestampDelta);
  position = writeVarint(bytes, position, offsetDelta);
  position = writeData(bytes, position, key);
  position = writeData(bytes, position, value);
  position = writeVarint(bytes, position, headers.length);
  for (let index = 0; index < headers.length; index++) {
    const header = headers[index]!;
    position = writeText(bytes, position, header.key);
    position = writeData(bytes, position, header.value);
  }
  const length = position - bodyStart;
  return writeSize(bytes, start, lengthSize, length, position);
}

function writeData(bytes: Uint8Array, position: number, data: RecordData): number {
  if (data === null) {
    bytes[position] = 1; // -1
    return position + 1;
  }
  if (typeof data === "string") return writeText(bytes, position, data);
  position = writeVarint(bytes, position, data.length);
  const end = position + data.length;
  if (data.length > MAX_LOOP_SIZE) bytes.set(data, position);
  else for (let index = 0; position < end; index++) bytes[position++] = data[index]!;
  return end;
}

function writeText(bytes: Uint8Array, start: number, text: string): number {
  const sizeSize = sizeOfVarint(text.length);
  const textStart = start + sizeSize;
  const size = encodeText(bytes, textStart, text);
  return writeSize(bytes, start, sizeSize, size, textStart + size);
}

/**
 * Writes UTF-8 and returns its size. Most short texts are ASCII, for which a loop is faster than
 * the encoder.
 */
function encodeText(bytes: Uint8Array, position: number, text: string): number {
  if (text.length <= MAX_TEXT_LOOP_SIZE) {
    let index = 0;
    for (; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) break;
      bytes[position + index] = code;
    }
    if (index === text.length) return index;
  }
  return TEXT_ENCODER.encodeInto(text, bytes.subarray(position)).written;
}

/**
 * Writes at `start` the size of the data that begins `reserved` bytes later and ends at `end`;
 * moves the data if the size takes a different number of bytes. Returns the new end.
 */
function writeSize(
  bytes: Uint8Array,
  start: number,
  reserved: number,
  size: number,
  end: number,
): number {
  const moved = sizeOfVarint(size) - reserved;
  if (moved !== 0) bytes.copyWithin(start + reserved + moved, start + reserved, end);
  writeVarint(bytes, start, size);
  return end + moved;
}
