import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { INT64_MAX } from "../../protocol/primitives/int64.ts";
import { BrokerConfig, ConfigError, parseBrokerConfig } from "./config.ts";
import { flagOf, KNOWN_SETTING_NAMES, knownSetting, variableOf } from "./settings.ts";

Deno.test("parseBrokerConfig() prefers flag to variable, variable to file, and file to default", () => {
  const file = { "log.segment.bytes": 4_000_000, "node.id": 4, "num.partitions": 4 };
  const env = { DQUEUE_LOG_SEGMENT_BYTES: "3000000", DQUEUE_NODE_ID: "3", PATH: "/bin" };
  const flags = { "log-segment-bytes": "2000000" };
  const config = parseBrokerConfig({ file, env, flags });
  assertEquals(config.get("log.segment.bytes"), 2_000_000);
  assertEquals(config.get("node.id"), 3);
  assertEquals(config.get("num.partitions"), 4);
  assertEquals(config.get("log.retention.hours"), 168);
});

Deno.test("parseBrokerConfig() parses every type of value from every source", () => {
  const config = parseBrokerConfig({
    flags: { listen: ["localhost:1", "localhost:2"], data: "/tmp/x", "log-level": "debug" },
    env: { DQUEUE_ADVERTISED_LISTENERS: "a:1,b:2", DQUEUE_BROKER_RACK: "r1", DQUEUE_NODE_ID: "" },
    file: { "auto.create.topics.enable": false, "log.retention.ms": "-1", "cluster.id": null },
  });
  assertEquals(config.get("listeners"), ["PLAINTEXT://localhost:1", "PLAINTEXT://localhost:2"]);
  assertEquals(config.get("log.dirs"), "/tmp/x");
  assertEquals(config.get("log.level"), "debug");
  assertEquals(config.get("advertised.listeners"), ["PLAINTEXT://a:1", "PLAINTEXT://b:2"]);
  assertEquals(config.get("broker.rack"), "r1");
  assertEquals(config.get("node.id"), 1);
  assertEquals(config.get("auto.create.topics.enable"), false);
  assertEquals(config.get("log.retention.ms"), -1);
  assertEquals(config.get("cluster.id"), null);
});

Deno.test("parseBrokerConfig() names the invalid flag, variable or key and the reason", () => {
  const cases: [Parameters<typeof parseBrokerConfig>[0], string][] = [
    [{ flags: { "node-id": "x" } }, "Cannot use --node-id: Not a number of type INT"],
    [
      { env: { DQUEUE_NODE_ID: "-1" } },
      "Cannot use variable DQUEUE_NODE_ID: Value must be at least 0",
    ],
    [{ file: { "node.id": 1.5 } }, 'Cannot use setting "node.id": Not a number of type INT'],
    [{ file: { "node.id": {} } }, 'Cannot use setting "node.id": value is not text'],
    [{ flags: { "log-segment-bytes": "2147483648" } }, "no more than 2147483647"],
    [{ flags: { "log-flush-policy": "never" } }, "String must be one of: commit, interval, os"],
    [{ flags: { "log-cleanup-policy": "shred" } }, "String must be one of: compact, delete"],
    [{ flags: { "log-cleaner-min-cleanable-ratio": "2" } }, "not a number from 0 to 1"],
    [{ flags: { "compression-type": "none" } }, "must be one of: uncompressed, zstd, lz4"],
    [{ flags: { "compression-gzip-level": "0" } }, "Value may not be 0"],
    [{ flags: { "compression-lz4-level": "18" } }, "no more than 17"],
    [{ flags: { "record-validation": "none" } }, "must be one of: full, header"],
    [{ flags: { "auto-create-topics-enable": "yes" } }, "neither true nor false"],
    [{ flags: { listen: "nowhere" } }, "not of the form HOST:PORT"],
    [{ flags: { listen: "" } }, "the list is empty"],
    [{ flags: { data: "a,b" } }, "more than one folder"],
    [{ flags: { "no-such": "1" } }, "Cannot use --no-such"],
    [{ file: { "no.such": 1 } }, 'Cannot use setting "no.such": there is no such setting'],
    [{ file: { "num.io.threads": 9 } }, '"num.io.threads": "9" is not supported, only 8 is: one'],
    [
      { flags: { "ssl-keystore-password": "secret" } },
      "a value is not supported, it must not be set",
    ],
    [{ file: { "broker.id": 3, "node.id": 4 } }, "broker.id=3 with node.id=4"],
  ];
  for (const [inputs, message] of cases) {
    assertThrows(() => parseBrokerConfig(inputs), ConfigError, message);
  }
});

Deno.test("parseBrokerConfig() accepts Kafka's largest int64 as no limit, and rejects larger values", () => {
  const largest = "9223372036854775807";
  const config = parseBrokerConfig({ flags: { "log-retention-ms": largest } });
  assertEquals(config.get("log.retention.ms"), INT64_MAX);
  assertEquals(config.valuesOf("log.retention.ms")[0]!.text, largest);
  assertThrows(
    () => parseBrokerConfig({ flags: { "log-retention-ms": "9223372036854775808" } }),
    ConfigError,
    "no more than 9223372036854775807",
  );
  assertThrows(
    () => parseBrokerConfig({ flags: { "max-connections": largest } }),
    ConfigError,
    "no more than 2147483647",
  );
});

Deno.test("parseBrokerConfig() suggests the nearest setting in the spelling of its source", () => {
  const cases: [Parameters<typeof parseBrokerConfig>[0], string][] = [
    [{ file: { "log.segment.byte": 1 } }, 'did you mean "log.segment.bytes"'],
    [{ file: { "log-segment-byte": 1 } }, 'did you mean "log-segment-bytes"'],
    [{ file: { "num.io.thread": 1 } }, 'did you mean "num.io.threads"'],
    [{ flags: { "node-idd": "1" } }, '--node-idd: there is no such flag, did you mean "--node-id"'],
    [
      { env: { DQUEUE_LOG_SEGMENT_BYTE: "1" } },
      'variable DQUEUE_LOG_SEGMENT_BYTE: there is no such setting, did you mean "DQUEUE_LOG_SEGMENT_BYTES"',
    ],
    [{ env: { DQUEUE_NODEID: "1" } }, 'did you mean "DQUEUE_NODE_ID"'],
  ];
  for (const [inputs, message] of cases) {
    assertThrows(() => parseBrokerConfig(inputs), ConfigError, message);
  }
  // Variables of other commands.
  parseBrokerConfig({ env: { DQUEUE_BROKERS: "a:1", DQUEUE_TIMEOUT: "5s", DQUEUE_GROUP: "g" } });
});

Deno.test("parseBrokerConfig() accepts broker.id for node.id and log.dir for log.dirs", () => {
  const config = parseBrokerConfig({ file: { "broker.id": 7, "log.dir": "/a" } });
  assertEquals([config.get("node.id"), config.get("broker.id")], [7, 7]);
  assertEquals(config.get("log.dirs"), "/a");
  assertEquals(parseBrokerConfig({ file: { "node.id": 7 } }).get("broker.id"), 7);
  assertEquals(parseBrokerConfig({ file: { "broker.id": -1 } }).get("node.id"), 1);
  const both = parseBrokerConfig({ file: { "log.dir": "/a", "log.dirs": "/b" } });
  assertEquals(both.get("log.dirs"), "/b");
});

Deno.test("parseBrokerConfig() accepts every spelling of the single value of a fixed setting", () => {
  const config = parseBrokerConfig({
    flags: { "num-io-threads": "8" },
    env: { DQUEUE_SSL_ENABLED_PROTOCOLS: "TLSv1.2, TLSv1.3" },
    file: { "auto.leader.rebalance.enable": "TRUE", "log.cleaner.io.buffer.load.factor": 0.9 },
  });
  assertEquals(config.valuesOf("num.io.threads").map(({ text, source }) => [text, source]), [
    ["8", 4],
    ["8", 5],
  ]);
  assertEquals(config.valuesOf("ssl.enabled.protocols")[0]!.text, "TLSv1.2,TLSv1.3");
});

Deno.test("knownSetting() returns documentation and a default that its parser accepts", () => {
  const flags = new Set<string>();
  for (const name of KNOWN_SETTING_NAMES) {
    const setting = knownSetting(name)!;
    assertEquals(setting.doc.length > 10 && !setting.doc.endsWith("."), true, name);
    const text = setting.format(setting.default);
    if (text !== null) assertEquals(setting.parse(text), setting.default, name);
    flags.add(flagOf(name));
  }
  assertEquals(flags.size, KNOWN_SETTING_NAMES.length);
  assertEquals([flagOf("listeners"), variableOf("listeners")], ["listen", "DQUEUE_LISTEN"]);
  assertEquals(variableOf("log.segment.bytes"), "DQUEUE_LOG_SEGMENT_BYTES");
});

Deno.test("BrokerConfig.setDynamic() prefers the broker's value to the cluster's, and that to the one given at start", () => {
  const config = BrokerConfig.from({ "message.max.bytes": 1000 });
  let changes = 0;
  const end = config.onChange(() => changes++);
  const all = new Map([["message.max.bytes", "2000"]]);
  const one = new Map([["message.max.bytes", "3000"]]);
  config.setDynamic(all, new Map());
  assertEquals(config.get("message.max.bytes"), 2000);
  config.setDynamic(all, one);
  assertEquals(config.get("message.max.bytes"), 3000);
  assertEquals(config.valuesOf("message.max.bytes").map(({ text, source }) => [text, source]), [
    ["3000", 2],
    ["2000", 3],
    ["1000", 4],
    ["1048588", 5],
  ]);
  end();
  config.setDynamic(new Map(), new Map());
  assertEquals(config.get("message.max.bytes"), 1000);
  assertEquals(changes, 2);
});

Deno.test("BrokerConfig.setDynamic() skips invalid values and read-only settings", () => {
  const config = new BrokerConfig();
  config.setDynamic(new Map([["message.max.bytes", "many"], ["node.id", "9"]]), new Map());
  assertEquals(config.get("message.max.bytes"), 1048588);
  assertEquals(config.get("node.id"), 1);
});

Deno.test("BrokerConfig.from() accepts typed values", () => {
  const config = BrokerConfig.from({ "listeners": ["h:1"], "log.roll.ms": null, "node.id": 7 });
  assertEquals(config.get("listeners"), ["PLAINTEXT://h:1"]);
  assertEquals(config.get("log.roll.ms"), null);
  const error = assertThrows(() => BrokerConfig.from({ "node.id": -7 }), ConfigError);
  assertStringIncludes(error.message, "node.id");
});

Deno.test("parseBrokerConfig() takes a variable by the flag of its setting, or by its whole name", () => {
  const env = (variables: Record<string, string>) => parseBrokerConfig({ env: variables });
  for (const variable of ["DQUEUE_LISTEN", "DQUEUE_LISTENERS"]) {
    assertEquals(env({ [variable]: "a:1" }).get("listeners"), ["PLAINTEXT://a:1"]);
  }
  for (const variable of ["DQUEUE_DATA", "DQUEUE_LOG_DIRS"]) {
    assertEquals(env({ [variable]: "/data" }).get("log.dirs"), "/data");
  }
  const both = { DQUEUE_LISTENERS: "a:1", DQUEUE_LISTEN: "a:1" };
  assertEquals(env(both).get("listeners"), ["PLAINTEXT://a:1"]);
  assertThrows(() => env({ ...both, DQUEUE_LISTEN: "b:2" }), ConfigError, "DQUEUE_LISTENERS");
  assertThrows(() => env({ DQUEUE_LISTENERZ: "a:1" }), ConfigError, "did you mean");
});
