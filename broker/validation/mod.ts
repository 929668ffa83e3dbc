/**
 * Validation of batches that clients produce.
 *
 * `produced_batch.ts` checks that a request has a batch that a client may append. Header and records are
 * validated by `storage/validation/`. `BatchValidations` runs what takes long in slices, within a bound on
 * memory, and hands compression at high levels to a `CompressionWorker`.
 *
 * @module
 */

export { BatchValidations } from "./batch_validations.ts";
export { checkClientBatch, producedBatch } from "./produced_batch.ts";
