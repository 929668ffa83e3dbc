/**
 * Every setting of a broker, as one table. A setting stands here only if it acts; Kafka's others, which
 * have one value, are in `fixed_settings/`.
 *
 * Names, units and defaults are Kafka's where Kafka has the setting. Ours alone are
 * `log.flush.policy`, `log.level`, `record.validation`, `batch.cache.bytes`, `open.files.max`,
 * `queued.max.response.bytes` and `max.in.flight.requests.per.connection`, which in Kafka is a client's.
 *
 * @module
 */

import { INT64_MAX } from "../../protocol/primitives/int64.ts";
import { FIXED_SETTINGS } from "./fixed/mod.ts";
import { GROUP_SETTINGS, type GroupSettings } from "./group_settings.ts";
import { LOG_LEVELS, type LogLevel } from "../logger.ts";
import { normalizeListener } from "./listener.ts";
import {
  boolean,
  choice,
  double,
  int,
  list,
  long,
  optionalList,
  optionalNumber,
  optionalString,
  type Setting,
  SettingValueError,
  string,
} from "./setting.ts";

/** When an append is on disk: before it is acknowledged, every so often, or when the system likes. */
export type FlushPolicy = "commit" | "interval" | "os";

/** How batches are compressed on disk. */
export type CompressionTypeSetting = typeof COMPRESSION_TYPES[number];

const COMPRESSION_TYPES = ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"] as const;

/** What is checked of a batch before it is appended. */
export type RecordValidation = "full" | "header";

/** Who sets the timestamps of records. */
export type MessageTimestampType = "CreateTime" | "LogAppendTime";

/** The type of each setting's value, by its name. */
export interface BrokerSettings extends GroupSettings {
  "advertised.listeners": readonly string[] | null;
  "auto.create.topics.enable": boolean;
  "broker.id": number;
  "broker.rack": string | null;
  "cluster.id": string | null;
  "compression.gzip.level": number;
  "compression.lz4.level": number;
  "compression.type": CompressionTypeSetting;
  "compression.zstd.level": number;
  "connections.max.idle.ms": number;
  "default.replication.factor": number;
  "delete.topic.enable": boolean;
  "fetch.max.bytes": number;
  "batch.cache.bytes": number;
  "listeners": readonly string[];
  "log.cleaner.backoff.ms": number;
  "log.cleaner.dedupe.buffer.size": number;
  "log.cleaner.delete.retention.ms": number;
  "log.cleaner.enable": boolean;
  "log.cleaner.max.compaction.lag.ms": number;
  "log.cleaner.min.cleanable.ratio": number;
  "log.cleaner.min.compaction.lag.ms": number;
  "log.cleanup.policy": readonly string[];
  "log.dir": string | null;
  "log.dirs": string;
  "log.flush.interval.messages": number;
  "log.flush.interval.ms": number | null;
  "log.flush.offset.checkpoint.interval.ms": number;
  "log.flush.policy": FlushPolicy;
  "log.index.interval.bytes": number;
  "log.index.size.max.bytes": number;
  "log.level": LogLevel;
  "log.message.timestamp.after.max.ms": number;
  "log.message.timestamp.before.max.ms": number;
  "log.message.timestamp.type": MessageTimestampType;
  "log.preallocate": boolean;
  "log.retention.bytes": number;
  "log.retention.check.interval.ms": number;
  "log.retention.hours": number;
  "log.retention.minutes": number | null;
  "log.retention.ms": number | null;
  "log.roll.hours": number;
  "log.roll.jitter.hours": number;
  "log.roll.jitter.ms": number | null;
  "log.roll.ms": number | null;
  "log.segment.bytes": number;
  "log.segment.delete.delay.ms": number;
  "max.connections": number;
  "max.in.flight.requests.per.connection": number;
  "max.incremental.fetch.session.cache.slots": number;
  "max.request.partition.size.limit": number;
  "message.max.bytes": number;
  "min.insync.replicas": number;
  "node.id": number;
  "num.partitions": number;
  "open.files.max": number;
  "producer.id.expiration.ms": number;
  "queued.max.request.bytes": number;
  "queued.max.response.bytes": number;
  "record.validation": RecordValidation;
  "socket.request.max.bytes": number;
}

/** The name of a setting. */
export type SettingName = keyof BrokerSettings;

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const MIB = 1024 * 1024;

/** Defaults of topic settings may change while the broker runs. */
const DYNAMIC = { scope: "cluster-wide" } as const;

/** The settings. */
export const SETTINGS: { readonly [N in SettingName]: Setting<BrokerSettings[N]> } = {
  "node.id": int(1, "Number of this broker, unique in its cluster", { min: 0 }),
  "broker.id": int(1, "Older name of node.id", { min: -1 }),
  "cluster.id": optionalString(
    "Id of the cluster. A data folder that belongs to another cluster is refused. Default: the " +
      "data folder's, or a new one",
  ),
  "broker.rack": optionalString("Where this broker stands, as clients are told"),
  "listeners": list(
    ["PLAINTEXT://127.0.0.1:9092"],
    "Addresses to accept clients on, as HOST:PORT; port 0 for one the system chooses, host " +
      "0.0.0.0 for all of the machine's",
    { flag: "listen", read: normalizeListener },
  ),
  "advertised.listeners": optionalList(
    "Address that clients are told to connect to, as HOST:PORT. Default: the first listener",
    { read: normalizeListener },
  ),
  "log.dirs": string("dqueue-data", "Folder of the data; exactly one", {
    flag: "data",
    type: "list",
    check: checkDataFolder,
  }),
  "log.dir": optionalString("Folder of the data, where log.dirs does not name one", {
    type: "list",
    check: checkDataFolder,
  }),
  "log.level": choice(LOG_LEVELS, "info", "The least important lines that are logged"),

  "auto.create.topics.enable": boolean(
    true,
    "Whether a topic comes into being when a client that wants so first asks for it",
  ),
  "delete.topic.enable": boolean(true, "Whether topics can be deleted"),
  "num.partitions": int(1, "Partitions of a topic created without a number", { min: 1 }),
  "default.replication.factor": int(1, "Replicas of a topic created without a number", {
    min: 1,
    max: 32767,
  }),
  "min.insync.replicas": int(
    1,
    "Replicas that must be in sync for a write with acks=all to be accepted",
    { min: 1, ...DYNAMIC },
  ),

  "socket.request.max.bytes": int(
    100 * MIB,
    "Largest request in bytes, for others than Produce at most 8 MiB; a connection that announces " +
      "a larger one is closed",
    { min: 1024 },
  ),
  "queued.max.request.bytes": long(
    128 * MIB,
    "Bytes of requests held in memory at once, over all connections; above that, sockets are not read",
    { min: 1 },
  ),
  "queued.max.response.bytes": long(
    128 * MIB,
    "Memory for answers until clients have taken them, over all connections; the nearer to that, the " +
      "fewer records a fetch is answered, and what alone would exceed it is refused with an error",
    { min: 1 },
  ),
  "max.in.flight.requests.per.connection": int(
    16,
    "Requests of one connection worked on at once; the next is read when one is answered",
    { min: 1 },
  ),
  "max.connections": int(2 ** 31 - 1, "Connections held at once; further ones are closed", {
    min: 0,
    ...DYNAMIC,
  }),
  "connections.max.idle.ms": long(
    10 * 60 * 1000,
    "Milliseconds after which a connection without requests is closed; -1 for never",
    { min: -1 },
  ),
  "fetch.max.bytes": int(
    55 * MIB,
    "Most bytes of records in the answer to one fetch, unless its first batch alone is larger",
    { min: 1024 },
  ),
  "max.incremental.fetch.session.cache.slots": int(
    1000,
    "Fetch sessions remembered at once; 0 for none",
    { min: 0 },
  ),
  "max.request.partition.size.limit": int(
    2000,
    "Most partitions in one answer to DescribeTopicPartitions",
    { min: 1 },
  ),

  "message.max.bytes": int(
    MIB + 12,
    "Largest record batch in bytes, as compressed; default of max.message.bytes",
    { min: 0, ...DYNAMIC },
  ),
  "compression.type": choice(
    COMPRESSION_TYPES,
    "producer",
    "How batches are compressed on disk. producer: as they come; otherwise with this codec, or not " +
      "at all, a batch that comes otherwise being compressed again. Default of the topics' setting " +
      "of this name",
    DYNAMIC,
  ),
  "compression.gzip.level": int(
    -1,
    "Level where compression.type is gzip, 1 to 9, or -1 for gzip's own; default of the topics' " +
      "setting of this name",
    { min: -1, max: 9, not: 0, ...DYNAMIC },
  ),
  "compression.lz4.level": int(
    9,
    "Level where compression.type is lz4, 1 to 17; default of the topics' setting of this name",
    { min: 1, max: 17, ...DYNAMIC },
  ),
  "compression.zstd.level": int(
    3,
    "Level where compression.type is zstd, -131072 to 22; default of the topics' setting of this " +
      "name",
    { min: -131072, max: 22, ...DYNAMIC },
  ),
  "record.validation": choice(
    ["full", "header"],
    "full",
    "What is checked of a batch before it is appended. full: its records too; header: its checksum " +
      "and header, for producers that can be trusted: a wrong record or time is found by those who " +
      "read it. Default of the topics' setting of this name",
    DYNAMIC,
  ),
  "log.message.timestamp.type": choice(
    ["CreateTime", "LogAppendTime"],
    "CreateTime",
    "Whether a record's timestamp is the producer's or the time of its append; default of " +
      "message.timestamp.type",
    DYNAMIC,
  ),
  "log.message.timestamp.before.max.ms": long(
    INT64_MAX,
    "How far a producer's timestamp may lie in the past, in milliseconds; default of " +
      "message.timestamp.before.max.ms",
    { min: 0, ...DYNAMIC },
  ),
  "log.message.timestamp.after.max.ms": long(
    HOUR_MS,
    "How far a producer's timestamp may lie in the future, in milliseconds; default of " +
      "message.timestamp.after.max.ms",
    { min: 0, ...DYNAMIC },
  ),

  "log.flush.policy": choice(
    ["commit", "interval", "os"],
    "commit",
    "When appends are on disk. commit: before a write with acks=all is answered, one sync for all " +
      "that wait; interval: within log.flush.interval.ms, or a second without it; os: when the " +
      "system writes back. Default of flush",
    DYNAMIC,
  ),
  "log.flush.interval.messages": long(
    INT64_MAX,
    "Records of a partition that may not be on disk yet: the write that makes them as many is " +
      "answered after a sync, whatever its acks and log.flush.policy; default of flush.messages",
    { min: 1, ...DYNAMIC },
  ),
  "log.flush.interval.ms": optionalNumber(
    "long",
    "Milliseconds within which an append is on disk, whatever log.flush.policy; default of flush.ms",
    { min: 0, ...DYNAMIC },
  ),
  "log.flush.offset.checkpoint.interval.ms": int(
    60_000,
    "Milliseconds between notes of how far logs are on disk, which shorten recovery after a crash",
    { min: 1 },
  ),
  "log.segment.bytes": int(
    1024 * MIB,
    "Size in bytes at which a log begins a new file; default of segment.bytes",
    { min: MIB, ...DYNAMIC },
  ),
  "log.preallocate": boolean(
    false,
    "Whether the file of a new segment has its full size from the start; default of preallocate",
    DYNAMIC,
  ),
  "log.roll.ms": optionalNumber(
    "long",
    "Age in milliseconds at which a log goes on in a new file; default of segment.ms. Without it, " +
      "log.roll.hours counts",
    { min: 1, ...DYNAMIC },
  ),
  "log.roll.hours": int(168, "Like log.roll.ms, in hours", { min: 1 }),
  "log.roll.jitter.ms": optionalNumber(
    "long",
    "Up to so many milliseconds earlier a log starts a new file than log.roll.ms says, so that not " +
      "all do at once; default of segment.jitter.ms. Without it, log.roll.jitter.hours counts",
    { min: 0, ...DYNAMIC },
  ),
  "log.roll.jitter.hours": int(0, "Like log.roll.jitter.ms, in hours", { min: 0 }),
  "log.index.size.max.bytes": int(
    10 * MIB,
    "Largest index file in bytes; default of segment.index.bytes",
    { min: 12, ...DYNAMIC },
  ),
  "log.index.interval.bytes": int(
    4096,
    "Bytes of log between two index entries; default of index.interval.bytes",
    { min: 0, ...DYNAMIC },
  ),
  "log.cleanup.policy": list(
    ["delete"],
    "What becomes of old records. delete: they go by age and size; compact: of those with the same " +
      "key the last stays; or both; or nothing, which keeps all. Default of cleanup.policy",
    { choices: ["compact", "delete"], allowEmpty: true, ...DYNAMIC },
  ),
  "log.cleaner.enable": boolean(true, "Whether logs with cleanup.policy=compact are compacted"),
  "log.cleaner.backoff.ms": long(
    15_000,
    "Milliseconds between two looks for logs to compact",
    { min: 0, ...DYNAMIC },
  ),
  "log.cleaner.dedupe.buffer.size": long(
    128 * MIB,
    "Memory in bytes for the keys of a log that is being compacted, 27 bytes each; if it has more, " +
      "it is compacted in several passes",
    { min: MIB, ...DYNAMIC },
  ),
  "log.cleaner.min.cleanable.ratio": double(
    0.5,
    "Part of a log that may be not yet compacted, 0 to 1; default of min.cleanable.dirty.ratio",
    { min: 0, max: 1, ...DYNAMIC },
  ),
  "log.cleaner.delete.retention.ms": long(
    DAY_MS,
    "Milliseconds for which compaction keeps a tombstone; default of delete.retention.ms",
    { min: 0, ...DYNAMIC },
  ),
  "log.cleaner.min.compaction.lag.ms": long(
    0,
    "Milliseconds for which a record is not compacted; default of min.compaction.lag.ms",
    { min: 0, ...DYNAMIC },
  ),
  "log.cleaner.max.compaction.lag.ms": long(
    INT64_MAX,
    "Milliseconds after which a record is compacted, whatever part of the log that is; default of " +
      "max.compaction.lag.ms",
    { min: 1, ...DYNAMIC },
  ),
  "log.retention.ms": optionalNumber(
    "long",
    "Milliseconds for which records are kept at least, -1 for ever; default of retention.ms. " +
      "Without it, log.retention.minutes counts",
    { min: -1, ...DYNAMIC },
  ),
  "log.retention.minutes": optionalNumber(
    "int",
    "Like log.retention.ms, in minutes. Without it, log.retention.hours counts",
    { min: -1 },
  ),
  "log.retention.hours": int(168, "Like log.retention.ms, in hours", { min: -1 }),
  "log.retention.bytes": long(
    -1,
    "Bytes that a partition keeps at least before old ones go, -1 for no limit; default of " +
      "retention.bytes",
    { min: -1, ...DYNAMIC },
  ),
  "log.retention.check.interval.ms": long(
    300_000,
    "Milliseconds between two looks for records past their retention",
    { min: 1 },
  ),
  "log.segment.delete.delay.ms": long(
    60_000,
    "Milliseconds between the deletion of a segment or topic and that of its files; default of " +
      "file.delete.delay.ms",
    { min: 0, ...DYNAMIC },
  ),

  "producer.id.expiration.ms": int(
    DAY_MS,
    "Milliseconds after its last write for which a producer is remembered and its duplicates are " +
      "recognised",
    { min: 1, ...DYNAMIC },
  ),
  "batch.cache.bytes": long(
    64 * MIB,
    "Memory in bytes for the newest batches of all logs, from which consumers that keep up are " +
      "served; 0 for none",
    { min: 0 },
  ),
  "open.files.max": int(1000, "Files of logs held open at once, over all partitions", { min: 1 }),

  ...GROUP_SETTINGS,
};

/** The names of the settings that act, sorted. */
export const SETTING_NAMES: readonly SettingName[] = (Object.keys(SETTINGS) as SettingName[])
  .sort();

const KNOWN_SETTINGS: Readonly<Record<string, Setting>> = {
  ...SETTINGS as unknown as Record<string, Setting>,
  ...FIXED_SETTINGS as unknown as Record<string, Setting>,
};

/** The names of all settings, also of those that have one value, sorted. */
export const KNOWN_SETTING_NAMES: readonly string[] = Object.keys(KNOWN_SETTINGS).sort();

/** Whether `name` is the name of a setting that acts. */
export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

/** A setting, also one that has one value; `undefined` if there is none of that name. */
export function knownSetting(name: string): Setting | undefined {
  return Object.hasOwn(KNOWN_SETTINGS, name) ? KNOWN_SETTINGS[name] : undefined;
}

/** The flag of a setting, without its dashes. */
export function flagOf(name: string): string {
  return knownSetting(name)?.flag ?? name.replaceAll(".", "-");
}

/** The environment variable of a setting. */
export function variableOf(name: string): string {
  return `DQUEUE_${flagOf(name).replaceAll("-", "_").toUpperCase()}`;
}

function checkDataFolder(text: string): void {
  if (text.trim() === "") throw new SettingValueError("the name of the folder is empty");
  if (text.includes(",")) throw new SettingValueError(`"${text}" names more than one folder`);
}
