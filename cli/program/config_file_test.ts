import { assertEquals, assertThrows } from "@std/assert";
import { parseConfigFile, settingOf } from "./config_file.ts";
import { UsageError } from "../errors.ts";
import { testProgram } from "./test_program.ts";

const parse = (json: unknown) => parseConfigFile(testProgram, JSON.stringify(json), "c.json");

/** Texts of all settings by normalized name. */
function texts(json: unknown): Record<string, readonly string[]> {
  return Object.fromEntries([...parse(json).settings].map(([name, { texts }]) => [name, texts]));
}

Deno.test("parseConfigFile() accepts every spelling of setting names", () => {
  assertEquals(texts({ ifNotExists: true, "log.segment.bytes": 1024, timeout: "5s", num: null }), {
    "if-not-exists": ["true"],
    "log-segment-bytes": ["1024"],
    timeout: ["5s"],
  });
  assertEquals(texts({ if_not_exists: false, log: { segment: { bytes: "1MiB" } } }), {
    "if-not-exists": ["false"],
    "log-segment-bytes": ["1MiB"],
  });
  assertEquals(texts({ partition: [0, 1] }), { partition: ["0", "1"] });
});

Deno.test("settingOf() finds a flag by its other names", () => {
  const { settings } = parse({ broker_addrs: ["h:1", "h:2"] });
  const brokers = testProgram.commands.flatMap((command) => command.flags)
    .find((named) => named.name === "brokers")!;
  assertEquals(settingOf(settings, brokers), { texts: ["h:1", "h:2"], writtenAs: "broker_addrs" });
});

Deno.test("parseConfigFile() reads a command, whose settings override those of the file", () => {
  const { command } = parse({
    timeout: "5s",
    command: { type: "consume", topic: ["a", "b"], timeout: "1s", num: 5 },
  });
  assertEquals(command!.command.name, "consume");
  assertEquals(command!.args, ["a", "b"]);
  assertEquals(command!.settings.get("timeout")!.texts, ["1s"]);
  assertEquals(command!.settings.get("num")!.texts, ["5"]);
});

Deno.test("parseConfigFile() accepts an object for a flag that takes pairs", () => {
  const { command } = parse({
    command: { type: "create-topic", topics: "a", config: { "retention.ms": 1, x: "y=z" } },
  });
  assertEquals(command!.args, ["a"]);
  assertEquals(command!.settings.get("config")!.texts, ["retention.ms=1", "x=y=z"]);
});

Deno.test("parseConfigFile() reports invalid files", () => {
  const cases: [json: unknown, problem: string][] = [
    [[], 'Cannot read config file "c.json": it is not a JSON object'],
    [{ timeuot: "5s" }, 'Unknown setting "timeuot" in "c.json", did you mean "timeout"'],
    [{ log: { segment: { byte: 1 } } }, 'Unknown setting "log.segment.byte" in "c.json"'],
    [{ command: {} }, '"command" has no "type"'],
    [{ command: "topic list" }, '"command" has no "type"'],
    [
      { command: { type: "create-topics" } },
      'type "create-topics" in "c.json", did you mean "create-topic"',
    ],
    [{ command: { type: "purge" } }, "there are create-topic, consume"],
    [{ command: { type: "create-topic", num: 5 } }, 'Unknown setting "num" in "c.json"'],
    [{ num: [[], [null]] }, 'Cannot read "num" in "c.json": it is null'],
  ];
  for (const [json, problem] of cases) assertThrows(() => parse(json), UsageError, problem);
  const twice = '{ "timeout": "5s", "timeout": "6s" }';
  assertThrows(
    () => parseConfigFile(testProgram, twice, "c.json"),
    UsageError,
    'Cannot read config file "c.json": it contains "timeout" twice',
  );
  assertThrows(() => parseConfigFile(testProgram, "{", "c.json"), UsageError, "Cannot read config");
});
