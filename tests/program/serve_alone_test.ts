import { assertEquals, assertStringIncludes } from "@std/assert";
import { ABOUT } from "../../cli/commands/about.ts";
import { program } from "../../cli/commands/program.ts";
import { serve } from "../../cli/commands/serve/serve.ts";
import { Program } from "../../cli/program/program.ts";
import { runProgram } from "../../cli/program/run_program.ts";
import { testContext, type TestContextOptions } from "../../cli/terminal/test_context.ts";
import { programFor } from "../../main.ts";

const BAD = ["--log-retention-ms", "soon"];

/** Command lines that need nothing but `serve`, and do not start it. */
const OWN: readonly (readonly [argv: readonly string[], context?: TestContextOptions])[] = [
  [["--help"]],
  [["--help", "--all"]],
  [["--nope"]],
  [["--log-retention-mss", "1"]],
  [["--http", "nowhere"]],
  [["extra"]],
  [BAD],
  [BAD, { env: { DQUEUE_LOG_LEVEL: "warn", DQUEUE_DEBUG: "1", DQUEUE_PORT_1_TCP: "x" } }],
  [[...BAD, "--config", "c.json"], { files: { "c.json": `{ "log": { "segment.bytes": 1 } }` } }],
  [["--config", "c.json"]],
];

/** Command lines whose settings are those of other commands, or of none. */
const OTHERS: typeof OWN = [
  [BAD, { env: { DQUEUE_BROKERS: "localhost:1" } }],
  [BAD, { env: { DQUEUE_BROKRES: "localhost:1" } }],
  [BAD, { env: { DQUEUE_CONFIG: "c.json" }, files: { "c.json": `{ "timeout": "5s" }` } }],
  [[...BAD, "--config", "c.json"], { files: { "c.json": `{ "timeuot": "5s" }` } }],
  [[...BAD, "--config", "c.json"], {
    files: { "c.json": `{ "command": { "type": "create-topic", "topic": "a" } }` },
  }],
  [[...BAD, "--config", "c.json"], { files: { "c.json": `{ "command": { "type": "crate" } }` } }],
  [["--config", "c.json"], { files: { "c.json": "{" } }],
];

async function run(program: Program, [args, options]: typeof OWN[number]) {
  const context = testContext(options);
  const code = await runProgram(program, ["serve", ...args], context);
  return [args, code, context.stdoutText(), context.stderrText()];
}

Deno.test("serve is loaded alone, and answers as in the whole program", async () => {
  const alone = new Program({
    ...ABOUT,
    commands: [serve],
    all: () => Promise.reject(new Error("Loaded")),
  });
  for (const each of OWN) assertEquals(await run(alone, each), await run(program, each));
});

Deno.test("serve knows the variables and settings of other commands", async () => {
  const partial = await programFor(["serve"]);
  assertEquals(partial.commands, [serve]);
  for (const each of OTHERS) assertEquals(await run(partial, each), await run(program, each));
  const [, code, , stderr] = await run(partial, OTHERS[1]!);
  assertEquals(code, 2);
  assertStringIncludes(
    String(stderr),
    `Unknown variable "DQUEUE_BROKRES", did you mean "DQUEUE_BROKERS"`,
  );
});

Deno.test("programFor() has all commands for every other command line", async () => {
  for (const argv of [[], ["--help"], ["server"], ["topic", "list"], ["--config", "c", "serve"]]) {
    assertEquals(await programFor(argv), program);
  }
});
