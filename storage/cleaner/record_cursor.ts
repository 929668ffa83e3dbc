/**
 * Iterates over the records of a batch without an object for each. `protocol/records/record.ts` has
 * the layout of a record.
 *
 * @module
 */

import { CompressionType, decompress } from "../../protocol/compression/mod.ts";
import {
  CorruptRecordError,
  RECORD_BATCH_OVERHEAD,
  type RecordBatch,
} from "../../protocol/records/mod.ts";
import { FieldReader } from "../../protocol/records/varint.ts";

/**
 * Maximum expanded size of a batch that is cleaned: expanding more would block the event loop. No
 * client sends larger batches, except maliciously.
 */
const MAX_EXPANDED = 16 * 1024 * 1024;

/** Iterates over the records of one batch after another. */
export class RecordCursor {
  /** The bytes with the records, uncompressed. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Start of the record, including its length field, and its end. */
  start = 0;
  end = 0;
  offset = 0;
  timestampDelta = 0;
  /** Start of the field after the timestamp delta. */
  offsetDeltaStart = 0;
  keyStart = 0;
  /** -1 if there is no key. */
  keySize = 0;
  /** -1 for a tombstone. */
  valueSize = 0;
  #fields = new FieldReader(this.bytes, 0);
  #baseOffset = 0;
  #lastOffset = 0;
  #firstPosition = 0;
  #recordCount = 0;
  #remaining = 0;

  /**
   * Moves before the first record of a batch, whose CRC must be correct.
   *
   * @throws {CorruptRecordError} If its records cannot be expanded, or expand to more than 16 MiB.
   */
  reset(batch: RecordBatch): void {
    const { compression } = batch;
    let position = RECORD_BATCH_OVERHEAD;
    this.bytes = batch.bytes;
    this.#remaining = this.#recordCount = batch.recordCount;
    if (compression !== CompressionType.none && this.#remaining > 0) {
      try {
        this.bytes = decompress(compression, batch.bytes.subarray(position), MAX_EXPANDED);
      } catch (error) {
        throw new CorruptRecordError(
          `Cannot read records of ${batch}: ${(error as Error).message}`,
          { cause: error },
        );
      }
      position = 0;
    }
    this.#firstPosition = position;
    this.#fields = new FieldReader(this.bytes, position);
    this.#baseOffset = batch.baseOffset;
    this.#lastOffset = batch.lastOffset;
  }

  /**
   * Checks that all records can be read, and moves before the first one again.
   *
   * @throws {CorruptRecordError} If they cannot.
   */
  check(): void {
    while (this.next());
    const { bytes, position } = this.#fields;
    if (position !== bytes.length) {
      this.#fields.fail(`${bytes.length - position} bytes follow the last record`);
    }
    this.#fields.position = this.#firstPosition;
    this.#remaining = this.#recordCount;
  }

  /**
   * Moves to the next record.
   *
   * @returns False if there is none.
   * @throws {CorruptRecordError} If the next bytes are no record.
   */
  next(): boolean {
    if (this.#remaining-- <= 0) return false;
    const fields = this.#fields;
    const left = fields.bytes.length;
    this.start = fields.position;
    const length = fields.varint(left);
    const end = fields.position + length;
    if (length < 0 || end > left) fields.fail(`record length is ${length}`);
    fields.skip(1, end); // attributes, unused
    this.timestampDelta = fields.varlong(end);
    this.offsetDeltaStart = fields.position;
    this.offset = this.#baseOffset + fields.varint(end);
    if (this.offset > this.#lastOffset || this.offset < this.#baseOffset) {
      fields.fail(`offset is ${this.offset}, those of the batch end at ${this.#lastOffset}`);
    }
    this.keySize = fields.varint(end);
    this.keyStart = fields.skip(this.keySize, end);
    this.valueSize = fields.varint(end);
    fields.skip(this.valueSize, end);
    this.end = fields.position = end;
    return true;
  }
}
