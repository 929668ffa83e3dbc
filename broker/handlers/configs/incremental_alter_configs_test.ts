import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { incrementalAlterConfigs } from "../../../protocol/messages/configs/incremental_alter_configs.ts";
import { MemoryFileSystem } from "../../../storage/mod.ts";
import { batchOf, TestBroker } from "../../broker_testing.ts";
import { createLogger } from "../../logger.ts";
import { incrementalAlterConfigsHandler } from "./incremental_alter_configs.ts";

const TOPIC = 2;
const BROKER = 4;
const BROKER_LOGGER = 8;
const CLIENT_METRICS = 16;
const GROUP = 32;
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
  return (await callForOutcome(broker, resourceType, resourceName, changes, more)).errorCode;
}

async function callForOutcome(
  broker: TestBroker,
  resourceType: number,
  resourceName: string,
  changes: Changes,
  more: { validateOnly?: boolean; apiVersion?: number } = {},
) {
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
  return responses[0]!;
}

function overridesOf(broker: TestBroker, topic: string): Record<string, string> {
  return Object.fromEntries(broker.topics.get(topic)!.config.overrides);
}

Deno.test("IncrementalAlterConfigs sets and deletes settings and leaves the rest unchanged (KIP-339)", async (t) => {
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

Deno.test("IncrementalAlterConfigs appends to and subtracts from the effective value of lists", async () => {
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
  // An empty list retains all records, since Kafka 4.2.
  await call(broker, TOPIC, "a", [[SUBTRACT, "cleanup.policy", "delete"]]);
  assertEquals(overridesOf(broker, "a"), { "cleanup.policy": "" });
});

Deno.test("IncrementalAlterConfigs rejects null values and unknown operations", async () => {
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

Deno.test("IncrementalAlterConfigs changes running brokers and survives a restart", async () => {
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

Deno.test("IncrementalAlterConfigs only validates with validateOnly", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  const only = { validateOnly: true };
  assertEquals(await call(broker, TOPIC, "a", [[SET, "flush", "os"]], only), ErrorCode.NONE);
  const bad = await call(broker, TOPIC, "a", [[SET, "flush", "x"]], only);
  assertEquals([bad, overridesOf(broker, "a")], [ErrorCode.INVALID_CONFIG, {}]);
});

Deno.test("IncrementalAlterConfigs rejects unknown settings in Kafka's words, with a suggestion", async () => {
  await using broker = await TestBroker.start({ logger: createLogger({ sink: () => {} }) });
  await broker.createTopic("a");
  const { INVALID_CONFIG, INVALID_REQUEST, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode;
  const cases: [type: number, resource: string, ...Changes[number], code: number, words: string][] =
    [
      [TOPIC, "a", SET, "no.such", "1", INVALID_CONFIG, "Unknown topic config name: no.such"],
      [TOPIC, "a", SET, "retention.m", "1", INVALID_CONFIG, 'did you mean "retention.ms"'],
      [TOPIC, "a", SET, "retention.ms", "x", INVALID_CONFIG, "Not a number of type LONG"],
      [TOPIC, "a", APPEND, "flush.ms", "1", INVALID_CONFIG, "Can't APPEND to key flush.ms because"],
      [
        TOPIC,
        "x",
        SET,
        "flush.ms",
        "1",
        UNKNOWN_TOPIC_OR_PARTITION,
        "The topic 'x' does not exist.",
      ],
      [
        TOPIC,
        "a",
        SET,
        "remote.storage.enable",
        "true",
        INVALID_CONFIG,
        "there is no tiered storage",
      ],
      [BROKER, "", SET, "no.such", "1", INVALID_CONFIG, "Unknown broker config name: no.such"],
      [
        BROKER,
        "1",
        SET,
        "log.segment.byte",
        "1",
        INVALID_CONFIG,
        'did you mean "log.segment.bytes"',
      ],
      [BROKER, "1", SET, "node.id", "2", INVALID_REQUEST, "dynamically: Set(node.id)"],
      [BROKER, "1", SET, "log.retention.hours", "2", INVALID_REQUEST, "Set(log.retention.hours)"],
      [BROKER, "", SET, "message.max.bytes", "-5", INVALID_REQUEST, "must be at least 0"],
      [BROKER, "", SET, "num.io.threads", "9", INVALID_CONFIG, "only 8 is: one event loop"],
      [BROKER, "", SET, "ssl.keystore.password", "x", INVALID_CONFIG, "a value is not supported"],
      [BROKER, "2", SET, "flush.ms", "1", INVALID_REQUEST, "Unexpected broker id, expected 1 or"],
      [BROKER, "x", SET, "flush.ms", "1", INVALID_REQUEST, "must be an integer, but it is: x"],
      [BROKER_LOGGER, "1", SET, "kafka", "INFO", INVALID_CONFIG, "Logger kafka does not exist!"],
      [BROKER_LOGGER, "1", SET, "root", "LOUD", INVALID_CONFIG, "not a supported log level"],
      [BROKER_LOGGER, "1", DELETE, "root", null, INVALID_REQUEST, "root logger is not allowed"],
      [BROKER_LOGGER, "1", APPEND, "root", "INFO", INVALID_REQUEST, "APPEND operation is not"],
      [BROKER_LOGGER, "2", SET, "root", "INFO", INVALID_REQUEST, "Unexpected broker id"],
      [CLIENT_METRICS, "m", SET, "no.such", "1", INVALID_REQUEST, "Unknown client metrics config"],
      [CLIENT_METRICS, "m", SET, "interval.ms", "1", INVALID_REQUEST, "between 100 and 3600000"],
      [CLIENT_METRICS, "m", SET, "match", "client_id", INVALID_CONFIG, "Illegal client matching"],
      [CLIENT_METRICS, "m", SET, "match", "client_id=[", INVALID_CONFIG, "Illegal client matching"],
      [CLIENT_METRICS, "", SET, "interval.ms", "200", INVALID_REQUEST, "can't be empty"],
      [GROUP, "g", SET, "no.such", "1", INVALID_CONFIG, "Unknown group config name: no.such"],
      [GROUP, "g", SET, "consumer.session.timeout", "1", INVALID_CONFIG, "did you mean"],
      [
        GROUP,
        "g",
        SET,
        "consumer.session.timeout.ms",
        "1",
        INVALID_CONFIG,
        "greater than or equal",
      ],
      [GROUP, "g", SET, "consumer.heartbeat.interval.ms", "99999", INVALID_CONFIG, "less than or"],
      [GROUP, "g", SET, "share.isolation.level", "read_committed", INVALID_CONFIG, "share groups"],
      [GROUP, "", SET, "consumer.session.timeout.ms", "46000", INVALID_REQUEST, "Default group"],
      [0, "x", SET, "a", "1", INVALID_REQUEST, "Unknown resource type 0"],
      [99, "x", SET, "a", "1", INVALID_REQUEST, "Unknown resource type 99"],
    ];
  for (const [type, resource, operation, name, value, code, words] of cases) {
    const outcome = await callForOutcome(broker, type, resource, [[operation, name, value]]);
    assertEquals([outcome.errorCode, name], [code, name]);
    assertStringIncludes(outcome.errorMessage!, words);
  }
  const secret = await callForOutcome(broker, BROKER, "", [[SET, "ssl.keystore.password", "hush"]]);
  assertEquals(secret.errorMessage!.includes("hush"), false);
});

Deno.test("IncrementalAlterConfigs accepts the single value of a fixed setting at either level", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  const none = ErrorCode.NONE;
  assertEquals(await call(broker, TOPIC, "a", [[SET, "remote.storage.enable", "FALSE"]]), none);
  assertEquals(await call(broker, BROKER, "1", [[SET, "num.io.threads", "8"]]), none);
  assertEquals(await call(broker, GROUP, "g", [[SET, "share.auto.offset.reset", "latest"]]), none);
  assertEquals(broker.context.config.valuesOf("num.io.threads").map(({ source }) => source), [
    2,
    5,
  ]);
});

Deno.test("IncrementalAlterConfigs sets group settings, which survive a restart (KIP-848)", async () => {
  const fs = new MemoryFileSystem();
  await using broker = await TestBroker.start({ fs });
  const none = ErrorCode.NONE;
  const session = "consumer.session.timeout.ms";
  assertEquals(await call(broker, GROUP, "g", [[SET, session, "46000"]]), none);
  const only = { validateOnly: true };
  assertEquals(await call(broker, GROUP, "g", [[SET, session, "47000"]], only), none);
  assertEquals(await call(broker, GROUP, "h/1", [[SET, session, "48000"]]), none);
  assertEquals(await call(broker, GROUP, "h/1", [[DELETE, session, null]]), none);
  await using after = await TestBroker.start({ fs: fs.clone({ unsynced: "lost" }) });
  for (const { cluster } of [broker, after]) {
    assertEquals([...cluster.resourceConfigs("groups", "g")], [[session, "46000"]]);
    assertEquals(cluster.configuredResources("groups"), ["g"]);
    assertEquals(cluster.configuredResources("client-metrics"), []);
    assertEquals([...cluster.brokerConfigs("all")], []);
  }
});

Deno.test("IncrementalAlterConfigs stores client metrics subscriptions (KIP-714)", async () => {
  await using broker = await TestBroker.start();
  const changes: Changes = [
    [SET, "interval.ms", "60000"],
    [APPEND, "metrics", "org.apache.kafka"],
    [SET, "match", "client_id=a.*,client_software_name=x"],
  ];
  assertEquals(await call(broker, CLIENT_METRICS, "m", changes), ErrorCode.NONE);
  await call(broker, CLIENT_METRICS, "m", [[APPEND, "metrics", "b"]]);
  assertEquals(Object.fromEntries(broker.cluster.resourceConfigs("client-metrics", "m")), {
    "interval.ms": "60000",
    metrics: "org.apache.kafka,b",
    match: "client_id=a.*,client_software_name=x",
  });
});

Deno.test("IncrementalAlterConfigs changes the level of the logger (KIP-412)", async () => {
  const lines: string[] = [];
  const logger = createLogger({ level: "error", sink: (line) => lines.push(line) });
  await using broker = await TestBroker.start({ logger });
  const none = ErrorCode.NONE;
  assertEquals(await call(broker, BROKER_LOGGER, "1", [[SET, "root", "WARN"]]), none);
  assertEquals(logger.level, "warn");
  const only = { validateOnly: true };
  assertEquals(await call(broker, BROKER_LOGGER, "1", [[SET, "root", "DEBUG"]], only), none);
  logger.info("not seen");
  assertEquals([logger.level, lines.length], ["warn", 0]);
  await call(broker, BROKER_LOGGER, "1", [[SET, "root", "DEBUG"]]);
  logger.debug("seen");
  assertEquals(lines.length > 0, true);
  // A broker with a silent logger has no loggers.
  await using silent = await TestBroker.start();
  const invalid = ErrorCode.INVALID_CONFIG;
  assertEquals(await call(silent, BROKER_LOGGER, "1", [[SET, "root", "INFO"]]), invalid);
});

Deno.test("IncrementalAlterConfigs ignores existing values that are no longer valid", async () => {
  await using broker = await TestBroker.start();
  await broker.cluster.changeBrokerConfigs(1, () => new Map([["log.retention.hours", "2"]]));
  const changes: Changes = [[SET, "message.max.bytes", "9"]];
  assertEquals(await call(broker, BROKER, "1", changes), ErrorCode.NONE);
  assertEquals(broker.context.config.get("message.max.bytes"), 9);
});

Deno.test("IncrementalAlterConfigs changes the retention of producer ids", async () => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("a");
  const nowMs = broker.clock.now();
  const batch = batchOf(["one"], { producerId: 7, producerEpoch: 0, baseSequence: 0 });
  partition.append(batch, { acks: 1, nowMs });
  broker.directory.removeExpiredProducers(nowMs + 10_000);
  assertEquals(partition.log.producers.size, 1);
  await call(broker, BROKER, "", [[SET, "producer.id.expiration.ms", "10000"]]);
  broker.directory.removeExpiredProducers(nowMs + 10_000);
  assertEquals(partition.log.producers.size, 0);
});

Deno.test("IncrementalAlterConfigs rejects long values quickly and with short messages", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  const long = 32_000;
  const cases: [type: number, resource: string, name: string, value: string][] = [
    [TOPIC, "a", "x".repeat(long), "1"],
    [TOPIC, "a", "min.cleanable.dirty.ratio", `${"1".repeat(long)}x`],
    [TOPIC, "a", "retention.ms", "1".repeat(long)],
    [TOPIC, "a", "cleanup.policy", "compact,".repeat(long / 8) + "x"],
    [TOPIC, "a", "remote.storage.enable", "x".repeat(long)],
    [TOPIC, "a", "preallocate", " ".repeat(long)],
    [BROKER, "1", "y".repeat(long), "1"],
    [BROKER, "", "message.max.bytes", "z".repeat(long)],
    [BROKER, "9".repeat(long), "message.max.bytes", "1"],
    [BROKER_LOGGER, "1", "x".repeat(long), "INFO"],
    [CLIENT_METRICS, "m", "match", " ".repeat(long) + "x"],
    [CLIENT_METRICS, "m", "match", `client_id=${"(".repeat(long)}`],
    [CLIENT_METRICS, "m", "x".repeat(long), "1"],
    [GROUP, "g", "x".repeat(long), "1"],
    [GROUP, "g", "consumer.session.timeout.ms", "x".repeat(long)],
  ];
  for (const [type, resource, name, value] of cases) {
    const outcome = await callForOutcome(broker, type, resource, [[SET, name, value]]);
    assertNotEquals(outcome.errorCode, ErrorCode.NONE);
    assertEquals(outcome.errorMessage!.length < 1000, true, outcome.errorMessage!.slice(0, 100));
  }
});
