/**
 * Removes records from a batch. The retained records keep their offsets, and the batch keeps its
 * base offset, last offset delta, leader epoch and producer fields: consumers see a gap in the
 * offsets, but there is none in the producer's sequence. Kafka: `MemoryRecords.filterTo`.
 *
 * A batch whose records are all retained keeps its bytes. Otherwise records are copied without
 * being decoded, unless the batch gets a delete horizon (KIP-534): that replaces the base
 * timestamp, to which the timestamps of the records are relative.
 *
 * @module
 */

import { compress, CompressionType } from "../../protocol/compression/mod.ts";
import { setInt64 } from "../../protocol/primitives/int64.ts";
import {
  crc32c,
  LOG_OVERHEAD,
  RECORD_BATCH_OVERHEAD,
  type RecordBatch,
} from "../../protocol/records/mod.ts";
import {
  ATTRIBUTES_POSITION,
  BASE_TIMESTAMP_POSITION,
  BATCH_LENGTH_POSITION,
  COMPRESSION_MASK,
  CRC_POSITION,
  DELETE_HORIZON_MASK,
  MAX_TIMESTAMP_POSITION,
  RECORD_COUNT_POSITION,
} from "../../protocol/records/record_batch.ts";
import {
  MAX_VARINT_SIZE,
  MAX_VARLONG_SIZE,
  readExactVarlong,
  sizeOfVarint,
  writeVarint,
  writeVarlong,
} from "../../protocol/records/varint.ts";
import { RecordCursor } from "./record_cursor.ts";

/**
 * Records of more bytes are compressed at the fastest level, because compression blocks the event
 * loop.
 */
const LARGE = 1024 * 1024;

/** How to filter a batch. */
export interface FilterOptions {
  /** Whether to retain a record; called for each, in order. */
  readonly retains: (record: RecordCursor) => boolean;
  /** Whether to keep the batch even if no record is retained. */
  readonly keepsEmpty: boolean;
  /**
   * The delete horizon for the batch, in milliseconds since 1970, if it has tombstones and no
   * horizon yet.
   */
  readonly deleteHorizonMs: number | undefined;
}

/** Filters batches, one after another. */
export class BatchFilter {
  readonly #cursor = new RecordCursor();
  /** Start and end of each run of retained records. */
  #runs: number[] = [];

  /** Number of records of the last batch, and of the retained ones. */
  recordCount = 0;
  retainedCount = 0;

  /**
   * The bytes of a batch, whose CRC must be correct, with the retained records; `undefined` if the
   * batch is dropped.
   *
   * @throws {CorruptRecordError} If the records cannot be read.
   */
  filter(batch: RecordBatch, options: FilterOptions): Uint8Array | undefined {
    const { retains, keepsEmpty, deleteHorizonMs } = options;
    const cursor = this.#cursor;
    const runs: number[] = [];
    this.#runs = runs;
    let runEnd = -1;
    let hasTombstone = false;
    let maxDelta = -Infinity;
    this.recordCount = this.retainedCount = 0;
    cursor.reset(batch);
    cursor.check();
    while (cursor.next()) {
      this.recordCount++;
      if (!retains(cursor)) continue;
      this.retainedCount++;
      if (cursor.valueSize < 0) hasTombstone = true;
      if (cursor.timestampDelta > maxDelta) maxDelta = cursor.timestampDelta;
      if (cursor.start !== runEnd) runs.push(cursor.start, cursor.end);
      else runs[runs.length - 1] = cursor.end;
      runEnd = cursor.end;
    }
    if (this.retainedCount === 0) return keepsEmpty ? emptied(batch) : undefined;
    const horizonMs = hasTombstone && !batch.hasDeleteHorizon ? deleteHorizonMs : undefined;
    if (horizonMs !== undefined) return this.#withHorizon(batch, horizonMs, maxDelta);
    if (this.retainedCount === this.recordCount) return batch.bytes;
    return rebuilt(batch, this.#copied(), this.retainedCount, maxDelta, undefined);
  }

  /** A control batch with a delete horizon; unchanged if it has one. */
  withDeleteHorizon(batch: RecordBatch, deleteHorizonMs: number): Uint8Array {
    if (batch.hasDeleteHorizon) return batch.bytes;
    const cursor = this.#cursor;
    cursor.reset(batch);
    if (!cursor.next()) return batch.bytes;
    this.#runs = [cursor.start, cursor.end];
    this.retainedCount = 1;
    return this.#withHorizon(batch, deleteHorizonMs, cursor.timestampDelta);
  }

  #copied(): Uint8Array {
    const { bytes } = this.#cursor;
    const runs = this.#runs;
    if (runs.length === 2) return bytes.subarray(runs[0], runs[1]);
    let size = 0;
    for (let i = 0; i < runs.length; i += 2) size += runs[i + 1]! - runs[i]!;
    const copied = new Uint8Array(size);
    let at = 0;
    for (let i = 0; i < runs.length; i += 2) {
      copied.set(bytes.subarray(runs[i], runs[i + 1]), at);
      at += runs[i + 1]! - runs[i]!;
    }
    return copied;
  }

  #withHorizon(batch: RecordBatch, horizonMs: number, maxDelta: number): Uint8Array {
    const cursor = this.#cursor;
    const { bytes } = cursor;
    const runs = this.#runs;
    const base = new DataView(batch.bytes.buffer, batch.bytes.byteOffset).getBigInt64(
      BASE_TIMESTAMP_POSITION,
    );
    const exactShift = base - BigInt(horizonMs);
    const shift = Number(exactShift);
    const growth = this.retainedCount * (MAX_VARINT_SIZE + MAX_VARLONG_SIZE);
    const records = new Uint8Array(bytes.length + growth);
    let at = 0;
    let run = 0;
    cursor.reset(batch);
    while (run < runs.length && cursor.next()) {
      if (cursor.start < runs[run]!) continue;
      const delta = cursor.timestampDelta + shift;
      // A rounded sum would change the record's timestamp.
      const isExact = Number.isSafeInteger(shift) && Number.isSafeInteger(delta);
      at = writeWithDelta(records, at, cursor, isExact ? delta : exactDelta(cursor) + exactShift);
      if (cursor.end === runs[run + 1]) run += 2;
    }
    return rebuilt(batch, records.subarray(0, at), this.retainedCount, maxDelta, horizonMs);
  }
}

function exactDelta({ bytes, start }: RecordCursor): bigint {
  let attributes = start;
  while (bytes[attributes++]! >= 0x80);
  return readExactVarlong(bytes, attributes + 1);
}

/** Writes a record with another timestamp delta; returns its end position. */
function writeWithDelta(
  into: Uint8Array,
  position: number,
  record: RecordCursor,
  timestampDelta: number | bigint,
): number {
  const rest = record.bytes.subarray(record.offsetDeltaStart, record.end);
  // The length comes first: make room for the largest, then close the gap.
  const bodyStart = position + MAX_VARINT_SIZE;
  into[bodyStart] = 0;
  const restStart = writeVarlong(into, bodyStart + 1, timestampDelta);
  const length = restStart - bodyStart + rest.length;
  const gap = MAX_VARINT_SIZE - sizeOfVarint(length);
  writeVarint(into, position, length);
  into.copyWithin(bodyStart - gap, bodyStart, restStart);
  into.set(rest, restStart - gap);
  return restStart - gap + rest.length;
}

/** A batch with other records and the header of the original one. */
function rebuilt(
  batch: RecordBatch,
  records: Uint8Array,
  recordCount: number,
  maxDelta: number,
  deleteHorizonMs: number | undefined,
): Uint8Array {
  const { compression } = batch;
  const level = compression === CompressionType.gzip && records.length > LARGE ? 1 : undefined;
  const packed = compression === CompressionType.none
    ? records
    : compress(compression, records, level);
  const bytes = new Uint8Array(RECORD_BATCH_OVERHEAD + packed.length);
  bytes.set(batch.bytes.subarray(0, RECORD_BATCH_OVERHEAD));
  bytes.set(packed, RECORD_BATCH_OVERHEAD);
  const view = new DataView(bytes.buffer);
  if (deleteHorizonMs !== undefined) {
    view.setInt16(ATTRIBUTES_POSITION, batch.attributes | DELETE_HORIZON_MASK);
    setInt64(view, BASE_TIMESTAMP_POSITION, deleteHorizonMs);
  }
  if (batch.timestampType === 0) {
    setInt64(view, MAX_TIMESTAMP_POSITION, batch.baseTimestamp + maxDelta);
  }
  return finished(bytes, view, recordCount);
}

/** A batch without records, which keeps its offsets and its producer's sequence. */
function emptied(batch: RecordBatch): Uint8Array {
  if (batch.recordCount === 0) return batch.bytes;
  const bytes = batch.bytes.slice(0, RECORD_BATCH_OVERHEAD);
  const view = new DataView(bytes.buffer);
  view.setInt16(ATTRIBUTES_POSITION, batch.attributes & ~(COMPRESSION_MASK | DELETE_HORIZON_MASK));
  setInt64(view, BASE_TIMESTAMP_POSITION, batch.maxTimestamp);
  return finished(bytes, view, 0);
}

function finished(bytes: Uint8Array, view: DataView, recordCount: number): Uint8Array {
  view.setInt32(BATCH_LENGTH_POSITION, bytes.length - LOG_OVERHEAD);
  view.setInt32(RECORD_COUNT_POSITION, recordCount);
  view.setUint32(CRC_POSITION, crc32c(bytes, ATTRIBUTES_POSITION));
  return bytes;
}
