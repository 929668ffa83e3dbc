import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { alterConfigs } from "../../../protocol/messages/configs/alter_configs.ts";
import { TestBroker } from "../../broker_testing.ts";
import { alterConfigsHandler } from "./alter_configs.ts";

const TOPIC = 2;
const BROKER = 4;

type Configs = [name: string, value: string | null][];

async function call(
  broker: TestBroker,
  resources: [type: number, name: string, configs: Configs][],
  validateOnly = false,
  apiVersion = 2,
) {
  const { responses } = await broker.call(alterConfigs, alterConfigsHandler, apiVersion, {
    resources: resources.map(([resourceType, resourceName, configs]) => ({
      resourceType,
      resourceName,
      configs: configs.map(([name, value]) => ({ name, value })),
    })),
    validateOnly,
  });
  return responses.map(({ resourceName, errorCode }) => [resourceName, errorCode]);
}

function overridesOf(broker: TestBroker, topic: string): Record<string, string> {
  return Object.fromEntries(broker.topics.get(topic)!.config.overrides);
}

Deno.test("AlterConfigs replaces all settings of a topic, in every version", async (t) => {
  for (let version = 0; version <= 2; version++) {
    await t.step(`version ${version}`, async () => {
      await using broker = await TestBroker.start();
      await broker.createTopic("a", { configs: new Map([["retention.ms", "9"]]) });
      const responses = await call(
        broker,
        [[TOPIC, "a", [["segment.bytes", "4194304"], ["flush", "os"]]]],
        false,
        version,
      );
      assertEquals(responses, [["a", ErrorCode.NONE]]);
      assertEquals(overridesOf(broker, "a"), { "segment.bytes": "4194304", flush: "os" });
      assertEquals(broker.topics.partition("a", 0)!.log.config.segmentBytes, 4_194_304);
    });
  }
});

Deno.test("AlterConfigs changes each resource completely or not at all", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  await broker.createTopic("b");
  await broker.createTopic("c");
  const responses = await call(broker, [
    [TOPIC, "a", [["retention.ms", "9"], ["segment.bytes", "few"]]],
    [TOPIC, "b", [["retention.ms", "9"]]],
    [TOPIC, "gone", [["retention.ms", "9"]]],
    [TOPIC, "c", [["retention.ms", null]]],
    [TOPIC, "a/b", []],
    [8, "1", []],
  ]);
  assertEquals(responses, [
    ["a", ErrorCode.INVALID_CONFIG],
    ["b", ErrorCode.NONE],
    ["gone", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ["c", ErrorCode.INVALID_REQUEST],
    ["a/b", ErrorCode.INVALID_TOPIC_EXCEPTION],
    ["1", ErrorCode.INVALID_REQUEST],
  ]);
  assertEquals(overridesOf(broker, "a"), {});
  assertEquals(overridesOf(broker, "b"), { "retention.ms": "9" });
});

Deno.test("AlterConfigs rejects duplicate resources and settings", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  await broker.createTopic("b");
  const responses = await call(broker, [
    [TOPIC, "a", [["retention.ms", "1"]]],
    [TOPIC, "a", [["retention.ms", "2"]]],
    [TOPIC, "b", [["retention.ms", "1"], ["retention.ms", "2"]]],
  ]);
  assertEquals(responses.map(([, code]) => code), [
    ErrorCode.INVALID_REQUEST,
    ErrorCode.INVALID_REQUEST,
    ErrorCode.INVALID_REQUEST,
  ]);
  assertEquals([overridesOf(broker, "a"), overridesOf(broker, "b")], [{}, {}]);
});

Deno.test("AlterConfigs only validates with validateOnly", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  const responses = await call(broker, [
    [TOPIC, "a", [["retention.ms", "9"]]],
    [BROKER, "", [["message.max.bytes", "9"]]],
    [BROKER, "1", [["message.max.bytes", "x"]]],
  ], true);
  assertEquals(responses.map(([, code]) => code), [
    ErrorCode.NONE,
    ErrorCode.NONE,
    ErrorCode.INVALID_REQUEST,
  ]);
  assertEquals(overridesOf(broker, "a"), {});
  assertEquals(broker.context.config.get("message.max.bytes"), 1048588);
});

Deno.test("AlterConfigs sets dynamic broker settings and rejects read-only ones", async () => {
  await using broker = await TestBroker.start();
  const { config } = broker.context;
  const responses = await call(broker, [
    [BROKER, "", [["message.max.bytes", "7"], ["log.retention.ms", "8"]]],
    [BROKER, "1", [["message.max.bytes", "9"]]],
  ]);
  assertEquals(responses, [["", ErrorCode.NONE], ["1", ErrorCode.NONE]]);
  assertEquals([config.get("message.max.bytes"), config.get("log.retention.ms")], [9, 8]);
  const refused = await call(broker, [
    [BROKER, "", [["num.partitions", "7"]]],
    [BROKER, "1", [["no.such", "7"]]],
    [BROKER, "2", [["message.max.bytes", "7"]]],
  ]);
  assertEquals(refused.map(([, code]) => code), [
    ErrorCode.INVALID_REQUEST,
    ErrorCode.INVALID_CONFIG,
    ErrorCode.INVALID_REQUEST,
  ]);
  assertEquals(await call(broker, [[BROKER, "1", []], [BROKER, "", []]]), [
    ["1", ErrorCode.NONE],
    ["", ErrorCode.NONE],
  ]);
  assertEquals(config.get("message.max.bytes"), 1048588);
});
