import { assertEquals, assertThrows } from "@std/assert";
import { parseFlags } from "./flags.ts";

const DEFAULTS = { runs: "3", pid: undefined, json: false, "no-pin": false, scenario: [] } as const;

function parse(...argv: string[]) {
  return parseFlags(DEFAULTS, { argv, maxArgs: 1 });
}

Deno.test("parseFlags() without arguments returns the defaults", () => {
  assertEquals(parse(), { flags: { ...DEFAULTS, scenario: [] }, args: [] });
});

Deno.test("parseFlags() returns values as text, switches as booleans and the argument", () => {
  const argv = ["--runs=5", "--pid", "12", "--json", "--no-pin", "localhost:9092"];
  assertEquals(parse(...argv), {
    flags: { runs: "5", pid: "12", json: true, "no-pin": true, scenario: [] },
    args: ["localhost:9092"],
  });
});

Deno.test("parseFlags() collects a repeated flag whose default is a list", () => {
  assertEquals(parse("--scenario", "a b", "--scenario=c").flags.scenario, ["a b", "c"]);
});

Deno.test("parseFlags() refuses unknown flags, missing values and further arguments", () => {
  assertThrows(() => parse("--run=5"), TypeError, 'Unknown flag "--run=5": there are --runs');
  assertThrows(() => parse("-x"), TypeError, 'Unknown flag "-x"');
  assertThrows(() => parse("--runs"), TypeError, "Flag --runs needs a value");
  assertThrows(() => parse("--scenario", "--json"), TypeError, "Flag --scenario needs a value");
  assertThrows(() => parse("a", "b"), TypeError, 'Unexpected argument "b"');
});
