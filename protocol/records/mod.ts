/**
 * Record batches, message format v2: what producers send, brokers store and consumers fetch.
 *
 * `RecordBatch` is a view of a batch: its header, and `Record` views decoded on demand. A
 * `RecordBatchBuilder` makes new ones. `crc32c` guards their bytes, `../compression` packs their
 * records. Nothing here does I/O or knows of topics.
 *
 * @module
 */

export { crc32c } from "./crc32c.ts";
export { CorruptRecordError, UnsupportedRecordFormatError } from "./errors.ts";
export { Record, type RecordHeader } from "./record.ts";
export {
  LOG_OVERHEAD,
  RECORD_BATCH_OVERHEAD,
  RecordBatch,
  recordBatches,
  sizeOfBatchAt,
  type TimestampType,
} from "./record_batch.ts";
export { MalformedRecordError, RecordWalk, type UnfitRecord } from "./record_walk.ts";
export {
  RecordBatchBuilder,
  type RecordBatchBuilderOptions,
  type RecordData,
  type RecordHeaderInput,
} from "./record_batch_builder.ts";
