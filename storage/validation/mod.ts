/**
 * Validates batches before they are appended (Kafka: `LogValidator`).
 *
 * `validateBatch` checks size, CRC, header and, unless `record.validation=header`, every record;
 * corrects the maximum timestamp in the header; and recompresses the batch if the topic's
 * `compression.type` requires it. `timestamp_range.ts` has the bounds of timestamps.
 *
 * @module
 */

export { validateBatch } from "./validate_batch.ts";
