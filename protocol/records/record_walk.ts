/**
 * Walks over the records of a batch without creating objects, to check the header: the record
 * count, consecutive offsets, and the latest timestamp.
 *
 * `record.ts` documents the layout of a record. The walk can be done in steps, for batches with so
 * many records or headers that other work would be delayed.
 *
 * @module
 */

import { CorruptRecordError } from "./errors.ts";
import { FieldReader } from "./varint.ts";

/** Header fields and requirements that a walk checks records against. */
export interface RecordWalkOptions {
  /** Expected number of records, whose offset deltas count from 0. */
  readonly recordCount: number;
  /** Base of the timestamps, in milliseconds since 1970. */
  readonly baseTimestamp: number;
  /** Minimum timestamp of a record; -1, which means none, is always allowed. */
  readonly earliestTimestamp: number;
  /** Maximum timestamp of a record. */
  readonly latestTimestamp: number;
  /** Whether each record must have a key. */
  readonly needsKeys: boolean;
}

/** A well-formed record that does not meet the requirements. */
export interface UnfitRecord {
  /** Index of the record in the batch, from 0. */
  readonly index: number;
  /** The timestamp that is out of range, or `undefined` if the key is missing. */
  readonly timestamp: number | undefined;
}

/** Thrown for a malformed record, with its index in the batch. */
export class MalformedRecordError extends CorruptRecordError {
  /** The name of the class. */
  override name = "MalformedRecordError";
  /** Index of the record in the batch, from 0; the record count for bytes after the last record. */
  readonly recordIndex: number;

  /** Creates an error for a record and what is wrong with it. */
  constructor(recordIndex: number, problem: string, options?: ErrorOptions) {
    super(`Record ${recordIndex} is malformed: ${problem}`, options);
    this.recordIndex = recordIndex;
  }
}

/** Limits the size of a response that lists such records. */
const MAX_UNFIT_RECORDS = 1000;

/** A walk over the records of one batch. */
export class RecordWalk {
  readonly #bytes: Uint8Array;
  readonly #fields: FieldReader;
  readonly #options: RecordWalkOptions;
  #index = 0;
  #position: number;
  /** Number of remaining headers of a record that was not finished in the last step. */
  #headersLeft = 0;
  #recordEnd = 0;
  /** Whether the last record read by `#walkRecord()` has a key. */
  #hasKey = false;
  /** The latest timestamp so far, or -1. */
  maxTimestamp: number = -1;
  /** The first thousand records that do not meet the requirements. */
  readonly unfit: UnfitRecord[] = [];
  /** Total number of records that do not meet the requirements. */
  unfitCount: number = 0;

  /**
   * Starts a walk at the first record.
   *
   * @param bytes The batch or its decompressed records, which extend from `position` to the end.
   */
  constructor(bytes: Uint8Array, position: number, options: RecordWalkOptions) {
    this.#bytes = bytes;
    this.#fields = new FieldReader(bytes, position);
    this.#options = options;
    this.#position = position;
  }

  /**
   * Continues the walk.
   *
   * @param maxSteps Maximum number of records and headers to visit.
   * @returns Whether the walk is complete.
   * @throws {MalformedRecordError} If a record is malformed, the record count is wrong, or an
   *   offset does not follow the previous one.
   */
  walk(maxSteps: number): boolean {
    const bytes = this.#bytes;
    const { recordCount, baseTimestamp, earliestTimestamp, latestTimestamp, needsKeys } =
      this.#options;
    let steps = this.#walkHeaders(maxSteps);
    let index = this.#index;
    let position = this.#position;
    let maxTimestamp = this.maxTimestamp;
    while (index < recordCount) {
      if (steps-- <= 0) {
        this.#index = index;
        this.#position = position;
        this.maxTimestamp = maxTimestamp;
        return false;
      }
      // Fast path for a typical record, whose sizes and deltas take at most three bytes and which
      // has no headers. Reading past the end gives `undefined`, which fails the comparisons.
      const length = shortVarint(bytes, position);
      const lengthEnd = position + (length & 3);
      const end = lengthEnd + unZigZag(length >> 2);
      const timestampDelta = shortVarint(bytes, lengthEnd + 1);
      const timestampEnd = lengthEnd + 1 + (timestampDelta & 3);
      const offsetDelta = shortVarint(bytes, timestampEnd);
      const offsetEnd = timestampEnd + (offsetDelta & 3);
      const key = shortVarint(bytes, offsetEnd);
      const keySize = unZigZag(key >> 2);
      const keyEnd = offsetEnd + (key & 3) + (keySize > 0 ? keySize : 0);
      const value = shortVarint(bytes, keyEnd);
      const valueSize = unZigZag(value >> 2);
      const valueEnd = keyEnd + (value & 3) + (valueSize > 0 ? valueSize : 0);
      let delta: number;
      let hasKey: boolean;
      let hasHeaders = false;
      if (
        length !== 0 && timestampDelta !== 0 && offsetDelta !== 0 && key !== 0 && value !== 0 &&
        keySize >= -1 && valueSize >= -1 && bytes[valueEnd] === 0 && valueEnd + 1 === end &&
        offsetDelta >> 2 === index * 2
      ) {
        delta = unZigZag(timestampDelta >> 2);
        hasKey = keySize >= 0;
        position = end;
      } else {
        this.#index = index;
        this.#fields.position = position;
        delta = this.#walkRecord();
        hasKey = this.#hasKey;
        hasHeaders = this.#headersLeft > 0;
        position = this.#fields.position;
      }
      const timestamp = baseTimestamp + delta;
      if (timestamp > maxTimestamp) maxTimestamp = timestamp;
      if (needsKeys && !hasKey) this.#addUnfit(index, undefined);
      else if (
        (timestamp > latestTimestamp || timestamp < earliestTimestamp) && timestamp !== -1
      ) this.#addUnfit(index, timestamp);
      index++;
      if (!hasHeaders) continue;
      this.#index = index;
      this.#position = position;
      steps = this.#walkHeaders(steps);
      position = this.#position;
    }
    this.#index = index;
    this.#position = position;
    this.maxTimestamp = maxTimestamp;
    if (this.#headersLeft > 0) return false;
    if (position !== bytes.length) {
      throw new MalformedRecordError(
        index,
        `${bytes.length - position} bytes follow the last of ${recordCount} records`,
      );
    }
    return true;
  }

  /** Reads any record up to its headers. Returns its timestamp delta. */
  #walkRecord(): number {
    const fields = this.#fields;
    const left = fields.bytes.length;
    if (fields.position >= left) {
      throw new MalformedRecordError(
        this.#index,
        `${this.#options.recordCount} records are stated, the bytes end before it`,
      );
    }
    try {
      const length = fields.varint(left);
      const end = fields.position + length;
      if (length < 0 || end > left) {
        fields.fail(`record length is ${length}, ${left - fields.position} bytes are left`);
      }
      fields.skip(1, end); // attributes, unused
      const timestampDelta = fields.varlong(end);
      const offsetDelta = fields.varint(end);
      if (offsetDelta !== this.#index) {
        fields.fail(`offset delta is ${offsetDelta}, not ${this.#index}`);
      }
      const keySize = fields.varint(end);
      fields.skip(keySize, end);
      fields.skip(fields.varint(end), end);
      const headerCount = fields.varint(end);
      if (headerCount < 0 || headerCount > end - fields.position) {
        fields.fail(`header count is ${headerCount}, ${end - fields.position} bytes are left`);
      }
      if (headerCount === 0 && fields.position !== end) {
        fields.fail(`${end - fields.position} bytes follow the last field`);
      }
      this.#hasKey = keySize >= 0;
      this.#headersLeft = headerCount;
      this.#recordEnd = end;
      return timestampDelta;
    } catch (error) {
      throw this.#malformed(this.#index, error);
    }
  }

  /** Visits the remaining headers of a record. Returns the number of steps left. */
  #walkHeaders(maxSteps: number): number {
    let left = this.#headersLeft;
    if (left === 0) return maxSteps;
    const fields = this.#fields;
    const end = this.#recordEnd;
    let steps = maxSteps;
    fields.position = this.#position;
    try {
      for (; left > 0 && steps > 0; steps--) {
        const nameSize = fields.varint(end);
        if (nameSize < 0) fields.fail(`size of a header name is ${nameSize}`);
        fields.skip(nameSize, end);
        fields.skip(fields.varint(end), end);
        left--;
      }
      if (left === 0 && fields.position !== end) {
        fields.fail(`${end - fields.position} bytes follow the last header`);
      }
    } catch (error) {
      throw this.#malformed(this.#index - 1, error);
    }
    this.#headersLeft = left;
    this.#position = fields.position;
    return left > 0 ? 0 : steps;
  }

  #malformed(index: number, error: unknown): Error {
    if (!(error instanceof CorruptRecordError)) return error as Error;
    return new MalformedRecordError(index, error.message, { cause: error });
  }

  #addUnfit(index: number, timestamp: number | undefined): void {
    if (this.unfitCount++ < MAX_UNFIT_RECORDS) this.unfit.push({ index, timestamp });
  }
}

/**
 * Reads a varint of up to three bytes. The result is the raw zig-zag value times four plus the
 * number of bytes, or 0 if the varint is longer or truncated.
 */
function shortVarint(bytes: Uint8Array, position: number): number {
  const first = bytes[position]!;
  if (first < 0x80) return first << 2 | 1;
  const second = bytes[position + 1]!;
  if (second < 0x80) return (second << 7 | first & 0x7f) << 2 | 2;
  const third = bytes[position + 2]!;
  return third < 0x80 ? (third << 14 | (second & 0x7f) << 7 | first & 0x7f) << 2 | 3 : 0;
}

function unZigZag(raw: number): number {
  return (raw >>> 1) ^ -(raw & 1);
}
