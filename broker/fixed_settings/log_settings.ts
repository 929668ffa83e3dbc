/**
 * How logs are compacted, compressed and checkpointed.
 *
 * @module
 */

import { type FixedSetting, fixedSettings } from "../fixed_setting.ts";

/** The settings. */
export const LOG_SETTINGS: Readonly<Record<string, FixedSetting>> = {
  ...fixedSettings("one log is compacted at a time, as fast as the disk allows", {
    "log.cleaner.io.buffer.load.factor": [
      "double",
      "0.9",
      "Part of the memory for keys that may be filled",
      "cluster-wide",
    ],
    "log.cleaner.io.buffer.size": [
      "int",
      "524288",
      "Bytes that compaction reads and writes at a time",
      "cluster-wide",
    ],
    "log.cleaner.io.max.bytes.per.second": [
      "double",
      "1.7976931348623157E308",
      "Most bytes a second that compaction reads and writes",
      "cluster-wide",
    ],
    "log.cleaner.threads": ["int", "1", "Threads that compact logs", "cluster-wide"],
  }),
  ...fixedSettings("logs are flushed when flush, flush.messages and flush.ms ask for it", {
    "log.flush.scheduler.interval.ms": [
      "long",
      "9223372036854775807",
      "Milliseconds between two checks for logs to flush",
    ],
  }),
  ...fixedSettings("files are only ever appended to, so they grow as they are written", {
    "log.preallocate": [
      "boolean",
      "false",
      "Whether the file of a new segment has its full size from the start; default of preallocate",
      "cluster-wide",
    ],
  }),
  ...fixedSettings("where logs start is written with log.flush.offset.checkpoint.interval.ms", {
    "log.flush.start.offset.checkpoint.interval.ms": [
      "int",
      "60000",
      "Milliseconds between two notes of where logs start",
    ],
  }),
};
