/**
 * Log compaction (`cleanup.policy=compact`): a log that keeps the last record of each key.
 *
 * `LogCleaner` chooses the log to clean, by its `cleanableRange`. A `LogCompactor` is the part of a
 * log that cleans it. A `CleaningPass` collects the last offset of each key in an `OffsetMap`, by
 * hashes from a `KeyHasher`; reads segments with `SegmentChunks`; removes records from batches with
 * a `BatchFilter`, guided for transactions by `AbortedTransactions` and `MarkerUse`; writes the
 * retained batches with a `SegmentWriter`; and replaces the old segments with `SegmentSwap`. The
 * first dirty offset of each log is in `cleaner-offset-checkpoint`, one of the data folder's
 * checkpoints.
 *
 * @module
 */

export type { CleanableRange } from "./cleanable_range.ts";
export { type CleanableLog, type CleaningOptions, dirtyRatio, LogCleaner } from "./log_cleaner.ts";
export { loadCleaningPass } from "./log_compactor.ts";
export type { CleanOptions, LogCleaning } from "./cleaning_pass.ts";
