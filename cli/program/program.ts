/**
 * A program: its commands as a tree of words, and the flags every command has.
 *
 * @module
 */

import type { Command } from "./command.ts";
import { type NamedFlag, nameFlags } from "./flag.ts";

/** The declaration of a program. */
export interface ProgramSpec {
  /** What it is called on the command line. */
  readonly name: string;
  /** What it is, in a line. */
  readonly summary: string;
  readonly version: string;
  readonly commands: readonly Command[];
  /** What each noun is about, for the list of commands. */
  readonly nouns?: Readonly<Record<string, string>>;
  /** Names of commands in a config file's `"type"`, such as `create-topic` for `topic create`. */
  readonly fileCommands?: Readonly<Record<string, string>>;
}

/** A word of the tree: a command, or a noun with commands below. */
export interface CommandNode {
  /** The words down to here. */
  readonly words: readonly string[];
  readonly summary: string;
  readonly command: Command | undefined;
  readonly children: ReadonlyMap<string, CommandNode>;
}

/** Flags of the program itself, which go with every command. */
export const PROGRAM_FLAGS: readonly NamedFlag[] = nameFlags({
  config: {
    doc: "File with settings, as JSON; it may also hold a whole command",
    value: "FILE",
    isFile: true,
  },
  help: { type: "boolean", alias: "h", env: false, doc: "Show this help" },
});

/** A program. */
export class Program {
  readonly name: string;
  readonly summary: string;
  readonly version: string;
  readonly commands: readonly Command[];
  readonly fileCommands: Readonly<Record<string, string>>;
  /** The tree's root: no word yet. */
  readonly root: CommandNode;

  /** Puts the commands into a tree. */
  constructor(spec: ProgramSpec) {
    this.name = spec.name;
    this.summary = spec.summary;
    this.version = spec.version;
    this.commands = spec.commands;
    this.fileCommands = spec.fileCommands ?? {};
    this.root = buildTree([], spec.summary, spec.commands, spec.nouns ?? {});
  }

  /** What is typed to call a command: the program's name and the words. */
  callOf(words: readonly string[]): string {
    return [this.name, ...words].join(" ");
  }

  /** The flags that go with a command: its own, and those of the program it does not shadow. */
  flagsOf(command: Command): NamedFlag[] {
    const own = new Set(command.flags.map((each) => each.name));
    return [...command.flags, ...PROGRAM_FLAGS.filter((each) => !own.has(each.name))];
  }
}

/** All commands at or below a node. */
export function commandsBelow(node: CommandNode): Command[] {
  if (node.command !== undefined) return [node.command];
  return [...node.children.values()].flatMap(commandsBelow);
}

function buildTree(
  words: readonly string[],
  summary: string,
  commands: readonly Command[],
  nouns: Readonly<Record<string, string>>,
): CommandNode {
  const depth = words.length;
  const children = new Map<string, CommandNode>();
  for (const [word, below] of Map.groupBy(commands, (command) => command.words[depth]!)) {
    const path = [...words, word];
    const leaf = below.find((command) => command.words.length === path.length);
    if (leaf !== undefined && below.length > 1) {
      throw new Error(`"${leaf.name}" is a command of its own and the beginning of others`);
    }
    children.set(
      word,
      leaf === undefined
        ? buildTree(path, nouns[path.join(" ")] ?? "", below, nouns)
        : { words: path, summary: leaf.summary, command: leaf, children: new Map() },
    );
  }
  return { words, summary, command: undefined, children };
}
