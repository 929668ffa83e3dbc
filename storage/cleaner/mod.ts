/**
 * Log compaction (`cleanup.policy=compact`): a log that keeps the last record of each key.
 *
 * `LogCleaner` chooses a log, by what `cleanableRange` says of it. A `LogCompactor` is the part of a
 * log that cleans it. A `CleaningPass` notes the last offsets of keys in an `OffsetMap`, by hashes
 * from a `KeyHasher`; reads segments with `SegmentChunks`; takes records out of batches with a
 * `BatchFilter`, as `AbortedTransactions` and `MarkerUse` tell of transactions; writes what stays
 * with a `SegmentWriter`; and has `SegmentSwap` put it in place. How far a log is clean is in
 * `cleaner-offset-checkpoint`, one of the data folder's checkpoints.
 *
 * @module
 */

export type { CleanableRange } from "./cleanable_range.ts";
export { type CleanableLog, type CleaningOptions, dirtyRatio, LogCleaner } from "./log_cleaner.ts";
export type { CleanOptions, LogCleaning } from "./cleaning_pass.ts";
