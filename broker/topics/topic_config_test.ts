import { assert, assertEquals, assertThrows } from "@std/assert";
import { INT64_MAX } from "../../protocol/primitives/int64.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import { BrokerConfig, ConfigError } from "../settings/config.ts";
import { checkTopicConfigs, TOPIC_SETTING_NAMES, TopicConfig } from "./topic_config.ts";

Deno.test("TopicConfig.get() returns the topic's value, otherwise the broker's", () => {
  const broker = BrokerConfig.from({ "log.segment.bytes": 5_000_000, "message.max.bytes": 100 });
  const config = new TopicConfig(broker, new Map([["segment.bytes", "6000000"]]));
  assertEquals(config.get("segment.bytes"), 6_000_000);
  assertEquals(config.get("max.message.bytes"), 100);
  assertEquals(config.get("retention.ms"), 7 * 24 * 60 * 60 * 1000);
  assertEquals(config.textOf("retention.ms"), "604800000");
  assertEquals(config.textOf("message.timestamp.before.max.ms"), "9223372036854775807");
});

Deno.test("TopicConfig.get() prefers log.retention.ms to minutes to hours, whatever their source", () => {
  const retention = (settings: Parameters<typeof BrokerConfig.from>[0]) =>
    new TopicConfig(BrokerConfig.from(settings), new Map());
  assertEquals(retention({ "log.retention.hours": 2 }).get("retention.ms"), 7_200_000);
  assertEquals(retention({ "log.retention.minutes": 3 }).get("retention.ms"), 180_000);
  const all = retention({
    "log.retention.ms": 5,
    "log.retention.minutes": 3,
    "log.retention.hours": 2,
  });
  assertEquals(all.get("retention.ms"), 5);
  assertEquals(all.valuesOf("retention.ms")[0], { name: "log.retention.ms", text: "5", source: 4 });
  assertEquals(retention({ "log.retention.hours": -1 }).get("retention.ms"), -1);
});

Deno.test("TopicConfig.valuesOf() lists the topic's value, then the broker's, then defaults", () => {
  const broker = BrokerConfig.from({ "log.retention.hours": 1 });
  const config = new TopicConfig(broker, new Map([["retention.ms", "9"]]));
  assertEquals(config.valuesOf("retention.ms"), [
    { name: "retention.ms", text: "9", source: 1 },
    { name: "log.retention.hours", text: "1", source: 4 },
    { name: "log.retention.hours", text: "168", source: 5 },
  ]);
});

Deno.test("TopicConfig.get() returns a value for every setting", () => {
  const config = new TopicConfig(new BrokerConfig(), new Map());
  for (const name of TOPIC_SETTING_NAMES) {
    assertEquals(typeof config.textOf(name), "string", name);
    checkTopicConfigs(new Map([[name, config.textOf(name)]]), new BrokerConfig());
  }
});

Deno.test("checkTopicConfigs() rejects invalid settings with INVALID_CONFIG", () => {
  const cases: [string, string][] = [
    ["no.such.setting", "1"],
    ["log.segment.bytes", "5000"],
    ["flush.messages", "0"],
    ["flush.ms", "-1"],
    ["remote.storage.enable", "true"],
    ["preallocate", "yes"],
    ["leader.replication.throttled.replicas", "0:1,1"],
    ["follower.replication.throttled.replicas", "all"],
    ["cleanup.policy", "shred"],
    ["cleanup.policy", "compact,shred"],
    ["min.cleanable.dirty.ratio", "1.5"],
    ["min.cleanable.dirty.ratio", "half"],
    ["max.compaction.lag.ms", "0"],
    ["compression.type", "none"],
    ["compression.type", "GZIP"],
    ["compression.gzip.level", "0"],
    ["compression.gzip.level", "10"],
    ["compression.lz4.level", "0"],
    ["compression.lz4.level", "18"],
    ["compression.zstd.level", "23"],
    ["record.validation", "none"],
    ["retention.ms", "soon"],
    ["segment.bytes", "1"],
    ["message.timestamp.type", "logAppendTime"],
    ["min.insync.replicas", "0"],
  ];
  for (const [name, text] of cases) {
    const check = () => checkTopicConfigs(new Map([[name, text]]), new BrokerConfig());
    assertEquals(assertThrows(check, ApiError).code, ErrorCode.INVALID_CONFIG, `${name}=${text}`);
  }
});

Deno.test("checkTopicConfigs() rejects min.compaction.lag.ms above the maximum (KIP-354)", () => {
  const broker = BrokerConfig.from({ "log.cleaner.max.compaction.lag.ms": 100 });
  const min = (ms: number) => ["min.compaction.lag.ms", `${ms}`] as const;
  checkTopicConfigs(new Map([min(100)]), broker);
  checkTopicConfigs(new Map([min(200), ["max.compaction.lag.ms", "200"]]), broker);
  const check = () => checkTopicConfigs(new Map([min(101)]), broker);
  const { code, message } = assertThrows(check, ApiError);
  assertEquals(code, ErrorCode.INVALID_CONFIG);
  assertEquals(
    message,
    'Cannot set "min.compaction.lag.ms": 101 is above max.compaction.lag.ms, which is 100',
  );
});

Deno.test("checkTopicConfigs() rejects segment.bytes below 1 MiB in Kafka's words, but not internal.segment.bytes", () => {
  const check = (name: string, text: string) =>
    checkTopicConfigs(new Map([[name, text]]), new BrokerConfig());
  for (const text of ["0", "1", "1024", "1048575", "-1"]) {
    const { code, message } = assertThrows(() => check("segment.bytes", text), ApiError);
    assertEquals(code, ErrorCode.INVALID_CONFIG);
    assertEquals(
      message,
      `Invalid value ${text} for configuration segment.bytes: Value must be at least 1048576`,
    );
  }
  check("segment.bytes", "1048576");
  check("internal.segment.bytes", "1024");
  assertThrows(() => check("internal.segment.bytes", "0"), ApiError);
  assertThrows(() => BrokerConfig.from({ "log.segment.bytes": 1_048_575 }), ConfigError);
  assertEquals(
    BrokerConfig.from({ "log.segment.bytes": 1 << 20 }).get("log.segment.bytes"),
    1 << 20,
  );
});

Deno.test("TopicConfig prefers internal.segment.bytes to segment.bytes and lists it if set", () => {
  const overrides = { "segment.bytes": "2000000", "internal.segment.bytes": "1024" };
  const config = new TopicConfig(new BrokerConfig(), new Map(Object.entries(overrides)));
  assertEquals(config.logConfig.segmentBytes, 1024);
  assertEquals(config.get("segment.bytes"), 2_000_000);
  assert(!TOPIC_SETTING_NAMES.some((name) => name.startsWith("internal.")));
  assertEquals(new TopicConfig(new BrokerConfig(), new Map()).names, TOPIC_SETTING_NAMES);
  assertEquals(config.names.filter((name) => !TOPIC_SETTING_NAMES.includes(name)), [
    "internal.segment.bytes",
  ]);
});

Deno.test("TopicConfig.logConfig has the compaction settings", () => {
  const broker = BrokerConfig.from({ "log.cleaner.min.cleanable.ratio": 0.25 });
  const overrides = { "cleanup.policy": "compact,delete", "delete.retention.ms": "7" };
  const { logConfig } = new TopicConfig(broker, new Map(Object.entries(overrides)));
  assertEquals(logConfig.cleanupPolicy, ["compact", "delete"]);
  assertEquals(logConfig.minCleanableDirtyRatio, 0.25);
  assertEquals(logConfig.deleteRetentionMs, 7);
  assertEquals(logConfig.minCompactionLagMs, 0);
  assertEquals(logConfig.maxCompactionLagMs, INT64_MAX);
});

Deno.test("TopicConfig.logConfig has flush.messages, flush.ms and segment.jitter.ms", () => {
  const logConfig = (settings: Parameters<typeof BrokerConfig.from>[0], own = {}) =>
    new TopicConfig(BrokerConfig.from(settings), new Map(Object.entries(own))).logConfig;
  const plain = logConfig({});
  assertEquals([plain.flushMessages, plain.flushMs, plain.segmentJitterMs], [
    INT64_MAX,
    INT64_MAX,
    0,
  ]);
  const ofBroker = logConfig({
    "log.flush.interval.messages": 5,
    "log.flush.interval.ms": 6,
    "log.roll.jitter.hours": 1,
  });
  assertEquals([ofBroker.flushMessages, ofBroker.flushMs, ofBroker.segmentJitterMs], [
    5,
    6,
    3_600_000,
  ]);
  const settings = { "log.roll.jitter.ms": 8, "log.roll.jitter.hours": 1 };
  assertEquals(logConfig(settings).segmentJitterMs, 8);
  const own = { "flush.messages": "1", "flush.ms": "0", "segment.jitter.ms": "9" };
  const ofTopic = logConfig(settings, own);
  assertEquals([ofTopic.flushMessages, ofTopic.flushMs, ofTopic.segmentJitterMs], [1, 0, 9]);
});

Deno.test("TopicConfig.logConfig has preallocate, otherwise the broker's log.preallocate", () => {
  const isOn = (settings: Parameters<typeof BrokerConfig.from>[0], own = {}) =>
    new TopicConfig(BrokerConfig.from(settings), new Map(Object.entries(own))).logConfig
      .preallocate;
  const ofBroker = { "log.preallocate": true };
  assertEquals([isOn({}), isOn(ofBroker)], [false, true]);
  assertEquals(isOn({}, { "preallocate": "true" }), true);
  assertEquals(isOn(ofBroker, { "preallocate": "false" }), false);
});
