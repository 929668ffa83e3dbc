/**
 * A program: its commands as a tree of words, and the flags of every command.
 *
 * @module
 */

import { UsageError } from "../errors.ts";
import type { Command } from "./command.ts";
import { type NamedFlag, nameFlags } from "./flag.ts";

/** Declaration of a program. */
export interface ProgramSpec {
  /** Name on the command line. */
  readonly name: string;
  /** Description in one line. */
  readonly summary: string;
  readonly version: string;
  readonly commands: readonly Command[];
  /** Description of each noun, for the list of commands. */
  readonly nouns?: Readonly<Record<string, string>>;
  /** Names of commands as `"type"` in a config file, such as `create-topic` for `topic create`. */
  readonly fileCommands?: Readonly<Record<string, string>>;
  /** Loads the program with all its commands, if this has only some of them. */
  readonly all?: () => Promise<Program>;
}

/** A node of the tree: a command, or a noun with commands. */
export interface CommandNode {
  /** Words from the root to this node. */
  readonly words: readonly string[];
  readonly summary: string;
  readonly command: Command | undefined;
  readonly children: ReadonlyMap<string, CommandNode>;
}

/** Flags of the program itself, accepted by every command. */
export const PROGRAM_FLAGS: readonly NamedFlag[] = nameFlags({
  config: {
    doc: "JSON file with settings; it may also contain a command",
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
  /** Root of the tree, without words. */
  readonly root: CommandNode;
  readonly #all: (() => Promise<Program>) | undefined;

  /** Builds the tree of commands. */
  constructor(spec: ProgramSpec) {
    this.name = spec.name;
    this.summary = spec.summary;
    this.version = spec.version;
    this.commands = spec.commands;
    this.fileCommands = spec.fileCommands ?? {};
    this.root = buildTree([], spec.summary, spec.commands, spec.nouns ?? {});
    this.#all = spec.all;
  }

  /**
   * Runs a check of names, again with all commands if it fails: they may be names of commands that
   * are not loaded.
   */
  async check<T>(check: (program: Program) => T): Promise<T> {
    try {
      return check(this);
    } catch (error) {
      if (this.#all === undefined || !(error instanceof UsageError)) throw error;
      return check(await this.#all());
    }
  }

  /** The words to type for a command, including the program's name. */
  callOf(words: readonly string[]): string {
    return [this.name, ...words].join(" ");
  }

  /** The flags of a command: its own, and those of the program that it does not shadow. */
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
