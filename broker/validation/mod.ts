/**
 * Validation of batches beside the event loop.
 *
 * A batch is validated by `storage/validation/`. `BatchValidations` runs what takes long in slices, within
 * a bound on memory, and hands compression at high levels to a `CompressionWorker`.
 *
 * @module
 */

export { BatchValidations } from "./batch_validations.ts";
