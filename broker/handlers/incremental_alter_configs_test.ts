import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { incrementalAlterConfigs } from "../../protocol/messages/incremental_alter_configs.ts";
import { MemoryFileSystem } from "../../storage/mod.ts";
import { TestBroker } from "../broker_testing.ts";
import { incrementalAlterConfigsHandler } from "./incremental_alter_configs.ts";

const TOPIC = 2;
const BROKER = 4;
const SET = 0;
const DELETE = 1;
const APPEND = 2;
const SUBTRACT = 3;

type Changes = [operation: number, name: string, value: string | null][];

async function call(
  broker: TestBroker,
  resourceType: number,
  resourceName: string,
  changes: Changes,
  more: { validateOnly?: boolean; apiVersion?: number } = {},
): Promise<number> {
  const { apiVersion = 1, validateOnly = false } = more;
  const { responses } = await broker.call(
    incrementalAlterConfigs,
    incrementalAlterConfigsHandler,
    apiVersion,
    {
      resources: [{
        resourceType,
        resourceName,
        configs: changes.map(([configOperation, name, value]) => ({
          configOperation,
          name,
          value,
        })),
      }],
      validateOnly,
    },
  );
  return responses[0]!.errorCode;
}

function overridesOf(broker: TestBroker, topic: string): Record<string, string> {
  return Object.fromEntries(broker.topics.get(topic)!.config.overrides);
}

Deno.test("IncrementalAlterConfigs sets and deletes, and leaves the rest as it is (KIP-339)", async (t) => {
  for (let apiVersion = 0; apiVersion <= 1; apiVersion++) {
    await t.step(`version ${apiVersion}`, async () => {
      await using broker = await TestBroker.start();
      const configs = new Map([["retention.ms", "9"], ["segment.bytes", "4194304"]]);
      await broker.createTopic("a", { configs });
      const changes: Changes = [
        [SET, "flush", "os"],
        [DELETE, "retention.ms", null],
        [DELETE, "segment.ms", "ignored"],
      ];
      assertEquals(await call(broker, TOPIC, "a", changes, { apiVersion }), ErrorCode.NONE);
      assertEquals(overridesOf(broker, "a"), { "segment.bytes": "4194304", flush: "os" });
      assertEquals(broker.topics.get("a")!.config.get("retention.ms"), 604_800_000);
    });
  }
});

Deno.test("IncrementalAlterConfigs appends to and subtracts from lists, from what counts now", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  assertEquals(
    await call(broker, TOPIC, "a", [[APPEND, "cleanup.policy", "delete"]]),
    ErrorCode.NONE,
  );
  assertEquals(overridesOf(broker, "a"), { "cleanup.policy": "delete" });
  const both = { "cleanup.policy": "delete,compact" };
  await call(broker, TOPIC, "a", [[APPEND, "cleanup.policy", "compact"]]);
  assertEquals(overridesOf(broker, "a"), both);
  await call(broker, TOPIC, "a", [[SUBTRACT, "cleanup.policy", "compact"]]);
  const invalid = ErrorCode.INVALID_CONFIG;
  assertEquals(await call(broker, TOPIC, "a", [[APPEND, "cleanup.policy", "shred"]]), invalid);
  assertEquals(await call(broker, TOPIC, "a", [[APPEND, "retention.ms", "1"]]), invalid);
  assertEquals(await call(broker, TOPIC, "a", [[SUBTRACT, "no.such", "1"]]), invalid);
  assertEquals(overridesOf(broker, "a"), { "cleanup.policy": "delete" });
  // Nothing is left, so that all records stay, from Kafka 4.2 on.
  await call(broker, TOPIC, "a", [[SUBTRACT, "cleanup.policy", "delete"]]);
  assertEquals(overridesOf(broker, "a"), { "cleanup.policy": "" });
});

Deno.test("IncrementalAlterConfigs refuses null values and operations that there are not", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  const cases: Changes = [[SET, "flush", null], [APPEND, "cleanup.policy", null], [
    4,
    "flush",
    "os",
  ]];
  for (const change of cases) {
    assertEquals(await call(broker, TOPIC, "a", [change]), ErrorCode.INVALID_REQUEST);
  }
  assertEquals(
    await call(broker, TOPIC, "gone", [[SET, "flush", "os"]]),
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  );
});

Deno.test("IncrementalAlterConfigs changes brokers while they run, and keeps it over a restart", async () => {
  const fs = new MemoryFileSystem();
  await using broker = await TestBroker.start({ fs });
  const { config } = broker.context;
  await call(broker, BROKER, "", [[SET, "log.segment.bytes", "4194304"]]);
  await call(broker, BROKER, "", [[SET, "message.max.bytes", "77"]]);
  await broker.createTopic("a");
  assertEquals(broker.topics.get("a")!.config.get("max.message.bytes"), 77);
  assertEquals([config.get("log.segment.bytes"), config.get("message.max.bytes")], [4_194_304, 77]);
  await call(broker, BROKER, "", [[DELETE, "message.max.bytes", null]]);
  assertEquals(broker.topics.get("a")!.config.get("max.message.bytes"), 1048588);
  await using after = await TestBroker.start({ fs: fs.clone({ unsynced: "lost" }) });
  assertEquals(after.context.config.get("log.segment.bytes"), 4_194_304);
});

Deno.test("IncrementalAlterConfigs only checks with validateOnly", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  const only = { validateOnly: true };
  assertEquals(await call(broker, TOPIC, "a", [[SET, "flush", "os"]], only), ErrorCode.NONE);
  const bad = await call(broker, TOPIC, "a", [[SET, "flush", "x"]], only);
  assertEquals([bad, overridesOf(broker, "a")], [ErrorCode.INVALID_CONFIG, {}]);
});
