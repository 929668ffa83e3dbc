/**
 * Record batches for tests that speak the protocol themselves.
 *
 * @module
 */

import {
  RecordBatch,
  RecordBatchBuilder,
  type RecordBatchBuilderOptions,
  recordBatches,
} from "../../../protocol/records/mod.ts";

/** The default timestamp of the first record of a batch. */
export const FIRST_TIMESTAMP = 1_700_000_000_000;

/** Options of a batch. */
export interface BatchOptions extends RecordBatchBuilderOptions {
  /** The timestamp of the first record, in milliseconds since 1970. */
  readonly timestamp?: number;
}

/** Makes a batch of records with these values, each a millisecond later than the previous one. */
export function batchOf(
  values: readonly (string | Uint8Array)[],
  { timestamp = FIRST_TIMESTAMP, ...options }: BatchOptions = {},
): Uint8Array<ArrayBuffer> {
  const builder = new RecordBatchBuilder(options);
  values.forEach((value, index) => builder.append(timestamp + index, null, value));
  return builder.build().slice();
}

/** Offset and value of a record. */
export interface ReadRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly value: string;
}

/** Returns the records in the batches of a Fetch response's partition. */
export function recordsOf(bytes: Uint8Array | null): ReadRecord[] {
  const records: ReadRecord[] = [];
  for (const batch of recordBatches(bytes ?? new Uint8Array(0))) {
    batch.ensureValid();
    for (const record of batch.records()) {
      const value = new TextDecoder().decode(record.value ?? new Uint8Array(0));
      records.push({ offset: record.offset, timestamp: record.timestamp, value });
    }
  }
  return records;
}

/** Returns the base offsets of the batches in a Fetch response's partition. */
export function baseOffsetsOf(bytes: Uint8Array | null): number[] {
  return [...recordBatches(bytes ?? new Uint8Array(0))].map((batch) => batch.baseOffset);
}

/** A view of a batch, to change it. */
export function viewOf(batch: Uint8Array): RecordBatch {
  return new RecordBatch(batch);
}
