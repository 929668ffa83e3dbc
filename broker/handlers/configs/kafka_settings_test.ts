/**
 * Compares the settings with those recorded from Apache Kafka 4.2.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { INT64_MAX } from "../../../protocol/primitives/int64.ts";
import { createTopics } from "../../../protocol/messages/topics/create_topics.ts";
import {
  ConfigType,
  describeConfigs,
} from "../../../protocol/messages/configs/describe_configs.ts";
import { TestBroker } from "../../broker_testing.ts";
import { parseBrokerConfig } from "../../settings/config.ts";
import { INTER_BROKER_SETTINGS } from "../../settings/inter_broker_settings.ts";
import { TLS_SETTINGS } from "../../settings/tls_settings.ts";
import { createTopicsHandler } from "../topics/create_topics.ts";
import { describeConfigsHandler } from "./describe_configs.ts";
import kafka from "./testdata/kafka_4_2_settings.json" with { type: "json" };

const TOPIC = 2;
const BROKER = 4;
const CLIENT_METRICS = 16;
const GROUP = 32;

/** Settings whose defaults differ from Kafka's, with the reason. */
const OTHER_DEFAULTS: Readonly<Record<string, string>> = {
  "broker.id": "it is that of node.id, which Kafka shows, too",
  "controller.listener.names": "Kafka has none",
  "group.coordinator.rebalance.protocols": "there are no streams groups",
  "listeners": "only the loopback interface is used by default",
  "advertised.listeners": "the first listener is announced to clients",
  "log.dir": "log.dirs has a default",
  "log.dirs": "the folder is below the current one",
  "node.id": "Kafka has none",
  "offsets.topic.segment.bytes": "all of it is read at start",
  "process.roles": "Kafka has none",
  "queued.max.request.bytes": "memory is bounded",
};

/** Settings that are dynamic in Kafka but not in this broker. */
const READ_ONLY: readonly string[] = [
  "listeners",
  "listener.security.protocol.map",
  // Nobody may have a broker read other files by a request; it reads its own again when they change.
  ...Object.keys(TLS_SETTINGS),
  ...Object.keys(INTER_BROKER_SETTINGS),
];

async function describe(broker: TestBroker, resourceType: number, resourceName: string) {
  const { results } = await broker.call(describeConfigs, describeConfigsHandler, 4, {
    resources: [{ resourceType, resourceName, configurationKeys: null }],
    includeSynonyms: true,
    includeDocumentation: true,
  });
  assertEquals(results[0]!.errorCode, ErrorCode.NONE);
  return new Map(results[0]!.configs.map((config) => [config.name, config]));
}

function typeNumber(type: string): number {
  return ConfigType[type as keyof typeof ConfigType];
}

Deno.test("DescribeConfigs lists every broker setting of Kafka 4.2 with its type, default and flags", async () => {
  await using broker = await TestBroker.start();
  const described = await describe(broker, BROKER, "1");
  for (const row of kafka.broker) {
    const [name, type, value, readOnly, isSensitive] = row as [
      string,
      string,
      string | null,
      boolean,
      boolean,
    ];
    const config = described.get(name);
    assert(config !== undefined, name);
    assertEquals(config.configType, typeNumber(type), name);
    assertEquals(config.isSensitive, isSensitive, name);
    assertEquals(config.readOnly, readOnly || READ_ONLY.includes(name), name);
    assertEquals(config.configSource, 5, name);
    assert(config.documentation !== null && config.documentation.length > 8, name);
    if (Object.hasOwn(OTHER_DEFAULTS, name)) continue;
    assertEquals(config.value, value, name);
    const synonyms = config.synonyms.map((synonym) => [synonym.name, synonym.value]);
    assertEquals(synonyms, value === null ? [] : [[name, value]], name);
  }
});

Deno.test("parseBrokerConfig() accepts every default of Kafka 4.2's broker settings", () => {
  for (const row of kafka.broker) {
    const [name, , value] = row as [string, string, string | null];
    if (value === null || Object.hasOwn(OTHER_DEFAULTS, name)) continue;
    const config = parseBrokerConfig({ file: { [name]: value } });
    assertEquals(config.valuesOf(name)[0]!.text, value, name);
  }
});

Deno.test("CreateTopics accepts the default of every topic setting of Kafka 4.2", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("plain");
  const plain = await describe(broker, TOPIC, "plain");
  assertEquals(kafka.topic.length, 33);
  for (const row of kafka.topic) {
    const [setting, type, value] = row as [string, string, string];
    const config = plain.get(setting);
    assert(config !== undefined, setting);
    assertEquals([config.value, config.configType], [value, typeNumber(type)], setting);
    assertEquals([config.readOnly, config.isSensitive, config.configSource], [false, false, 5]);
    assert(config.documentation !== null && config.documentation.length > 8, setting);

    const { topics } = await broker.call(createTopics, createTopicsHandler, 7, {
      topics: [{
        name: setting,
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
        configs: [{ name: setting, value }],
      }],
      timeoutMs: 1000,
      validateOnly: false,
    });
    assertEquals([topics[0]!.errorCode, topics[0]!.errorMessage], [ErrorCode.NONE, null], setting);
    const own = (await describe(broker, TOPIC, setting)).get(setting)!;
    assertEquals([own.value, own.configSource], [value, 1], setting);
    assertEquals(own.synonyms[0], { name: setting, value, source: 1 });
  }
});

Deno.test("CreateTopics accepts the defaults of all topic settings of Kafka 4.2 together", async () => {
  await using broker = await TestBroker.start();
  const configs = kafka.topic.map((row) => [row[0]!, row[2]!] as const);
  const partition = await broker.createTopic("all", { configs: new Map(configs) });
  assertEquals(partition.log.config.flushMessages, INT64_MAX);
  assertEquals((await describe(broker, TOPIC, "all")).get("cleanup.policy")!.value, "delete");
});

Deno.test("DescribeConfigs lists every setting of groups and of metrics subscriptions of Kafka 4.2", async () => {
  await using broker = await TestBroker.start();
  for (
    const [resourceType, rows] of [[GROUP, kafka.group], [CLIENT_METRICS, kafka.clientMetrics]]
  ) {
    const described = await describe(broker, resourceType as number, "x");
    assertEquals(described.size, (rows as string[][]).length);
    for (const [name, type, value] of rows as [string, string, string][]) {
      const config = described.get(name)!;
      assertEquals([config.value, config.configType], [value, typeNumber(type)], name);
      assertEquals([config.readOnly, config.isSensitive, config.configSource], [false, false, 5]);
      assert(config.documentation !== null && config.documentation.length > 8, name);
    }
  }
});
