import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import manifest from "../../deno.json" with { type: "json" };
import { CHEAT_SHEETS } from "../../cli/commands/cheat_sheets.ts";
import { CommandTest, runIn } from "../../cli/commands/testing.ts";
import { parseCommandLine } from "../../cli/program/command_line.ts";
import { parseConfigFile } from "../../cli/program/config_file.ts";
import { formatHelp } from "../../cli/program/help.ts";
import { type CommandNode, commandsBelow } from "../../cli/program/program.ts";
import { resolveInvocation } from "../../cli/program/settings.ts";
import { styleFor } from "../../cli/terminal/style.ts";
import { testContext } from "../../cli/terminal/test_context.ts";
import { program } from "../../cli/commands/program.ts";

const HERE_DOCUMENT = /^cat > (\S+) <<'END'\n([^]*?)\nEND$/gm;

/** Returns this program's command lines in a shell script, split into words. */
function commandLines(shell: string): string[][] {
  const words = shell.replaceAll(HERE_DOCUMENT, "").replaceAll("\\\n", " ").matchAll(
    /'([^']*)'|"((?:\\.|[^"])*)"|(\|\||&&|\||\n|;)|(#.*)|(\d?[<>]\s*\S+|<\(.*\))|([^\s'"|&;]+)/g,
  );
  const lines: string[][] = [[]];
  for (const [, single, double, operator, comment, redirection, bare] of words) {
    if (operator !== undefined) lines.push([]);
    else if (comment === undefined && redirection === undefined) {
      lines.at(-1)!.push(single ?? double ?? bare!);
    }
  }
  return lines
    // A line that ends in a pipe continues on the next.
    .map((line) => line.filter((word, i) => i > 0 || !/^\w+=/.test(word)))
    .filter(([name]) => name === "dqueue")
    .map((line) => line.slice(1));
}

/** Checks a command line without running it. */
function check(argv: string[], files: ReadonlyMap<string, string>): void {
  const line = parseCommandLine(program, argv);
  if (line.isHelp) return;
  const text = line.configPath === undefined ? undefined : files.get(line.configPath);
  const file = text === undefined ? undefined : parseConfigFile(program, text, line.configPath!);
  const command = line.node.command ?? file?.command?.command;
  assert(command !== undefined, `${argv.join(" ")}: no command`);
  resolveInvocation(command, {
    flags: line.flags,
    args: line.node.command === undefined ? file!.command!.args : line.args,
    env: () => undefined,
    envNames: () => [],
    file: file && { path: file.path, settings: file.command?.settings ?? file.settings },
    nowMs: 1.7e12,
  });
}

function nodesOf(node: CommandNode): CommandNode[] {
  return [node, ...[...node.children.values()].flatMap(nodesOf)];
}

Deno.test("program has the version of deno.json", async () => {
  assertEquals(program.version, manifest.version);
  assertMatch((await runIn(testContext(), "version")).stdout, /^dqueue \d+\.\d+\.\d+ \(deno /);
  const { stdout } = await runIn(testContext(), "version --output json");
  assertEquals(JSON.parse(stdout).version, manifest.version);
});

Deno.test("program needs exactly the packages of .deno/program.lock, in the tested versions", async () => {
  const [own, all] = await Promise.all([".deno/program.lock", "deno.lock"].map(async (name) => {
    return JSON.parse(await Deno.readTextFile(new URL(`../../${name}`, import.meta.url))).npm;
  }));
  assertEquals(Object.keys(own).map((name) => name.replace(/@[^@]*$/, "")), [
    "@marcbachmann/cel-js",
    "@opentelemetry/api",
    "fzstd",
    "hono",
    "hysnappy",
    "jose",
    "re2js",
  ]);
  for (const [name, entry] of Object.entries(own)) assertEquals(all[name], entry);
  // "deno task" first fetches everything in the lock and import map of its config.
  assertEquals([manifest.lock, "imports" in manifest], [false, false]);
  const { start, dqueue, compile } = manifest.tasks;
  for (const command of [start, dqueue, compile.command]) {
    assertStringIncludes(command, " --lock=.deno/program.lock ");
  }
  // It fails if a package is missing from the lock.
  const args = [
    "run",
    "--quiet",
    "--frozen",
    "--cached-only",
    "--allow-read",
    "--lock=.deno/program.lock",
    "main.ts",
  ];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args, "version"],
    cwd: new URL("../../", import.meta.url),
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
});

Deno.test("program shows only valid examples in its help and in cheat", () => {
  const files = new Map([["broker.json", "{}"]]);
  const shells = [
    ...commandsBelow(program.root).flatMap(({ examples }) =>
      examples.map(({ command }) => command)
    ),
    ...[...CHEAT_SHEETS.values()].flatMap(({ examples }) => examples.map(({ command }) => command)),
  ];
  let count = 0;
  for (const shell of shells) {
    for (const [, name, text] of shell.matchAll(HERE_DOCUMENT)) files.set(name!, text!);
    for (const line of commandLines(shell)) {
      count++;
      try {
        check(line, files);
      } catch (error) {
        throw new Error(`${shell}: ${JSON.stringify(line)}`, { cause: error });
      }
    }
  }
  assert(count > 80, `only ${count} examples were found`);
});

Deno.test("program has help at every level, within its columns", () => {
  for (const node of nodesOf(program.root)) {
    for (const columns of [60, 80, 100]) {
      const help = formatHelp(program, node, { style: styleFor(false), columns });
      assert(!/undefined|\[object/.test(help), help);
      // Shell lines and tables are not wrapped; everything else is.
      const text = help.split("Examples:")[0]!.split("\n").filter((line) => !line.startsWith("  "));
      for (const line of text) assert(line.length <= columns, `${node.words}: ${line}`);
    }
    assert(node.summary !== "", `${node.words} has no summary`);
  }
});

Deno.test("program documents every flag", () => {
  for (const command of commandsBelow(program.root)) {
    for (const { name, flag } of command.flags) {
      assertMatch(flag.doc, /^[A-Z]/, `--${name} of ${command.name}`);
      assert(!flag.doc.endsWith("."), `--${name} of ${command.name}`);
    }
  }
});

Deno.test("cheat lists its subjects, and the examples of one or all", async () => {
  const cheat = (line: string) => runIn(testContext(), line);
  assertMatch((await cheat("cheat")).stdout, /^SUBJECT +ABOUT\nserve /);
  assertMatch(
    (await cheat("cheat topic")).stdout,
    /^Topics\n\n# Create a topic\ndqueue topic create/,
  );
  const all = (await cheat("cheat all")).stdout;
  for (const { about } of CHEAT_SHEETS.values()) assertStringIncludes(all, about);
  const unknown = await cheat("cheat topik");
  assertEquals(unknown.code, 2);
  assertStringIncludes(unknown.stderr, 'Cannot find "topik", did you mean "topic"'.slice(1));
});

Deno.test("completions complete this program's commands", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout } = await runIn(testContext(), `completions ${shell}`);
    assertEquals(code, 0);
    assertStringIncludes(stdout, "add-partitions");
    assertStringIncludes(stdout, "log-segment-bytes");
  }
  assertEquals((await runIn(testContext(), "completions sh")).code, 2);
});

Deno.test("--config reads a file with a whole command", async (t) => {
  await using test = await CommandTest.start();
  const run = (command: unknown, argv: string[] = []) => {
    // The address in the file is used if the variable is not set.
    const file = { broker_addrs: [test.address], timeout: "5s", command };
    const env = { DQUEUE_BROKERS: "" };
    const files = { "op.json": JSON.stringify(file) };
    return test.run(["--config", "op.json", ...argv], { files, env });
  };

  await t.step("create-topic", async () => {
    const configs = { "retention.ms": "7d", "segment.bytes": 1048576 };
    const command = {
      type: "create-topic",
      topic: "my-topic",
      partitions: 3,
      replicas: 1,
      configs,
    };
    const { code, stderr, stdout } = await run(command);
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, /^my-topic +created +3 +1$/m);
    const [topic] = JSON.parse(await test.output("topic describe my-topic --output json"));
    const own = topic.configs.filter((each: { source: string }) => each.source === "topic");
    assertEquals(own.map((each: { value: string }) => each.value), ["604800000", "1048576"]);
  });

  await t.step("list-topics", async () => {
    const { stdout } = await run({ type: "list-topics", output: "json" });
    assertEquals(JSON.parse(stdout)[0].name, "my-topic");
    assertMatch((await run({ type: "list-topics" })).stdout, /^my-topic +3 +1$/m);
  });

  await t.step("produce", async () => {
    const { code, stderr } = await run({
      type: "produce",
      topic: "my-topic",
      messages: ["one", "two"],
      key: "k",
      headers: { source: "file", url: "http://x" },
      partition: 1,
    });
    assertEquals([code, stderr], [0, ""]);
  });

  await t.step("consume", async () => {
    const command = { type: "consume", topics: ["my-topic"], partitions: [0, 1], offset: ":end" };
    assertEquals((await run(command)).stdout, "one\ntwo\n");
    const json = (await run({ ...command, output: "json", num: 1 })).stdout;
    assertEquals(JSON.parse(json).headers, [
      { key: "source", value: "file" },
      { key: "url", value: "http://x" },
    ]);
    // The command line takes precedence.
    assertEquals((await run(command, ["--num", "1"])).stdout, "one\n");
  });

  await t.step("delete-topic", async () => {
    const command = { type: "delete-topic", topic: "my-topic" };
    assertEquals((await run(command)).code, 2);
    assertEquals((await run({ ...command, yes: true })).code, 0);
    assertEquals((await run({ type: "list-topics" })).stdout, "");
  });

  await t.step("mistakes", async () => {
    const unknown = await run({ type: "create-topics", topic: "x" });
    assertEquals(unknown.code, 2);
    assertStringIncludes(unknown.stderr, 'Unknown command type "create-topics" in "op.json"');
    const setting = await run({ type: "create-topic", topic: "x", partition: 3 });
    assertEquals(setting.code, 2);
    assertStringIncludes(setting.stderr, 'Unknown setting "partition"');
  });
});
