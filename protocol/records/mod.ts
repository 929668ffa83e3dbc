/**
 * Record batches, message format v2: written by producers, stored by brokers, fetched by consumers.
 *
 * `RecordBatch` is a view of a batch: its header, and `Record` views decoded on demand.
 * `RecordBatchBuilder` creates batches, and `endTransactionMarker` the markers of transactions.
 * `crc32c` computes their checksum, and `../compression` compresses their records. Nothing in this
 * folder does I/O or depends on topics.
 *
 * @module
 */

export { crc32c } from "./crc32c.ts";
export {
  type EndTransactionMarker,
  endTransactionMarker,
  type EndTransactionMarkerOptions,
  readEndTransactionMarker,
} from "./end_transaction_marker.ts";
export { CorruptRecordError, UnsupportedRecordFormatError } from "./errors.ts";
export { Record, type RecordHeader, RecordReader, type RecordSequence } from "./record.ts";
export {
  LOG_OVERHEAD,
  RECORD_BATCH_OVERHEAD,
  RecordBatch,
  recordBatches,
  sizeOfBatchAt,
  type TimestampType,
} from "./record_batch.ts";
export {
  MalformedRecordError,
  RecordWalk,
  type RecordWalkOptions,
  type UnfitRecord,
} from "./record_walk.ts";
export {
  RecordBatchBuilder,
  type RecordBatchBuilderOptions,
  type RecordData,
  type RecordHeaderInput,
} from "./record_batch_builder.ts";
