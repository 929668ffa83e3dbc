import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { describeConfigs } from "../../../protocol/messages/configs/describe_configs.ts";
import type { RequestTo } from "../../../protocol/schema/schema.ts";
import { TestBroker } from "../../broker_testing.ts";
import { createLogger } from "../../logger.ts";
import { Secret } from "../../settings/secret.ts";
import { KNOWN_SETTING_NAMES } from "../../settings/settings.ts";
import { AUTHORIZER_STATE } from "./resources/broker_resource.ts";
import { TOPIC_SETTING_NAMES } from "../../topics/topic_config.ts";
import { describeConfigsHandler } from "./describe_configs.ts";

type Request = RequestTo<typeof describeConfigs>;

const TOPIC = 2;
const BROKER = 4;

async function call(
  broker: TestBroker,
  resources: [type: number, name: string, keys?: string[] | null][],
  more: Partial<Request> = {},
  apiVersion = 4,
) {
  const { results } = await broker.call(describeConfigs, describeConfigsHandler, apiVersion, {
    resources: resources.map(([resourceType, resourceName, configurationKeys = null]) => ({
      resourceType,
      resourceName,
      configurationKeys,
    })),
    ...more,
  });
  return results;
}

Deno.test("DescribeConfigs describes all of a topic's settings, in every version", async (t) => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a", { configs: new Map([["retention.ms", "9"]]) });
  for (let version = 1; version <= 4; version++) {
    await t.step(`version ${version}`, async () => {
      const [result] = await call(broker, [[TOPIC, "a"]], {}, version);
      assertEquals(result!.errorCode, ErrorCode.NONE);
      assertEquals(result!.configs.map(({ name }) => name), [...TOPIC_SETTING_NAMES]);
      const retention = result!.configs.find(({ name }) => name === "retention.ms")!;
      assertEquals(retention, {
        name: "retention.ms",
        value: "9",
        readOnly: false,
        configSource: 1,
        isSensitive: false,
        synonyms: [],
        configType: version >= 3 ? 5 : 0,
        documentation: null,
      });
    });
  }
});

Deno.test("DescribeConfigs lists synonyms in order of precedence (KIP-226) and documentation (KIP-569)", async () => {
  await using broker = await TestBroker.start({ config: { "log.retention.hours": 1 } });
  await broker.createTopic("a", { configs: new Map([["retention.ms", "9"]]) });
  const [result] = await call(
    broker,
    [[TOPIC, "a", ["retention.ms"]]],
    { includeSynonyms: true, includeDocumentation: true },
  );
  const { synonyms, documentation } = result!.configs[0]!;
  assertEquals(synonyms, [
    { name: "retention.ms", value: "9", source: 1 },
    { name: "log.retention.hours", value: "1", source: 4 },
    { name: "log.retention.hours", value: "168", source: 5 },
  ]);
  assertEquals(
    documentation,
    "Milliseconds for which records are retained at least, -1 for no limit",
  );
});

Deno.test("DescribeConfigs returns source and read-only flag of every broker setting", async () => {
  await using broker = await TestBroker.start({ config: { "num.partitions": 3 } });
  await broker.cluster.changeBrokerConfigs("all", () => new Map([["message.max.bytes", "7"]]));
  const [result] = await call(broker, [[BROKER, "1"]]);
  assertEquals(result!.configs.map(({ name }) => name), [...KNOWN_SETTING_NAMES, AUTHORIZER_STATE]);
  const of = (wanted: string) => {
    const { value, readOnly, configSource } = result!.configs.find(({ name }) => name === wanted)!;
    return [value, readOnly, configSource];
  };
  assertEquals(of("num.partitions"), ["3", true, 4]);
  assertEquals(of("message.max.bytes"), ["7", false, 3]);
  assertEquals(of("log.retention.ms"), [null, false, 5]);
  assertEquals(of("listeners"), ["PLAINTEXT://127.0.0.1:9092", true, 5]);
});

Deno.test("DescribeConfigs describes cluster-wide settings under the empty name", async () => {
  await using broker = await TestBroker.start();
  assertEquals((await call(broker, [[BROKER, ""]]))[0]!.configs, []);
  await broker.cluster.changeBrokerConfigs("all", () => new Map([["message.max.bytes", "7"]]));
  await broker.cluster.changeBrokerConfigs(1, () => new Map([["message.max.bytes", "8"]]));
  const [result] = await call(broker, [[BROKER, ""]]);
  assertEquals(
    result!.configs.map(({ name, value, configSource }) => [name, value, configSource]),
    [
      ["message.max.bytes", "7", 3],
    ],
  );
});

Deno.test("DescribeConfigs returns every resource in request order", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  const results = await call(broker, [
    [TOPIC, "gone"],
    [TOPIC, "a", ["segment.bytes", "no.such"]],
    [TOPIC, "a/b"],
    [BROKER, "2"],
    [BROKER, "1", []],
    [8, "2"],
    [16, ""],
    [32, ""],
    [0, "x"],
  ]);
  assertEquals(
    results.map((result) => [
      result.resourceType,
      result.resourceName,
      result.errorCode,
      result.configs.length,
    ]),
    [
      [TOPIC, "gone", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 0],
      [TOPIC, "a", ErrorCode.NONE, 1],
      [TOPIC, "a/b", ErrorCode.INVALID_TOPIC_EXCEPTION, 0],
      [BROKER, "2", ErrorCode.INVALID_REQUEST, 0],
      [BROKER, "1", ErrorCode.NONE, KNOWN_SETTING_NAMES.length + 1],
      [8, "2", ErrorCode.INVALID_REQUEST, 0],
      [16, "", ErrorCode.INVALID_REQUEST, 0],
      [32, "", ErrorCode.INVALID_REQUEST, 0],
      [0, "x", ErrorCode.INVALID_REQUEST, 0],
    ],
  );
});

Deno.test("DescribeConfigs describes this broker's ids and its listeners with their protocol", async () => {
  const config = { "node.id": 7, "listeners": ["127.0.0.1:0", "plaintext://[::1]:9"] };
  await using broker = await TestBroker.start({ config });
  const names = ["broker.id", "node.id", "listeners", "advertised.listeners"];
  const [result] = await call(broker, [[BROKER, "7", names]]);
  assertEquals(
    result!.configs.map(({ name, value, configSource }) => [name, value, configSource]),
    [
      ["advertised.listeners", "PLAINTEXT://localhost:9092", 5],
      ["broker.id", "7", 4],
      ["listeners", "PLAINTEXT://127.0.0.1:0,PLAINTEXT://[::1]:9", 4],
      ["node.id", "7", 4],
    ],
  );
});

Deno.test("DescribeConfigs lists settings in other units as synonyms, as Kafka does", async () => {
  await using broker = await TestBroker.start({ config: { "log.retention.minutes": 3 } });
  const synonymsOf = async (name: string) => {
    const [result] = await call(broker, [[BROKER, "1", [name]]], { includeSynonyms: true });
    return result!.configs[0]!.synonyms.map(({ name, value, source }) => [name, value, source]);
  };
  assertEquals(await synonymsOf("log.retention.ms"), []);
  await broker.cluster.changeBrokerConfigs("all", () => new Map([["log.retention.ms", "9"]]));
  assertEquals(await synonymsOf("log.retention.ms"), [
    ["log.retention.ms", "9", 3],
    ["log.retention.minutes", "3", 4],
    ["log.retention.hours", "168", 5],
  ]);
  assertEquals(await synonymsOf("log.retention.hours"), [["log.retention.hours", "168", 5]]);
});

Deno.test("DescribeConfigs describes groups and subscriptions with and without settings", async () => {
  await using broker = await TestBroker.start();
  const { cluster } = broker;
  await cluster.changeResourceConfigs(
    "groups",
    "g",
    () => new Map([["consumer.session.timeout.ms", "46000"]]),
  );
  await cluster.changeResourceConfigs("client-metrics", "m", () => new Map([["metrics", "*"]]));
  const keys = ["consumer.session.timeout.ms", "metrics"];
  const results = await call(
    broker,
    [[32, "g", keys], [32, "h", keys], [16, "m", keys], [16, "n", keys]],
    { includeSynonyms: true },
  );
  assertEquals(
    results.flatMap(({ configs }) =>
      configs.map(({ value, configSource, synonyms }) => [value, configSource, synonyms.length])
    ),
    [["46000", 8, 1], ["45000", 5, 1], ["*", 7, 1], ["", 5, 0]],
  );
});

Deno.test("DescribeConfigs describes the logger and its level, if there is one (KIP-412)", async () => {
  await using silent = await TestBroker.start();
  assertEquals((await call(silent, [[8, "1"]]))[0]!.configs, []);
  const logger = createLogger({ level: "warn", sink: () => {} });
  await using broker = await TestBroker.start({ logger });
  const [result, unasked] = await call(broker, [[8, "1"], [8, "1", ["kafka"]]]);
  const root = result!.configs.map(({ name, value, configSource }) => [name, value, configSource]);
  assertEquals(root, [["root", "WARN", 6]]);
  assertEquals([unasked!.errorCode, unasked!.configs], [ErrorCode.NONE, []]);
});

Deno.test("DescribeConfigs shows that a password is set, and never its value", async () => {
  const canary = "canary-58c1";
  const names = ["ssl.key.password", "ssl.keystore.key", "ssl.keystore.certificate.chain"] as const;
  const config = Object.fromEntries(names.map((name) => [name, new Secret(canary)]));
  await using broker = await TestBroker.start({ config });
  const results = await call(broker, [[BROKER, "1", [...names]]], {
    includeSynonyms: true,
    includeDocumentation: true,
  });
  assertEquals(JSON.stringify(results).includes(canary), false);
  for (const { value, isSensitive, configSource, synonyms } of results[0]!.configs) {
    assertEquals([value, isSensitive, configSource], [null, true, 4]);
    assertEquals(synonyms.map(({ value }) => value), [null]);
  }
  assertEquals(results[0]!.configs.length, names.length);
});
