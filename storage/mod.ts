/**
 * The log on disk: partitions' record batches in Kafka's own files, and all it takes to keep, find
 * and recover them.
 *
 * A `LogDirectory` is a data folder. It opens and creates `Log`s, one for each partition, and keeps
 * the checkpoints from which they are opened again. A `Log` is a list of `Segment`s, of which the last
 * is appended to; each has a file of batches, an `OffsetIndex` and a `TimeIndex`. Beside them a log
 * has the state of idempotent producers (`ProducerStateManager`) and its leader epochs
 * (`LeaderEpochCache`). `LogFlusher`, `LogCheckpointer`, `LogReader` and `LogTrimmer` are parts of a log that share
 * its `LogState`, as does the `LogCompactor` in `cleaner/`; `log_loader.ts` finds out on open what there is, and
 * `LogRecoverer` recovers it after a crash. What is not as it was at the last clean stop
 * (`segment_comparison.ts`) is told as a `LogLoss`.
 *
 * What is read from a file is checked the first time. `BatchWalk` goes along batches past those that are
 * damaged; what it found of a segment is kept in its `SegmentIntegrity`, and never served. `verify/` checks
 * and mends the files of a folder that nobody has open.
 *
 * Logs of a folder share a bounded `FilePool` of open files, a bounded `IndexCache`, and the `BatchCache`:
 * the last batches of all logs in memory. All of it works on a `FileSystem`, the machine's
 * (`DenoFileSystem`) or one in memory (`MemoryFileSystem`).
 *
 * Appends are synchronous and go to the file with one write. `Log.flush` resolves when what was
 * appended before is on disk; one sync serves all who wait. Times are passed in: nothing here
 * reads a clock or sets a timer, but to give way in long work.
 *
 * @module
 */

export * from "./file_system/mod.ts";
export * from "./log/mod.ts";
export * from "./validation/mod.ts";
export * from "./directory/mod.ts";
export * from "./cleaner/mod.ts";
export { CorruptRecordError } from "../protocol/records/mod.ts";
export * from "./errors.ts";
export { Log, type SegmentInfo } from "./log.ts";
export { type LogCreateOptions, LogDirectory, type LogDirectoryOptions } from "./log_directory.ts";
export { runSliced, TimeSlice } from "./time_slice.ts";
