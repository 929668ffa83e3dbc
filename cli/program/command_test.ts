import { assertEquals, assertThrows } from "@std/assert";
import { command } from "./command.ts";
import { Program } from "./program.ts";
import { testContext } from "../terminal/test_context.ts";
import { runProgram } from "./run_program.ts";

Deno.test("command() passes values of the declared types to run()", async () => {
  const seen: unknown[] = [];
  const sum = command({
    name: "sum",
    summary: "Add",
    args: { numbers: { doc: "Numbers", type: "integer", many: true } },
    flags: { start: { type: "integer", default: 0, doc: "Where to start" } },
    run(_, { args, flags }) {
      const total: number = args.numbers.reduce((a: number, b: number) => a + b, flags.start);
      seen.push(total);
    },
  });
  const program = new Program({ name: "x", summary: "", version: "1", commands: [sum] });
  assertEquals(await runProgram(program, ["sum", "1", "2", "--start", "10"], testContext()), 0);
  assertEquals(seen, [13]);
});

Deno.test("command() rejects ambiguous arguments", () => {
  const spec = { name: "x", summary: "", run: () => {} };
  assertThrows(() => command({ ...spec, args: { a: { doc: "", many: true }, b: { doc: "" } } }));
  assertThrows(() =>
    command({ ...spec, args: { a: { doc: "", optional: true }, b: { doc: "" } } })
  );
});

Deno.test("Program rejects a command that is a prefix of others", () => {
  const commands = ["topic", "topic list"].map((name) =>
    command({ name, summary: "", run: () => {} })
  );
  assertThrows(() => new Program({ name: "x", summary: "", version: "1", commands }));
});
