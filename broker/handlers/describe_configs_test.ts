import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { describeConfigs } from "../../protocol/messages/describe_configs.ts";
import type { RequestTo } from "../../protocol/schema.ts";
import { TestBroker } from "../broker_testing.ts";
import { KNOWN_SETTING_NAMES } from "../settings.ts";
import { TOPIC_SETTING_NAMES } from "../topics/topic_config.ts";
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

Deno.test("DescribeConfigs lists synonyms in the order they count (KIP-226), and documentation (KIP-569)", async () => {
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
  assertEquals(documentation, "Milliseconds for which records are kept at least, -1 for ever");
});

Deno.test("DescribeConfigs tells of every setting of the broker where it comes from and whether it can change", async () => {
  await using broker = await TestBroker.start({ config: { "num.partitions": 3 } });
  await broker.cluster.changeBrokerConfigs("all", () => new Map([["message.max.bytes", "7"]]));
  const [result] = await call(broker, [[BROKER, "1"]]);
  assertEquals(result!.configs.map(({ name }) => name), [...KNOWN_SETTING_NAMES]);
  const of = (wanted: string) => {
    const { value, readOnly, configSource } = result!.configs.find(({ name }) => name === wanted)!;
    return [value, readOnly, configSource];
  };
  assertEquals(of("num.partitions"), ["3", true, 4]);
  assertEquals(of("message.max.bytes"), ["7", false, 3]);
  assertEquals(of("log.retention.ms"), [null, false, 5]);
  assertEquals(of("listeners"), ["PLAINTEXT://127.0.0.1:9092", true, 5]);
});

Deno.test("DescribeConfigs describes by the empty name what was set on all brokers", async () => {
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

Deno.test("DescribeConfigs answers every resource, in the order of the request", async () => {
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
      [BROKER, "1", ErrorCode.NONE, KNOWN_SETTING_NAMES.length],
      [8, "2", ErrorCode.INVALID_REQUEST, 0],
      [16, "", ErrorCode.INVALID_REQUEST, 0],
      [32, "", ErrorCode.INVALID_REQUEST, 0],
      [0, "x", ErrorCode.INVALID_REQUEST, 0],
    ],
  );
});
