/**
 * The record batch, message format v2 (KIP-98): a view of one batch in existing bytes.
 *
 *     position  size  field
 *            0     8  baseOffset              offset of the first record; set by the leader
 *            8     4  batchLength             bytes after this field
 *           12     4  partitionLeaderEpoch    set by the leader
 *           16     1  magic                   2
 *           17     4  crc                     CRC-32C of everything from attributes to the end
 *           21     2  attributes              bits 0-2 compression, 3 timestamp type, 4 transactional,
 *                                             5 control, 6 baseTimestamp is a delete horizon
 *           23     4  lastOffsetDelta
 *           27     8  baseTimestamp
 *           35     8  maxTimestamp
 *           43     8  producerId              -1: none
 *           51     2  producerEpoch
 *           53     4  baseSequence
 *           57     4  recordCount
 *           61     …  records                 compressed as one block, when they are
 *
 * All numbers are big-endian. The fields that a leader sets in every batch, baseOffset and
 * partitionLeaderEpoch, precede the bytes that the CRC covers, so an append needs no second
 * checksum. Setters in this class that change covered bytes recompute the CRC.
 *
 * Compaction removes records but keeps offsets and base sequence of a batch, so `lastOffsetDelta +
 * 1` may exceed `recordCount`.
 *
 * @module
 */

import { CompressionType, decompress } from "../compression/mod.ts";
import { getInt64, joinInt64, setInt64 } from "../primitives/int64.ts";
import { crc32c } from "./crc32c.ts";
import { CorruptRecordError, UnsupportedRecordFormatError } from "./errors.ts";
import { readRecords, type RecordSequence } from "./record.ts";

export const BASE_OFFSET_POSITION = 0;
export const BATCH_LENGTH_POSITION = BASE_OFFSET_POSITION + 8;
export const PARTITION_LEADER_EPOCH_POSITION = BATCH_LENGTH_POSITION + 4;
export const MAGIC_POSITION = PARTITION_LEADER_EPOCH_POSITION + 4;
export const CRC_POSITION = MAGIC_POSITION + 1;
export const ATTRIBUTES_POSITION = CRC_POSITION + 4;
export const LAST_OFFSET_DELTA_POSITION = ATTRIBUTES_POSITION + 2;
export const BASE_TIMESTAMP_POSITION = LAST_OFFSET_DELTA_POSITION + 4;
export const MAX_TIMESTAMP_POSITION = BASE_TIMESTAMP_POSITION + 8;
export const PRODUCER_ID_POSITION = MAX_TIMESTAMP_POSITION + 8;
export const PRODUCER_EPOCH_POSITION = PRODUCER_ID_POSITION + 8;
export const BASE_SEQUENCE_POSITION = PRODUCER_EPOCH_POSITION + 2;
export const RECORD_COUNT_POSITION = BASE_SEQUENCE_POSITION + 4;

/** Size in bytes of a batch without its records. */
export const RECORD_BATCH_OVERHEAD: number = RECORD_COUNT_POSITION + 4;

/** Size in bytes of baseOffset and batchLength, which batchLength does not count. */
export const LOG_OVERHEAD: number = BATCH_LENGTH_POSITION + 4;

/** The magic byte of this format, the only one supported. */
export const MAGIC = 2;

export const COMPRESSION_MASK = 0b111;
export const TIMESTAMP_TYPE_MASK = 1 << 3;
export const TRANSACTIONAL_MASK = 1 << 4;
export const CONTROL_MASK = 1 << 5;
export const DELETE_HORIZON_MASK = 1 << 6;

/**
 * Source of the timestamps of a batch: 0 the producer (CreateTime), 1 the broker (LogAppendTime).
 */
export type TimestampType = 0 | 1;

/** One record batch: reads and patches the header in place, and decodes records on demand. */
export class RecordBatch {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  /**
   * Creates a view of the batch that starts at `position`. Copies nothing and does not check the
   * CRC.
   *
   * @throws {CorruptRecordError} If the header or the stated size does not fit in `bytes`, or the
   *   magic is unknown.
   * @throws {UnsupportedRecordFormatError} If the magic is 0 or 1.
   */
  constructor(bytes: Uint8Array, position = 0) {
    const size = sizeOfBatchAt(bytes, position);
    if (size === undefined || size > bytes.length - position) {
      throw new CorruptRecordError(
        `Cannot read record batch at position ${position}: it is ${
          size === undefined ? `at least ${RECORD_BATCH_OVERHEAD}` : size
        } bytes, ${bytes.length - position} are there`,
      );
    }
    this.#bytes = position === 0 && size === bytes.length
      ? bytes
      : bytes.subarray(position, position + size);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset + position, size);
  }

  /** The bytes of exactly this batch; not a copy. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Size of the whole batch in bytes, including the header. */
  get sizeInBytes(): number {
    return this.#bytes.length;
  }

  /** Offset of the first record at the time of writing. */
  get baseOffset(): number {
    return getInt64(this.#view, BASE_OFFSET_POSITION);
  }

  set baseOffset(offset: number) {
    setInt64(this.#view, BASE_OFFSET_POSITION, offset);
  }

  /** Epoch of the leader that appended the batch; meaningless before that. */
  get partitionLeaderEpoch(): number {
    return this.#view.getInt32(PARTITION_LEADER_EPOCH_POSITION);
  }

  set partitionLeaderEpoch(epoch: number) {
    this.#view.setInt32(PARTITION_LEADER_EPOCH_POSITION, epoch);
  }

  /** The format's version: always 2. */
  get magic(): number {
    return this.#view.getInt8(MAGIC_POSITION);
  }

  /** The stated checksum, unsigned; {@linkcode isCrcValid} checks it. */
  get crc(): number {
    return this.#view.getUint32(CRC_POSITION);
  }

  /** All flags, as an int16. */
  get attributes(): number {
    return this.#view.getInt16(ATTRIBUTES_POSITION);
  }

  /**
   * The compression codec of the records.
   *
   * @throws {CorruptRecordError} If the attributes contain an unknown codec.
   */
  get compression(): CompressionType {
    const type = this.attributes & COMPRESSION_MASK;
    if (type > CompressionType.zstd) {
      throw new CorruptRecordError(
        `Cannot read ${this}: compression type is ${type}, the last known is ${CompressionType.zstd}`,
      );
    }
    return type as CompressionType;
  }

  /** Source of the timestamps: 0 the producer, 1 the broker. */
  get timestampType(): TimestampType {
    return (this.attributes & TIMESTAMP_TYPE_MASK) === 0 ? 0 : 1;
  }

  /** Whether the batch is part of a transaction (KIP-98). */
  get isTransactional(): boolean {
    return (this.attributes & TRANSACTIONAL_MASK) !== 0;
  }

  /** Whether this is a control batch: one record that marks the end of a transaction. */
  get isControl(): boolean {
    return (this.attributes & CONTROL_MASK) !== 0;
  }

  /**
   * Whether baseTimestamp is the time from which compaction may remove the tombstones (KIP-534).
   */
  get hasDeleteHorizon(): boolean {
    return (this.attributes & DELETE_HORIZON_MASK) !== 0;
  }

  /** Difference between the last offset and the base offset. */
  get lastOffsetDelta(): number {
    return this.#view.getInt32(LAST_OFFSET_DELTA_POSITION);
  }

  /** Offset of the last record at the time of writing. */
  get lastOffset(): number {
    return this.baseOffset + this.lastOffsetDelta;
  }

  /** The offset after this batch: `lastOffset + 1`. */
  get nextOffset(): number {
    return this.baseOffset + this.lastOffsetDelta + 1;
  }

  /** Base of the record timestamps, in milliseconds since 1970, or -1. */
  get baseTimestamp(): number {
    return getInt64(this.#view, BASE_TIMESTAMP_POSITION);
  }

  /** {@linkcode baseTimestamp} without its lower 32 bits; the two parts are exact. */
  get baseTimestampHigh(): number {
    return joinInt64(this.#view.getInt32(BASE_TIMESTAMP_POSITION), 0);
  }

  /** The lower 32 bits of {@linkcode baseTimestamp}. */
  get baseTimestampLow(): number {
    return this.#view.getUint32(BASE_TIMESTAMP_POSITION + 4);
  }

  /**
   * The latest timestamp of the records, as stated by the writer, in milliseconds since 1970, or
   * -1.
   */
  get maxTimestamp(): number {
    return getInt64(this.#view, MAX_TIMESTAMP_POSITION);
  }

  /** Id of the idempotent producer that wrote the batch, or -1. */
  get producerId(): number {
    return getInt64(this.#view, PRODUCER_ID_POSITION);
  }

  /** Whether an idempotent producer wrote the batch: its id is not negative. */
  get hasProducerId(): boolean {
    return this.#view.getInt32(PRODUCER_ID_POSITION) >= 0;
  }

  /** The epoch of the producer, or -1. */
  get producerEpoch(): number {
    return this.#view.getInt16(PRODUCER_EPOCH_POSITION);
  }

  /** Sequence number of the first record, or -1. */
  get baseSequence(): number {
    return this.#view.getInt32(BASE_SEQUENCE_POSITION);
  }

  /**
   * Sequence number of the last record; 0 follows 2147483647. -1 if there is no base sequence.
   */
  get lastSequence(): number {
    const baseSequence = this.baseSequence;
    return baseSequence < 0 ? -1 : (baseSequence + this.lastOffsetDelta) % 2 ** 31;
  }

  /**
   * Number of records in the batch as stated by the writer; {@linkcode records} verifies it.
   */
  get recordCount(): number {
    return this.#view.getInt32(RECORD_COUNT_POSITION);
  }

  /** Whether the checksum in the header matches the bytes. */
  isCrcValid(): boolean {
    return this.crc === this.#computeCrc();
  }

  /**
   * Checks that the bytes are those that the writer sent. Header fields (record count, sequence,
   * codec allowed by the version) are validated on append, because Kafka reports them with other
   * error codes.
   *
   * @throws {CorruptRecordError} If the CRC is wrong.
   */
  ensureValid(): void {
    const crc = this.#computeCrc();
    if (crc !== this.crc) {
      throw new CorruptRecordError(
        `Cannot accept ${this}: computed CRC is ${crc}, stated CRC is ${this.crc}`,
      );
    }
  }

  /**
   * Marks the timestamps as set by the broker: every record then has `timestampMs`. Recomputes the
   * CRC.
   */
  setLogAppendTime(timestampMs: number): void {
    setInt64(this.#view, MAX_TIMESTAMP_POSITION, timestampMs);
    this.#view.setInt16(ATTRIBUTES_POSITION, this.attributes | TIMESTAMP_TYPE_MASK);
    this.#view.setUint32(CRC_POSITION, this.#computeCrc());
  }

  /** Corrects the latest timestamp, which some clients state wrongly. Recomputes the CRC. */
  setMaxTimestamp(timestampMs: number): void {
    setInt64(this.#view, MAX_TIMESTAMP_POSITION, timestampMs);
    this.#view.setUint32(CRC_POSITION, this.#computeCrc());
  }

  /**
   * Changes producer id, epoch and sequence, as required when a producer resends a batch after its
   * epoch was bumped (KIP-360). Recomputes the CRC.
   */
  setProducerState(producerId: number, producerEpoch: number, baseSequence: number): void {
    setInt64(this.#view, PRODUCER_ID_POSITION, producerId);
    this.#view.setInt16(PRODUCER_EPOCH_POSITION, producerEpoch);
    this.#view.setInt32(BASE_SEQUENCE_POSITION, baseSequence);
    this.#view.setUint32(CRC_POSITION, this.#computeCrc());
  }

  /**
   * Returns the records, decoded one by one on iteration. Keys and values are views of the batch
   * or, if it is compressed, of one decompressed buffer that all records share.
   *
   * @param maxBytes Maximum decompressed size.
   * @throws {CorruptRecordError} While iterating, if a record does not fit its frame or the record
   *   count is wrong; immediately, if decompression fails.
   */
  records(maxBytes?: number): RecordSequence {
    const type = this.compression;
    let records = this.#bytes;
    let position: number = RECORD_BATCH_OVERHEAD;
    if (type !== CompressionType.none) {
      try {
        records = decompress(type, records.subarray(position), maxBytes);
      } catch (error) {
        throw new CorruptRecordError(
          `Cannot read records of ${this}: ${(error as Error).message}`,
          { cause: error },
        );
      }
      position = 0;
    }
    return readRecords(records, position, this);
  }

  /** Names the batch in error messages, by size and offset. */
  toString(): string {
    const view = this.#view;
    return `record batch of ${this.sizeInBytes} bytes at offset ${view.getBigInt64(0)}`;
  }

  #computeCrc(): number {
    return crc32c(this.#bytes, ATTRIBUTES_POSITION);
  }
}

/**
 * Returns the size of the batch that starts at `position`, or `undefined` if there are too few
 * bytes to read it. The size may exceed the bytes available.
 *
 * @throws {CorruptRecordError} If the size is less than a header, or the magic is unknown.
 * @throws {UnsupportedRecordFormatError} If the magic is 0 or 1.
 */
export function sizeOfBatchAt(bytes: Uint8Array, position: number): number | undefined {
  if (bytes.length - position <= MAGIC_POSITION) return undefined;
  const magic = bytes[position + MAGIC_POSITION]!;
  if (magic < MAGIC) throw new UnsupportedRecordFormatError(magic);
  if (magic !== MAGIC) {
    throw new CorruptRecordError(
      `Cannot read record batch at position ${position}: magic is ${magic}, not ${MAGIC}`,
    );
  }
  const at = position + BATCH_LENGTH_POSITION;
  const length = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) |
    bytes[at + 3]!;
  if (length < RECORD_BATCH_OVERHEAD - LOG_OVERHEAD) {
    throw new CorruptRecordError(
      `Cannot read record batch at position ${position}: batch length is ${length}, the header alone takes ${
        RECORD_BATCH_OVERHEAD - LOG_OVERHEAD
      }`,
    );
  }
  return LOG_OVERHEAD + length;
}

/**
 * Iterates over the whole batches in `bytes`, in order. Skips a partial batch at the end, which a
 * fetch response may contain.
 *
 * @throws {CorruptRecordError} If a batch states an impossible size or an unknown magic.
 * @throws {UnsupportedRecordFormatError} If the magic is 0 or 1.
 */
export function* recordBatches(bytes: Uint8Array): Generator<RecordBatch, void> {
  for (let position = 0; position < bytes.length;) {
    const size = sizeOfBatchAt(bytes, position);
    if (size === undefined || size > bytes.length - position) return;
    yield new RecordBatch(bytes, position);
    position += size;
  }
}
