/**
 * Accepts the command names of other tools: `ls`, `rm`, `create-topic`, `kafka-topics --list`.
 *
 * They are accepted but not documented: help, completions and messages use one name for each.
 *
 * @module
 */

import type { CommandNode, Program } from "./program.ts";

/** Verbs by their names in other tools. */
const VERBS: ReadonlyMap<string, string> = new Map([
  ["add", "create"],
  ["make", "create"],
  ["mk", "create"],
  ["new", "create"],
  ["ls", "list"],
  ["desc", "describe"],
  ["get", "describe"],
  ["info", "describe"],
  ["inspect", "describe"],
  ["show", "describe"],
  ["print", "describe"],
  ["current", "describe"],
  ["edit", "alter"],
  ["set", "alter"],
  ["update", "alter"],
  ["del", "delete"],
  ["remove", "delete"],
  ["rm", "delete"],
  ["reset", "reset-offsets"],
  ["truncate", "trim"],
  ["delete-records", "trim"],
]);

/** Verbs that are accepted without a noun. */
const BARE_VERBS: readonly string[] = ["create", "delete", "describe", "list"];

/** One-word commands by their names in other tools. */
const COMMANDS: ReadonlyMap<string, string> = new Map([
  ["server", "serve"],
  ["start", "serve"],
  ["kafka-console-consumer", "consume"],
  ["consumer", "consume"],
  ["sub", "consume"],
  ["subscribe", "consume"],
  ["kafka-console-producer", "produce"],
  ["producer", "produce"],
  ["pub", "produce"],
  ["publish", "produce"],
  ["send", "produce"],
]);

const FROM_BEGINNING = "--from-beginning";

/** Hints for flags of other tools that have no equivalent flag. */
export const FLAG_HINTS: ReadonlyMap<string, string> = new Map([
  [FROM_BEGINNING, "; reading starts at the beginning by default, see --offset"],
  ["--topic", "; use the name without a flag"],
  ...["--password", "--pass", "--sasl-password"].map((name) =>
    [
      name,
      "; others can see command lines, so put the password in a file for --password-file or in " +
      "DQUEUE_PASSWORD, or answer the question on a terminal",
    ] as const
  ),
  ["-X", "; use --brokers, --user, --sasl-mechanism, --tls-ca, or a file for --client-config"],
  ["--token", "; others can see command lines, so put it in a file for --token-file"],
]);

/**
 * Nouns by the names of Kafka's tools, whose verb is a flag and whose name follows another flag.
 */
const TOOLS: ReadonlyMap<string, { nouns: readonly string[]; nameFlag?: string }> = new Map([
  ["kafka-topics", { nouns: ["topic"], nameFlag: "topic" }],
  ["kafka-consumer-groups", { nouns: ["group"], nameFlag: "group" }],
  ["kafka-acls", { nouns: ["security", "acl"] }],
]);

/** Its nouns are also accepted alone: `acl list`. */
const NOUN_OF_NOUNS = "security";

/**
 * Translates a command line of a Kafka tool; returns any other unchanged.
 *
 * @param argv The arguments after the program's name.
 */
export function translateTool(program: Program, argv: readonly string[]): readonly string[] {
  const name = argv[0]?.replace(/\.sh$/, "") ?? "";
  const single = COMMANDS.get(name);
  if (single !== undefined && argv[0] !== single) {
    const rest = withNames(argv.slice(1), "topic");
    if (name !== "kafka-console-consumer") return [single, ...rest];
    // Unlike "consume", it starts at the end.
    const others = rest.filter((token) => token !== FROM_BEGINNING);
    return [single, ...others, ...others.length < rest.length ? [] : ["--offset", "end"]];
  }
  const tool = TOOLS.get(name);
  if (tool === undefined) return argv;
  const node = tool.nouns.reduce((node, noun) => node.children.get(noun)!, program.root);
  const rest = argv.slice(1);
  const at = rest.findIndex((token) => {
    return token.startsWith("--") && verbBelow(node, token.slice(2)) !== undefined;
  });
  // Without a verb, the error of the noun lists the verbs.
  if (at === -1) return [...tool.nouns, ...rest];
  const verb = verbBelow(node, rest[at]!.slice(2))!;
  const flags = rest.toSpliced(at, 1);
  const { nameFlag } = tool;
  return [...tool.nouns, verb, ...nameFlag === undefined ? flags : withNames(flags, nameFlag)];
}

/** The node for another name of a child of `node`: a verb, a plural noun, or both combined. */
export function nodeByAlias(
  program: Program,
  node: CommandNode,
  word: string,
): CommandNode | undefined {
  const { root } = program;
  if (node !== root) {
    return node.children.get(verbBelow(node, word) ?? "") ?? nounBelow(node, word);
  }
  const noun = nounBelow(root, word) ?? nounBelow(root.children.get(NOUN_OF_NOUNS), word);
  if (noun !== undefined) return noun;
  const [first = "", ...others] = word.split("-");
  const rest = others.join("-");
  const asVerbFirst = nounBelow(root, rest);
  const asNounFirst = nounBelow(root, first);
  if (asVerbFirst !== undefined) {
    return asVerbFirst.children.get(verbBelow(asVerbFirst, first) ?? "");
  }
  if (asNounFirst !== undefined) {
    return asNounFirst.children.get(verbBelow(asNounFirst, rest) ?? "");
  }
  // A verb without a noun applies to topics.
  const topic = root.children.get("topic");
  const verb = topic && verbBelow(topic, word);
  return verb !== undefined && BARE_VERBS.includes(verb) ? topic!.children.get(verb) : undefined;
}

/** A noun with commands, in singular or plural. */
function nounBelow(parent: CommandNode | undefined, word: string): CommandNode | undefined {
  const node = parent?.children.get(word) ?? parent?.children.get(word.replace(/s$/, ""));
  return node?.command === undefined ? node : undefined;
}

function verbBelow(node: CommandNode, word: string): string | undefined {
  if (node.children.has(word)) return word;
  const verb = VERBS.get(word);
  return verb !== undefined && node.children.has(verb) ? verb : undefined;
}

/** Converts `--topic NAME` to the argument. */
function withNames(argv: readonly string[], nameFlag: string): string[] {
  const names: string[] = [];
  const rest: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const token = argv[i]!;
    if (token === "--") {
      rest.push(...argv.slice(i));
      break;
    }
    if (token === `--${nameFlag}` && i + 1 < argv.length) names.push(argv[++i]!);
    else if (token.startsWith(`--${nameFlag}=`)) names.push(token.slice(nameFlag.length + 3));
    else rest.push(token);
  }
  return [...names, ...rest];
}
