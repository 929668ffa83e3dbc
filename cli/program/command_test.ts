import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
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

Deno.test("command() takes a secret from a variable or the config file, not from the command line", async (t) => {
  const seen: unknown[] = [];
  const login = command({
    name: "login",
    summary: "Log in",
    flags: { password: { doc: "Password", isSecret: true } },
    run(_, { flags }) {
      seen.push(flags.password);
    },
  });
  const program = new Program({ name: "x", summary: "", version: "1", commands: [login] });
  const run = async (args: string[], options: Parameters<typeof testContext>[0] = {}) => {
    const context = testContext(options);
    return [await runProgram(program, ["login", ...args], context), context.stderrText()] as const;
  };
  await t.step("not from the command line", async () => {
    const [code, message] = await run(["--password", "canary"]);
    assertEquals(code, 2);
    assertStringIncludes(
      message,
      "Cannot take --password from the command line, where others can see it: set " +
        'DQUEUE_PASSWORD or put "password" in the config file',
    );
    assertEquals(message.includes("canary"), false);
  });
  await t.step("from the variable", async () => {
    assertEquals(await run([], { env: { DQUEUE_PASSWORD: "secret" } }), [0, ""]);
    assertEquals(seen, ["secret"]);
  });
});
