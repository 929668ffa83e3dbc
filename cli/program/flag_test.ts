import { assertEquals, assertThrows } from "@std/assert";
import type { ArgumentValues, FlagValues } from "./flag.ts";
import { nameFlags, parseValue, settingName } from "./flag.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

Deno.test("FlagValues and ArgumentValues are inferred from the declaration", () => {
  const flags = {
    plain: { doc: "" },
    sure: { doc: "", default: "a" },
    required: { doc: "", required: true },
    isOn: { doc: "", type: "boolean" },
    count: { doc: "", type: "integer" },
    size: { doc: "", type: "bytes", default: "1MiB" },
    several: { doc: "", many: true },
    list: { doc: "", type: "integer", separator: "," },
    choice: { doc: "", choices: ["a", "b"], default: "a" },
    own: { doc: "", parse: (text: string) => new URL(text) },
  } as const;
  type Expected = {
    plain: string | undefined;
    sure: string;
    required: string;
    isOn: boolean;
    count: number | undefined;
    size: number;
    several: string[];
    list: number[];
    choice: "a" | "b";
    own: URL | undefined;
  };
  true satisfies Equal<FlagValues<typeof flags>, Expected>;
  const args = {
    one: { doc: "" },
    maybe: { doc: "", type: "integer", optional: true },
    rest: { doc: "", many: true },
  } as const;
  type ExpectedArgs = { one: string; maybe: number | undefined; rest: string[] };
  true satisfies Equal<ArgumentValues<typeof args>, ExpectedArgs>;
});

Deno.test("nameFlags() derives the flag and the variable from the key", () => {
  const named = nameFlags({
    ifNotExists: { doc: "" },
    "log.segment.bytes": { doc: "" },
    yes: { doc: "", env: false },
    data: { doc: "", env: "DATA_DIR" },
  });
  assertEquals(named.map(({ name, env }) => [name, env]), [
    ["if-not-exists", "DQUEUE_IF_NOT_EXISTS"],
    ["log-segment-bytes", "DQUEUE_LOG_SEGMENT_BYTES"],
    ["yes", undefined],
    ["data", "DATA_DIR"],
  ]);
});

Deno.test("settingName() is the same for every spelling of a name", () => {
  for (const name of ["brokerAddrs", "broker_addrs", "broker.addrs", "broker-addrs"]) {
    assertEquals(settingName(name), "broker-addrs");
  }
  assertEquals(settingName("forATopicURL"), "for-a-topic-url");
});

Deno.test("parseValue() parses each type", () => {
  assertEquals(parseValue({ doc: "" }, " a ", 0), " a ");
  assertEquals(parseValue({ doc: "", type: "boolean" }, "Yes", 0), true);
  assertEquals(parseValue({ doc: "", type: "boolean" }, "0", 0), false);
  assertEquals(parseValue({ doc: "", type: "integer" }, "-5", 0), -5);
  assertEquals(parseValue({ doc: "", type: "number" }, "0.5", 0), 0.5);
  assertEquals(parseValue({ doc: "", type: "duration" }, "1h30m", 0), 5_400_000);
  assertEquals(parseValue({ doc: "", type: "bytes" }, "10MiB", 0), 10 * 1024 ** 2);
  assertEquals(parseValue({ doc: "", type: "bytes", min: -1 }, "-1", 0), -1);
  assertEquals(parseValue({ doc: "", parse: (text, nowMs) => text + nowMs }, "a", 7), "a7");
});

Deno.test("parseValue() rejects invalid values, with the expected form", () => {
  const cases: [spec: Parameters<typeof parseValue>[0], text: string, problem: string][] = [
    [{ doc: "", type: "integer" }, "1.5", 'Cannot read "1.5": expected a whole number'],
    [{ doc: "", type: "integer" }, "", "expected a whole number"],
    [{ doc: "", type: "integer" }, "9007199254740993", "expected a whole number"],
    [{ doc: "", type: "integer", min: 1 }, "0", 'Cannot use "0": it must be at least 1'],
    [{ doc: "", type: "integer", min: 1, max: 9 }, "10", "it must be between 1 and 9"],
    [{ doc: "", type: "number", max: 1 }, "2", "it must be at most 1"],
    [{ doc: "", type: "number" }, "x", "expected a number"],
    [{ doc: "", type: "number" }, "Infinity", "expected a number"],
    [{ doc: "", type: "boolean" }, "maybe", "expected true or false"],
    [{ doc: "", type: "bytes" }, "-1", "it must be at least 0"],
    [{ doc: "", type: "duration" }, "-1", "it must be at least 0"],
    [{ doc: "", choices: ["a", "b"] }, "c", 'Cannot read "c": expected one of a, b'],
  ];
  for (const [spec, text, problem] of cases) {
    assertThrows(() => parseValue(spec, text, 0), Error, problem);
  }
});
