/**
 * Settings of compaction, checkpoints and tiered storage.
 *
 * @module
 */

import { type FixedSetting, fixedSettings } from "../fixed_setting.ts";

/** The settings by name. */
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
  ...fixedSettings("where logs start is written with log.flush.offset.checkpoint.interval.ms", {
    "log.flush.start.offset.checkpoint.interval.ms": [
      "int",
      "60000",
      "Milliseconds between two notes of where logs start",
    ],
  }),
  ...fixedSettings("logs are kept in the data folder alone, there is no tiered storage", {
    "log.local.retention.bytes": [
      "long",
      "-2",
      "Bytes of a partition kept here once they are in the remote store too; default of local.retention.bytes",
      "cluster-wide",
    ],
    "log.local.retention.ms": [
      "long",
      "-2",
      "Milliseconds that records stay here once they are in the remote store too; default of local.retention.ms",
      "cluster-wide",
    ],
    "remote.fetch.max.wait.ms": [
      "int",
      "500",
      "Most milliseconds that a fetch waits for the remote store",
      "cluster-wide",
    ],
    "remote.list.offsets.request.timeout.ms": [
      "long",
      "30000",
      "Milliseconds that a lookup of offsets waits for the remote store",
      "cluster-wide",
    ],
    "remote.log.index.file.cache.total.size.bytes": [
      "long",
      "1073741824",
      "Bytes of remote indexes that are kept here",
      "cluster-wide",
    ],
    "remote.log.manager.copier.thread.pool.size": [
      "int",
      "10",
      "Threads that copy segments to the remote store",
      "cluster-wide",
    ],
    "remote.log.manager.copy.max.bytes.per.second": [
      "long",
      "9223372036854775807",
      "Most bytes a second to the remote store",
      "cluster-wide",
    ],
    "remote.log.manager.copy.quota.window.num": [
      "int",
      "11",
      "Samples that copies to the remote store are throttled by",
    ],
    "remote.log.manager.copy.quota.window.size.seconds": [
      "int",
      "1",
      "Seconds of a sample of copies to the remote store",
    ],
    "remote.log.manager.expiration.thread.pool.size": [
      "int",
      "10",
      "Threads that delete old segments in the remote store",
      "cluster-wide",
    ],
    "remote.log.manager.fetch.max.bytes.per.second": [
      "long",
      "9223372036854775807",
      "Most bytes a second from the remote store",
      "cluster-wide",
    ],
    "remote.log.manager.fetch.quota.window.num": [
      "int",
      "11",
      "Samples that reads of the remote store are throttled by",
    ],
    "remote.log.manager.fetch.quota.window.size.seconds": [
      "int",
      "1",
      "Seconds of a sample of reads of the remote store",
    ],
    "remote.log.manager.follower.thread.pool.size": [
      "int",
      "2",
      "Threads for what followers do with the remote store",
      "cluster-wide",
    ],
    "remote.log.manager.task.interval.ms": [
      "long",
      "30000",
      "Milliseconds between two runs of the tasks for the remote store",
    ],
    "remote.log.manager.thread.pool.size": [
      "int",
      "2",
      "Threads that plan the tasks for the remote store",
    ],
    "remote.log.metadata.custom.metadata.max.bytes": [
      "int",
      "128",
      "Most bytes that the remote store may note of a segment",
    ],
    "remote.log.metadata.manager.class.name": [
      "string",
      "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager",
      "Keeps the metadata of remote segments",
    ],
    "remote.log.metadata.manager.class.path": ["string", null, "Where that class is"],
    "remote.log.metadata.manager.impl.prefix": [
      "string",
      "rlmm.config.",
      "Prefix of that class's own settings",
    ],
    "remote.log.metadata.manager.listener.name": ["string", null, "Listener that it connects to"],
    "remote.log.reader.max.pending.tasks": [
      "int",
      "100",
      "Reads of the remote store that may wait",
    ],
    "remote.log.reader.threads": [
      "int",
      "10",
      "Threads that read the remote store",
      "cluster-wide",
    ],
    "remote.log.storage.manager.class.name": ["string", null, "Reads and writes the remote store"],
    "remote.log.storage.manager.class.path": ["string", null, "Where that class is"],
    "remote.log.storage.manager.impl.prefix": [
      "string",
      "rsm.config.",
      "Prefix of that class's own settings",
    ],
    "remote.log.storage.system.enable": ["boolean", "false", "Whether there is a remote store"],
  }),
};
