import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { formatHelp } from "./help.ts";
import { command } from "./command.ts";
import { Program } from "./program.ts";
import { styleFor } from "../terminal/style.ts";
import { testProgram } from "./test_program.ts";
import { textWidth } from "../terminal/text_width.ts";

const plain = { style: styleFor(false), columns: 200 };

function help(words: readonly string[], options = plain, program = testProgram): string {
  let node = program.root;
  for (const word of words) node = node.children.get(word)!;
  return formatHelp(program, node, options);
}

Deno.test("formatHelp() prints a command's usage, flags by group, and examples", () => {
  assertEquals(
    help(["topic", "create"]),
    `Create topics

Usage: dqueue topic create TOPIC... [FLAGS]

Arguments:
  TOPIC...  Names of the topics

Flags:
      --partitions N      Partitions of each topic (default 1)
  -c, --config KEY=VALUE  Setting of the topics (repeatable)
      --if-not-exists     Succeed if a topic exists already

Connection:
  -b, --brokers HOST:PORT,…  Brokers to ask for the others (several with ","; default
                             localhost:9092)
      --timeout DURATION     How long to wait for an answer (default 5s)

Program:
  -h, --help  Show this help

Flags such as --brokers can also be set by a variable, here DQUEUE_BROKERS, or in the config file.
The command line overrides the variable, which overrides the file.
`,
  );
});

Deno.test("formatHelp() prints paragraphs, unwrapped lines, choices and variables", () => {
  const consume = help(["consume"]);
  assertStringIncludes(consume, "\nOffsets:\n  start   the first\n  end     the last\n");
  assertStringIncludes(
    consume,
    "--compression CHOICE  Compression (one of none, gzip, snappy, lz4, zstd; default none)",
  );
  assertStringIncludes(consume, "Examples:\n  # The last ten\n  dqueue consume orders -o -10 -e\n");
  assertStringIncludes(help(["serve"]), "variable LOG_RETENTION)");
  assertStringIncludes(help(["log", "dump"]), "Usage: dqueue log dump FILE [COUNT] [FLAGS]");
});

Deno.test("formatHelp() lists commands, and the verbs of nouns", () => {
  assertStringIncludes(help([]), "  topic     Topics: create, list\n");
  assertStringIncludes(help([]), "--version");
  assertStringIncludes(help(["topic"]), "Usage: dqueue topic COMMAND [FLAGS]");
  assertStringIncludes(help(["topic"]), "  create    Create topics\n");
});

Deno.test("formatHelp() fits the terminal and uses at most 100 columns", () => {
  const long = command({
    name: "long",
    summary: "Long",
    description: "word ".repeat(100),
    args: { name: { doc: "what it is ".repeat(20) } },
    flags: {
      flagWithAnUnusuallyLongNameForAFlag: { doc: "description ".repeat(30) },
      short: { doc: "注文 ".repeat(60) },
    },
    run: () => {},
  });
  const program = new Program({ name: "x", summary: "", version: "1", commands: [long] });
  for (const [columns, most] of [[200, 100], [80, 80], [60, 60], [10, 60]] as const) {
    const text = help(["long"], { ...plain, columns }, program);
    for (const line of text.split("\n")) assert(textWidth(line) <= most, `${columns}: ${line}`);
  }
});

Deno.test("formatHelp() shows --no- for flags that are on by default", () => {
  const flags = {
    on: { type: "boolean", default: true, doc: "On" },
    alsoOn: { type: "boolean", fallback: "true", doc: "On too" },
    off: { type: "boolean", doc: "Off" },
  } as const;
  const commands = [command({ name: "x", summary: "X", flags, run: () => {} })];
  const text = help(["x"], plain, new Program({ name: "p", summary: "", version: "1", commands }));
  assertStringIncludes(text, "      --[no-]on       On (default true)\n");
  assertStringIncludes(text, "      --[no-]also-on  On too (default true)\n");
  assertStringIncludes(text, "      --off           Off\n");
});

Deno.test("formatHelp() prints bold headings on a terminal", () => {
  const text = help(["topic"], { style: styleFor(true), columns: 80 });
  assertStringIncludes(text, "\x1b[1mCommands:\x1b[22m\n");
});
