/**
 * What a batch must be before it is appended (Kafka: `LogValidator`).
 *
 * `validateBatch` checks size, CRC, header and, unless `record.validation=header`, every record;
 * corrects what the header states wrongly; and compresses again where the topic says so.
 * `timestamp_range.ts` has the bounds of timestamps.
 *
 * @module
 */

export { validateBatch } from "./validate_batch.ts";
