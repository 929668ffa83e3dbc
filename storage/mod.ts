/**
 * The log on disk: record batches of partitions in Kafka's file formats, with everything needed to
 * store, find and recover them.
 *
 * A `LogDirectory` is a data folder. It opens and creates `Log`s, one per partition, and maintains
 * the checkpoints they are opened from. A `Log` is a list of `Segment`s, the last of which takes
 * appends; each has a file of batches, an `OffsetIndex` and a `TimeIndex`. A log also has the state
 * of its idempotent producers (`ProducerStateManager`) and its leader epochs (`LeaderEpochCache`).
 * `LogFlusher`, `LogCheckpointer`, `LogReader` and `LogTrimmer` are parts of a log that share its
 * `LogState`, as does the `LogCompactor` in `cleaner/`. `log/loading/` finds the files of a log
 * when it is opened, and recovers them after a crash. A file that differs from its state at the
 * last clean shutdown (`segment_comparison.ts`) is reported as a `LogLoss`.
 *
 * Bytes are checked the first time they are read from a file. `BatchWalk` walks the batches of a
 * file past damage; the damage known of a segment is in its `SegmentIntegrity`, and is never
 * served. `verify/` checks and repairs a data folder that no broker has open.
 *
 * The logs of a folder share a bounded `FilePool` of open files, a bounded `IndexCache`, and the
 * `BatchCache`, which holds the newest batches of all logs in memory. Everything works on a
 * `FileSystem`: the machine's (`DenoFileSystem`) or one in memory (`MemoryFileSystem`).
 *
 * An append is synchronous and takes one write. `Log.flush` resolves when everything appended
 * before the call is on disk; all callers that wait share one sync. Times are passed in: nothing
 * here reads a clock or sets a timer, except to yield in long-running work.
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
export { Log } from "./log.ts";
export type { SegmentInfo } from "./segment/segment.ts";
export { LogDirectory } from "./log_directory.ts";
export type { LogCreateOptions, LogDirectoryOptions } from "./directory/log_directory_options.ts";
export { afterPoll } from "./event_loop.ts";
export { runSliced, TimeSlice } from "./time_slice.ts";
