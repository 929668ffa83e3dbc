/**
 * Topic settings: each has the value set for the topic, otherwise that of the broker setting it
 * derives from, which also defines type, bounds and choices.
 *
 * @module
 */

import { CompressionType } from "../../protocol/compression/mod.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { ConfigSource } from "../../protocol/messages/configs/describe_configs.ts";
import { INT64_MAX } from "../../protocol/primitives/int64.ts";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../../storage/log/log_config.ts";
import { ApiError } from "../api_error.ts";
import type { BrokerConfig, ConfigTexts, ConfigValue } from "../settings/config.ts";
import { int, list, type Setting, SettingValueError } from "../settings/setting.ts";
import { type BrokerSettings, type SettingName, SETTINGS } from "../settings/settings.ts";
import { brief, unknownName } from "../settings/unknown_setting.ts";
import { FIXED_TOPIC_SETTINGS } from "./fixed_topic_settings.ts";
import type { Synonym, TopicSetting } from "./topic_setting.ts";

const MINUTE_MS = 60 * 1000;
const HOUR_MS = 60 * MINUTE_MS;

type Longer = readonly [name: SettingName, factor: number];

function derived<N extends SettingName>(
  name: N,
  doc: string,
  ...longer: Longer[]
): TopicSetting<NonNullable<BrokerSettings[N]>> {
  const synonyms = [{ name, factor: 1 }, ...longer.map(([name, factor]) => ({ name, factor }))];
  const setting = SETTINGS[name] as unknown as Setting<NonNullable<BrokerSettings[N]>>;
  return { setting: setting as unknown as Setting, doc, synonyms, default: setting.default };
}

/** A list of replicas, empty by default. */
function throttledReplicas(doc: string): TopicSetting<readonly string[]> {
  const setting = list([], doc, { allowEmpty: true, read: readThrottledReplica });
  return { setting: setting as unknown as Setting, doc, synonyms: [], default: [] };
}

function readThrottledReplica(text: string): string {
  if (text === "*" || /^\d+:\d+$/.test(text)) return text;
  throw new SettingValueError(`"${text}" is neither * nor a replica, as PARTITION:BROKER`);
}

/** The settings by name. */
export const TOPIC_SETTINGS = {
  "cleanup.policy": derived(
    "log.cleanup.policy",
    "What happens to old records. delete: segments are deleted by retention.ms and " +
      "retention.bytes; compact: the last record of each key is kept; or both",
  ),
  "compression.gzip.level": derived(
    "compression.gzip.level",
    "Level for compression.type=gzip, 1 to 9, or -1 for gzip's default",
  ),
  "compression.lz4.level": derived(
    "compression.lz4.level",
    "Level for compression.type=lz4, 1 to 17",
  ),
  "compression.type": derived(
    "compression.type",
    "How batches are compressed on disk. producer: as sent by the producer; otherwise batches " +
      "with another codec are recompressed with this one, or decompressed",
  ),
  "compression.zstd.level": derived(
    "compression.zstd.level",
    "Level for compression.type=zstd, -131072 to 22",
  ),
  "delete.retention.ms": derived(
    "log.cleaner.delete.retention.ms",
    "Milliseconds for which compaction retains tombstones, so that consumers see them",
  ),
  "file.delete.delay.ms": derived(
    "log.segment.delete.delay.ms",
    "Milliseconds between the deletion of a segment and the removal of its files",
  ),
  "flush": derived(
    "log.flush.policy",
    "When appends are flushed to disk. commit: before a write with acks=all is acknowledged; " +
      "interval: within flush.ms, or one second if that is not set; os: when the operating system " +
      "writes back",
  ),
  "flush.messages": derived(
    "log.flush.interval.messages",
    "Number of unflushed records in a partition at which a write is flushed before it is " +
      "acknowledged, whatever its acks and flush",
  ),
  "flush.ms": {
    ...derived(
      "log.flush.interval.ms",
      "Milliseconds within which an append is flushed, whatever flush",
    ),
    default: INT64_MAX,
  },
  "follower.replication.throttled.replicas": throttledReplicas(
    "Replicas, as PARTITION:BROKER, or * for all, that are copied no faster than " +
      "follower.replication.throttled.rate while a reassignment adds them",
  ),
  "index.interval.bytes": derived(
    "log.index.interval.bytes",
    "Bytes of log between two index entries",
  ),
  "leader.replication.throttled.replicas": throttledReplicas(
    "Replicas, as PARTITION:BROKER, or * for all, from which replicas that a reassignment adds are " +
      "copied no faster than leader.replication.throttled.rate",
  ),
  "max.compaction.lag.ms": derived(
    "log.cleaner.max.compaction.lag.ms",
    "Age in milliseconds at which a record must be compacted, whatever the dirty ratio",
  ),
  "max.message.bytes": derived(
    "message.max.bytes",
    "Maximum size of a record batch in bytes, after compression",
  ),
  "message.timestamp.after.max.ms": derived(
    "log.message.timestamp.after.max.ms",
    "Maximum milliseconds that a producer's timestamp may lie in the future at append",
  ),
  "message.timestamp.before.max.ms": derived(
    "log.message.timestamp.before.max.ms",
    "Maximum age in milliseconds of a producer's timestamp at append",
  ),
  "message.timestamp.type": derived(
    "log.message.timestamp.type",
    "Whether a record's timestamp is set by the producer or at append",
  ),
  "min.cleanable.dirty.ratio": derived(
    "log.cleaner.min.cleanable.ratio",
    "Minimum ratio of uncompacted to total bytes at which a log is compacted, 0 to 1",
  ),
  "min.compaction.lag.ms": derived(
    "log.cleaner.min.compaction.lag.ms",
    "Minimum age in milliseconds at which a record can be compacted",
  ),
  "min.insync.replicas": derived(
    "min.insync.replicas",
    "Minimum number of in-sync replicas for a write with acks=all",
  ),
  "record.validation": derived(
    "record.validation",
    "What is validated before a batch is appended. full: the records too; header: checksum and " +
      "header only, for trusted producers",
  ),
  "preallocate": derived(
    "log.preallocate",
    "Whether the file of a new segment is created at its full size",
  ),
  "retention.bytes": derived(
    "log.retention.bytes",
    "Bytes that a partition retains at least before old segments are deleted, -1 for no limit",
  ),
  "retention.ms": derived(
    "log.retention.ms",
    "Milliseconds for which records are retained at least, -1 for no limit",
    ["log.retention.minutes", MINUTE_MS],
    ["log.retention.hours", HOUR_MS],
  ),
  "segment.bytes": derived(
    "log.segment.bytes",
    "Size in bytes at which a new segment is rolled",
  ),
  "segment.index.bytes": derived(
    "log.index.size.max.bytes",
    "Maximum size of an index file in bytes",
  ),
  "segment.jitter.ms": derived(
    "log.roll.jitter.ms",
    "Maximum random milliseconds subtracted from segment.ms, so that partitions do not roll at " +
      "the same time",
    ["log.roll.jitter.hours", HOUR_MS],
  ),
  "segment.ms": derived(
    "log.roll.ms",
    "Age in milliseconds at which a new segment is rolled",
    ["log.roll.hours", HOUR_MS],
  ),
};

/** The value of each setting. */
export type TopicSettings = {
  readonly [N in keyof typeof TOPIC_SETTINGS]: typeof TOPIC_SETTINGS[N]["default"];
};

/** The name of a topic setting. */
export type TopicSettingName = keyof TopicSettings;

/** The minimum of `segment.bytes`, since Kafka 4.2. */
export const MIN_SEGMENT_BYTES: number = 1 << 20;

/** Segment size of a topic, which can be below the minimum of `segment.bytes`. */
export const INTERNAL_SEGMENT_BYTES = "internal.segment.bytes";

const INTERNAL_BYTES = int(0, "Size in bytes at which a new segment is rolled", { min: 1 });

/** Settings for tests and internal topics, listed only where they are set, as in Kafka. */
const INTERNAL_SETTINGS: Readonly<Record<string, TopicSetting>> = {
  [INTERNAL_SEGMENT_BYTES]: {
    setting: INTERNAL_BYTES as unknown as Setting,
    doc: INTERNAL_BYTES.doc,
    synonyms: [],
    default: null,
  },
};

/** Names of the settings that take effect. */
const ACTING_NAMES = Object.keys(TOPIC_SETTINGS) as TopicSettingName[];

const KNOWN_SETTINGS: Readonly<Record<string, TopicSetting>> = {
  ...FIXED_TOPIC_SETTINGS,
  ...TOPIC_SETTINGS,
};

/** Names of all settings, including those that accept a single value, sorted. */
export const TOPIC_SETTING_NAMES: readonly string[] = Object.keys(KNOWN_SETTINGS).sort();

/**
 * The topic setting, including those that accept a single value; `undefined` if there is none of
 * that name.
 */
export function topicSetting(name: string): TopicSetting | undefined {
  if (Object.hasOwn(KNOWN_SETTINGS, name)) return KNOWN_SETTINGS[name];
  return Object.hasOwn(INTERNAL_SETTINGS, name) ? INTERNAL_SETTINGS[name] : undefined;
}

/** A topic's settings at one point in time. */
export class TopicConfig {
  readonly #broker: BrokerConfig;
  readonly #overrides: ConfigTexts;
  readonly #values: TopicSettings;
  #logConfig: LogConfig | undefined;

  /**
   * @param broker Source of values that the topic does not override.
   * @param overrides Values set for the topic; invalid ones are skipped.
   */
  constructor(broker: BrokerConfig, overrides: ConfigTexts) {
    this.#broker = broker;
    this.#overrides = overrides;
    const values: Record<string, unknown> = {};
    for (const name of ACTING_NAMES) values[name] = this.#valueOf(name);
    this.#values = values as unknown as TopicSettings;
  }

  /** The effective value of a setting. */
  get<N extends TopicSettingName>(name: N): TopicSettings[N] {
    return this.#values[name];
  }

  /** The effective value of any setting as text. */
  textOf(name: string): string {
    const { setting, default: fallback } = topicSetting(name)!;
    const value = Object.hasOwn(TOPIC_SETTINGS, name)
      ? this.#values[name as TopicSettingName]
      : fallback;
    return this.#overrides.get(name) ?? setting.format(value)!;
  }

  /** The settings of the topic's logs. */
  get logConfig(): LogConfig {
    return this.#logConfig ??= this.#toLogConfig();
  }

  #toLogConfig(): LogConfig {
    return {
      ...DEFAULT_LOG_CONFIG,
      segmentBytes: this.#internalSegmentBytes ?? this.get("segment.bytes"),
      segmentMs: this.get("segment.ms"),
      segmentJitterMs: this.get("segment.jitter.ms"),
      segmentIndexBytes: this.get("segment.index.bytes"),
      indexIntervalBytes: this.get("index.interval.bytes"),
      preallocate: this.get("preallocate"),
      retentionBytes: this.get("retention.bytes"),
      retentionMs: this.get("retention.ms"),
      fileDeleteDelayMs: this.get("file.delete.delay.ms"),
      maxMessageBytes: this.get("max.message.bytes"),
      recordValidation: this.get("record.validation"),
      ...this.#compression(),
      messageTimestampType: this.get("message.timestamp.type"),
      messageTimestampBeforeMaxMs: this.get("message.timestamp.before.max.ms"),
      messageTimestampAfterMaxMs: this.get("message.timestamp.after.max.ms"),
      cleanupPolicy: this.get("cleanup.policy") as LogConfig["cleanupPolicy"],
      minCleanableDirtyRatio: this.get("min.cleanable.dirty.ratio"),
      minCompactionLagMs: this.get("min.compaction.lag.ms"),
      maxCompactionLagMs: this.get("max.compaction.lag.ms"),
      deleteRetentionMs: this.get("delete.retention.ms"),
      flushMessages: this.get("flush.messages"),
      flushMs: this.get("flush.ms"),
    };
  }

  #compression(): Pick<LogConfig, "compression" | "compressionLevel"> {
    const type = this.get("compression.type");
    switch (type) {
      case "producer":
        return { compression: undefined, compressionLevel: undefined };
      case "uncompressed":
        return { compression: CompressionType.none, compressionLevel: undefined };
      case "snappy":
        return { compression: CompressionType.snappy, compressionLevel: undefined };
      default:
        return {
          compression: CompressionType[type],
          compressionLevel: this.get(`compression.${type}.level`),
        };
    }
  }

  get #internalSegmentBytes(): number | undefined {
    const text = this.#overrides.get(INTERNAL_SEGMENT_BYTES);
    return text === undefined ? undefined : INTERNAL_BYTES.parse(text);
  }

  /** Names of the settings to list, sorted. */
  get names(): readonly string[] {
    const internal = Object.keys(INTERNAL_SETTINGS).filter((name) => this.#overrides.has(name));
    return internal.length === 0
      ? TOPIC_SETTING_NAMES
      : [...TOPIC_SETTING_NAMES, ...internal].sort();
  }

  /** The values set for the topic itself. */
  get overrides(): ConfigTexts {
    return this.#overrides;
  }

  /** The values of a setting in all sources; the first is effective. */
  valuesOf(name: string): ConfigValue[] {
    const values: ConfigValue[] = [];
    const own = this.#overrides.get(name);
    if (own !== undefined) values.push({ name, text: own, source: ConfigSource.topic });
    const inherited = topicSetting(name)!.synonyms.flatMap(({ name }) =>
      this.#broker.valuesOf(name)
    );
    return [...values, ...inherited];
  }

  #valueOf(name: TopicSettingName): unknown {
    const { setting, synonyms, default: fallback } = TOPIC_SETTINGS[name];
    const text = this.#overrides.get(name);
    if (text !== undefined) {
      try {
        return setting.parse(text);
      } catch (error) {
        // The value was valid when set, for another version of this program.
        if (!(error instanceof SettingValueError)) throw error;
      }
    }
    for (const synonym of synonyms) {
      const value = this.#inherited(synonym);
      if (value !== null) return value;
    }
    return fallback;
  }

  #inherited({ name, factor }: Synonym): BrokerSettings[SettingName] {
    const value = this.#broker.get(name as SettingName);
    return typeof value === "number" && value > 0 ? value * factor : value;
  }
}

/**
 * Validates settings for a topic.
 *
 * @throws {ApiError} INVALID_CONFIG if a setting does not exist, a value is invalid, or two
 * settings contradict each other.
 */
export function checkTopicConfigs(configs: ConfigTexts, broker: BrokerConfig): void {
  for (const [name, text] of configs) {
    const setting = topicSetting(name)?.setting;
    if (setting === undefined) {
      throw new ApiError(
        ErrorCode.INVALID_CONFIG,
        `Unknown topic config name: ${unknownName(name, TOPIC_SETTING_NAMES)}`,
      );
    }
    try {
      setting.parse(text);
    } catch (error) {
      if (!(error instanceof SettingValueError)) throw error;
      throw new ApiError(
        ErrorCode.INVALID_CONFIG,
        `Invalid value ${brief(text)} for configuration ${name}: ${error.message}`,
      );
    }
  }
  checkCompactionLags(new TopicConfig(broker, configs));
}

function checkCompactionLags(config: TopicConfig): void {
  const minMs = config.get("min.compaction.lag.ms");
  const maxMs = config.get("max.compaction.lag.ms");
  if (minMs <= maxMs) return;
  throw new ApiError(
    ErrorCode.INVALID_CONFIG,
    `Cannot set "min.compaction.lag.ms": ${minMs} is above max.compaction.lag.ms, which is ${maxMs}`,
  );
}
