/**
 * Every broker setting that takes effect, as one table. Kafka's other settings, which accept a
 * single value, are in `fixed/`.
 *
 * Names, units and defaults are Kafka's where Kafka has the setting. Specific to this broker are
 * `metadata` and what begins with it, `log.flush.policy`, `log.level`, `record.validation`, `batch.cache.bytes`, `open.files.max`,
 * `queued.max.response.bytes`, `transactional.ids.max.bytes` and `max.in.flight.requests.per.connection`
 * (a client setting in Kafka).
 *
 * @module
 */

import { INT64_MAX } from "../../protocol/primitives/int64.ts";
import { AUTHORIZER_SETTINGS } from "./authorizer_settings.ts";
import { CONNECTION_SETTINGS } from "./connection_settings.ts";
import { parseEtcdAddress } from "./etcd_address.ts";
import { FIXED_SETTINGS } from "./fixed/mod.ts";
import { GROUP_SETTINGS } from "./group_settings.ts";
import { SASL_SETTINGS } from "./sasl_settings.ts";
import { TLS_SETTINGS } from "./tls_settings.ts";
import { TOKEN_LOGIN_SETTINGS } from "./token_login_settings.ts";
import { TOKEN_SETTINGS } from "./token_settings.ts";
import { TRANSACTION_SETTINGS } from "./transaction_settings.ts";
import { LOG_LEVELS } from "../logger.ts";
import { INTER_BROKER_SETTINGS } from "./inter_broker_settings.ts";
import { isOverride, type ListenerOverride, parseOverride } from "./listener_overrides.ts";
import { LISTENER_SETTINGS } from "./listener_settings.ts";
import {
  boolean,
  choice,
  double,
  int,
  list,
  long,
  optionalNumber,
  optionalString,
  type Setting,
  SettingValueError,
  type SettingValues,
  string,
} from "./setting.ts";

const COMPRESSION_TYPES = ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"] as const;

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const MIB = 1024 * 1024;

/** Defaults of topic settings can change while the broker runs. */
const DYNAMIC = { scope: "cluster-wide" } as const;

/** The settings by name. */
export const SETTINGS = {
  "node.id": int(1, "Number of this broker, unique in its cluster", { min: 0 }),
  "broker.id": int(1, "Former name of node.id", { min: -1 }),
  "cluster.id": optionalString(
    "Id of the cluster. A data folder that belongs to another cluster is rejected. Default: the " +
      "id in the data folder, or a new one",
  ),
  "metadata": string(
    "local",
    "Where the cluster's metadata is: local for a cluster of this broker alone, in its data folder, " +
      "or etcd://HOST:PORT,HOST:PORT/NAME, with etcds:// for TLS",
    { check: checkMetadata },
  ),
  "metadata.credentials.file": optionalString(
    "File with one line, USER:PASSWORD, to log in to etcd with",
  ),
  "metadata.tls.ca.file": optionalString(
    "File with the certificates, as PEM, of the authorities that etcd's are signed by",
  ),
  "metadata.tls.cert.file": optionalString("File with this client's certificate for etcd, as PEM"),
  "metadata.tls.key.file": optionalString("File with the key of metadata.tls.cert.file, as PEM"),
  "broker.rack": optionalString("Rack of this broker, reported to clients"),
  ...LISTENER_SETTINGS,
  ...INTER_BROKER_SETTINGS,
  "log.dirs": string("dqueue-data", "Data folder; exactly one", {
    flag: "data",
    type: "list",
    check: checkDataFolder,
  }),
  "log.dir": optionalString("Data folder, if log.dirs is not set", {
    type: "list",
    check: checkDataFolder,
  }),
  "log.level": choice(LOG_LEVELS, "info", "Least severe level that is logged"),

  "auto.create.topics.enable": boolean(
    true,
    "Whether a topic is created automatically when a client that allows it first requests it",
  ),
  "delete.topic.enable": boolean(true, "Whether topics can be deleted"),
  "num.partitions": int(1, "Default number of partitions of a new topic", { min: 1 }),
  "default.replication.factor": int(1, "Default number of replicas of a new topic", {
    min: 1,
    max: 32767,
  }),
  "min.insync.replicas": int(
    1,
    "Minimum number of in-sync replicas for a write with acks=all",
    { min: 1, ...DYNAMIC },
  ),
  "follower.replication.throttled.rate": long(
    INT64_MAX,
    "Bytes per second of the replicas that reassignments add to this broker, as far as topics list " +
      "them in follower.replication.throttled.replicas",
    { min: 0, ...DYNAMIC },
  ),
  "leader.replication.throttled.rate": long(
    INT64_MAX,
    "Bytes per second of the replicas that reassignments add to each other broker from this one, as " +
      "far as topics list this one in leader.replication.throttled.replicas",
    { min: 0, ...DYNAMIC },
  ),
  "auto.leader.rebalance.enable": boolean(
    true,
    "Whether the controller has preferred leaders lead again from time to time",
  ),
  "leader.imbalance.check.interval.seconds": long(
    300,
    "Seconds between two checks of the controller for partitions whose preferred leader does not lead",
    { min: 1 },
  ),
  "broker.draining": boolean(
    false,
    'Whether this broker gets no new replicas, and leads only what no other can; "dqueue cluster ' +
      'drain" sets it',
    DYNAMIC,
  ),
  "replica.lag.time.max.ms": long(
    30_000,
    "Milliseconds behind its leader after which a follower is no longer in sync; 1250 if it does not " +
      "fetch at all while appends wait for it, and two replicas and min.insync.replicas remain",
    { min: 1 },
  ),

  "socket.request.max.bytes": int(
    100 * MIB,
    "Maximum size of a request in bytes; 8 MiB for requests other than Produce. The connection " +
      "of a larger request is closed",
    { min: 1024 },
  ),
  "queued.max.request.bytes": long(
    128 * MIB,
    "Maximum bytes of requests held in memory, over all connections; sockets are not read above it",
    { min: 1 },
  ),
  "queued.max.response.bytes": long(
    128 * MIB,
    "Maximum memory for responses that clients have not read, over all connections. Fetch " +
      "responses shrink as it fills up, and a response that alone would exceed it is replaced by " +
      "an error",
    { min: 1 },
  ),
  "max.in.flight.requests.per.connection": int(
    16,
    "Maximum number of unanswered requests of a connection; no more are read until one is answered",
    { min: 1 },
  ),
  ...CONNECTION_SETTINGS,
  "connections.max.idle.ms": long(
    10 * 60 * 1000,
    "Milliseconds after which an idle connection is closed; -1 disables it",
    { min: -1 },
  ),
  "fetch.max.bytes": int(
    55 * MIB,
    "Maximum bytes of records in a fetch response, unless its first batch alone is larger",
    { min: 1024 },
  ),
  "max.incremental.fetch.session.cache.slots": int(
    1000,
    "Maximum number of fetch sessions; 0 disables them",
    { min: 0 },
  ),
  "max.request.partition.size.limit": int(
    2000,
    "Maximum number of partitions in a response to DescribeTopicPartitions",
    { min: 1 },
  ),

  "message.max.bytes": int(
    MIB + 12,
    "Maximum size of a record batch in bytes, after compression; default of max.message.bytes",
    { min: 0, ...DYNAMIC },
  ),
  "compression.type": choice(
    COMPRESSION_TYPES,
    "producer",
    "How batches are compressed on disk. producer: as sent by the producer; otherwise batches " +
      "with another codec are recompressed with this one, or decompressed. Default of the topic " +
      "setting of the same name",
    DYNAMIC,
  ),
  "compression.gzip.level": int(
    -1,
    "Level for compression.type=gzip, 1 to 9, or -1 for gzip's default; default of the topic " +
      "setting of the same name",
    { min: -1, max: 9, not: 0, ...DYNAMIC },
  ),
  "compression.lz4.level": int(
    9,
    "Level for compression.type=lz4, 1 to 17; default of the topic setting of the same name",
    { min: 1, max: 17, ...DYNAMIC },
  ),
  "compression.zstd.level": int(
    3,
    "Level for compression.type=zstd, -131072 to 22; default of the topic setting of the same name",
    { min: -131072, max: 22, ...DYNAMIC },
  ),
  "record.validation": choice(
    ["full", "header"],
    "full",
    "What is validated before a batch is appended. full: the records too; header: checksum and " +
      "header only, for trusted producers: consumers will find an invalid record or timestamp. " +
      "Default of the topic setting of the same name",
    DYNAMIC,
  ),
  "log.message.timestamp.type": choice(
    ["CreateTime", "LogAppendTime"],
    "CreateTime",
    "Whether a record's timestamp is set by the producer or at append; default of " +
      "message.timestamp.type",
    DYNAMIC,
  ),
  "log.message.timestamp.before.max.ms": long(
    INT64_MAX,
    "Maximum age in milliseconds of a producer's timestamp at append; default of " +
      "message.timestamp.before.max.ms",
    { min: 0, ...DYNAMIC },
  ),
  "log.message.timestamp.after.max.ms": long(
    HOUR_MS,
    "Maximum milliseconds that a producer's timestamp may lie in the future at append; default " +
      "of message.timestamp.after.max.ms",
    { min: 0, ...DYNAMIC },
  ),

  "log.flush.policy": choice(
    ["commit", "interval", "os"],
    "commit",
    "When appends are flushed to disk. commit: before a write with acks=all is acknowledged, one " +
      "flush for all waiting writes; interval: within log.flush.interval.ms, or one second if that " +
      "is not set; os: when the operating system writes back. Default of flush",
    DYNAMIC,
  ),
  "log.flush.interval.messages": long(
    INT64_MAX,
    "Number of unflushed records in a partition at which a write is flushed before it is " +
      "acknowledged, whatever its acks and log.flush.policy; default of flush.messages",
    { min: 1, ...DYNAMIC },
  ),
  "log.flush.interval.ms": optionalNumber(
    "long",
    "Milliseconds within which an append is flushed, whatever log.flush.policy; default of " +
      "flush.ms",
    { min: 0, ...DYNAMIC },
  ),
  "log.flush.offset.checkpoint.interval.ms": int(
    60_000,
    "Milliseconds between recovery point checkpoints, which shorten recovery after a crash",
    { min: 1 },
  ),
  "replica.high.watermark.checkpoint.interval.ms": long(
    5000,
    "Milliseconds between checkpoints of the high watermarks, if partitions can have replicas",
    { min: 1 },
  ),
  "log.segment.bytes": int(
    1024 * MIB,
    "Size in bytes at which a new segment is rolled; default of segment.bytes",
    { min: MIB, ...DYNAMIC },
  ),
  "log.preallocate": boolean(
    false,
    "Whether the file of a new segment is created at its full size; default of preallocate",
    DYNAMIC,
  ),
  "log.roll.ms": optionalNumber(
    "long",
    "Age in milliseconds at which a new segment is rolled; default of segment.ms. If not set, " +
      "log.roll.hours is used",
    { min: 1, ...DYNAMIC },
  ),
  "log.roll.hours": int(168, "Like log.roll.ms, in hours", { min: 1 }),
  "log.roll.jitter.ms": optionalNumber(
    "long",
    "Maximum random milliseconds subtracted from log.roll.ms, so that partitions do not roll at " +
      "the same time; default of segment.jitter.ms. If not set, log.roll.jitter.hours is used",
    { min: 0, ...DYNAMIC },
  ),
  "log.roll.jitter.hours": int(0, "Like log.roll.jitter.ms, in hours", { min: 0 }),
  "log.index.size.max.bytes": int(
    10 * MIB,
    "Maximum size of an index file in bytes; default of segment.index.bytes",
    { min: 12, ...DYNAMIC },
  ),
  "log.index.interval.bytes": int(
    4096,
    "Bytes of log between two index entries; default of index.interval.bytes",
    { min: 0, ...DYNAMIC },
  ),
  "log.cleanup.policy": list(
    ["delete"],
    "What happens to old records. delete: segments are deleted by age and size; compact: the " +
      "last record of each key is kept; or both; if empty, everything is kept. Default of " +
      "cleanup.policy",
    { choices: ["compact", "delete"], allowEmpty: true, ...DYNAMIC },
  ),
  "log.cleaner.enable": boolean(true, "Whether logs with cleanup.policy=compact are compacted"),
  "log.cleaner.backoff.ms": long(
    15_000,
    "Milliseconds between checks for logs to compact",
    { min: 0, ...DYNAMIC },
  ),
  "log.cleaner.dedupe.buffer.size": long(
    128 * MIB,
    "Memory in bytes for the keys of the log being compacted, 27 bytes each; a log with more " +
      "keys is compacted in several passes",
    { min: MIB, ...DYNAMIC },
  ),
  "log.cleaner.min.cleanable.ratio": double(
    0.5,
    "Minimum ratio of uncompacted to total bytes at which a log is compacted, 0 to 1; default of " +
      "min.cleanable.dirty.ratio",
    { min: 0, max: 1, ...DYNAMIC },
  ),
  "log.cleaner.delete.retention.ms": long(
    DAY_MS,
    "Milliseconds for which compaction retains tombstones; default of delete.retention.ms",
    { min: 0, ...DYNAMIC },
  ),
  "log.cleaner.min.compaction.lag.ms": long(
    0,
    "Minimum age in milliseconds at which a record can be compacted; default of " +
      "min.compaction.lag.ms",
    { min: 0, ...DYNAMIC },
  ),
  "log.cleaner.max.compaction.lag.ms": long(
    INT64_MAX,
    "Age in milliseconds at which a record must be compacted, whatever the dirty ratio; default " +
      "of max.compaction.lag.ms",
    { min: 1, ...DYNAMIC },
  ),
  "log.retention.ms": optionalNumber(
    "long",
    "Milliseconds for which records are retained at least, -1 for no limit; default of " +
      "retention.ms. If not set, log.retention.minutes is used",
    { min: -1, ...DYNAMIC },
  ),
  "log.retention.minutes": optionalNumber(
    "int",
    "Like log.retention.ms, in minutes. If not set, log.retention.hours is used",
    { min: -1 },
  ),
  "log.retention.hours": int(168, "Like log.retention.ms, in hours", { min: -1 }),
  "log.retention.bytes": long(
    -1,
    "Bytes that a partition retains at least before old segments are deleted, -1 for no limit; " +
      "default of retention.bytes",
    { min: -1, ...DYNAMIC },
  ),
  "log.retention.check.interval.ms": long(
    300_000,
    "Milliseconds between checks for segments to delete",
    { min: 1 },
  ),
  "log.segment.delete.delay.ms": long(
    60_000,
    "Milliseconds between the deletion of a segment or topic and the removal of its files; " +
      "default of file.delete.delay.ms",
    { min: 0, ...DYNAMIC },
  ),

  "producer.id.expiration.ms": int(
    DAY_MS,
    "Milliseconds after its last write for which a producer's state is kept to detect duplicates",
    { min: 1, ...DYNAMIC },
  ),
  "batch.cache.bytes": long(
    64 * MIB,
    "Memory in bytes for the newest batches of all logs, from which consumers that keep up are " +
      "served; 0 disables it",
    { min: 0 },
  ),
  "open.files.max": int(1000, "Maximum number of open log files, over all partitions", { min: 1 }),

  ...AUTHORIZER_SETTINGS,
  ...GROUP_SETTINGS,
  ...SASL_SETTINGS,
  ...TOKEN_LOGIN_SETTINGS,
  ...TOKEN_SETTINGS,
  ...TRANSACTION_SETTINGS,
  ...TLS_SETTINGS,
};

/** The value of each setting. */
export type BrokerSettings = SettingValues<typeof SETTINGS>;

/** The name of a setting. */
export type SettingName = keyof BrokerSettings;

/** Names of the settings that take effect, sorted. */
export const SETTING_NAMES: readonly SettingName[] = (Object.keys(SETTINGS) as SettingName[])
  .sort();

const KNOWN_SETTINGS: Readonly<Record<string, Setting>> = {
  ...SETTINGS as unknown as Record<string, Setting>,
  ...FIXED_SETTINGS as unknown as Record<string, Setting>,
};

/** Names of all settings, including those that accept a single value, sorted. */
export const KNOWN_SETTING_NAMES: readonly string[] = Object.keys(KNOWN_SETTINGS).sort();

/** Whether `name` is a setting that takes effect. */
export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

/**
 * The setting, including those that accept a single value; `undefined` if there is none of that
 * name.
 */
export function knownSetting(name: string): Setting | undefined {
  return Object.hasOwn(KNOWN_SETTINGS, name) ? KNOWN_SETTINGS[name] : undefined;
}

/**
 * Parses the name of a setting of one listener, such as `listener.name.internal.ssl.client.auth`, or
 * its flag.
 *
 * @returns The setting, or why there is none; undefined if the name is not meant as one.
 */
export function overrideOf(name: string): ListenerOverride | string | undefined {
  return isOverride(name) ? parseOverride(name, KNOWN_SETTINGS) : undefined;
}

/** The command line flag of a setting, without dashes. */
export function flagOf(name: string): string {
  return knownSetting(name)?.flag ?? name.replaceAll(".", "-");
}

/** The environment variable of a setting. */
export function variableOf(name: string): string {
  return `DQUEUE_${flagOf(name).replaceAll("-", "_").toUpperCase()}`;
}

function checkMetadata(text: string): void {
  if (text === "local") return;
  try {
    parseEtcdAddress(text);
  } catch (error) {
    throw new SettingValueError(error instanceof Error ? error.message : String(error));
  }
}

function checkDataFolder(text: string): void {
  if (text.trim() === "") throw new SettingValueError("the folder name is empty");
  if (text.includes(",")) throw new SettingValueError(`"${text}" names more than one folder`);
}
