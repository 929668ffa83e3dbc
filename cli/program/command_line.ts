/**
 * Parses a command line into command, flags and arguments.
 *
 * Flags may appear anywhere, also before the command's words, and a flag with a value takes the
 * next token even if it starts with a dash (`--offset -5`), which `@std/cli/parse-args` does not
 * support. `--flag=value`, `-n5`, `-n=5`, `-en5`, `--no-flag` and `--` are supported.
 *
 * @module
 */

import type { Command } from "./command.ts";
import { UsageError } from "../errors.ts";
import { isBoolean, isNamed, type NamedFlag, placeholder, settingName } from "./flag.ts";
import { FLAG_HINTS, nodeByAlias, translateTool } from "./aliases.ts";
import { type CommandNode, commandsBelow, type Program, PROGRAM_FLAGS } from "./program.ts";
import { didYouMean } from "../../protocol/suggest.ts";

/** A parsed command line. Values are still text. */
export interface CommandLine {
  /** The node of the command tree that the words lead to. */
  readonly node: CommandNode;
  readonly isHelp: boolean;
  /** Whether the help should include rare flags. */
  readonly isFullHelp?: boolean;
  /** The file of `--config`. */
  readonly configPath: string | undefined;
  /** Texts of each flag by key, in order. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly args: readonly string[];
}

/**
 * Parses a command line.
 *
 * @param argv The arguments after the program's name.
 * @throws {UsageError} If a command or flag does not exist, or a flag has no value.
 */
export function parseCommandLine(program: Program, argv: readonly string[]): CommandLine {
  // "help topic create" works in git and go, too.
  if (argv[0] === "help") return parseCommandLine(program, [...argv.slice(1), "--help"]);
  const translated = translateTool(program, argv);
  if (translated !== argv) return parseCommandLine(program, translated);
  const end = argv.indexOf("--");
  const isHelp = argv.slice(0, end === -1 ? undefined : end)
    .some((token) => token === "--help" || token === "-h");
  const { node, before, after } = findCommand(program, argv, isHelp);
  if (isHelp) {
    const isFullHelp = argv.includes("--all");
    return { node, isHelp, isFullHelp, flags: new Map(), args: [], configPath: undefined };
  }
  if (node.command === undefined) {
    // The config file determines which command they are for.
    const flags = [...PROGRAM_FLAGS, ...flagsBelow(node)];
    const parsed = new FlagParser(program.callOf(node.words), flags).parse(before);
    const configPath = onlyOne("config", parsed.program.get("config") ?? []);
    return { node, isHelp, flags: parsed.command, args: parsed.args, configPath };
  }
  return { node, ...parseFlags(program, node.command, before, after) };
}

function parseFlags(
  program: Program,
  command: Command,
  before: readonly string[],
  after: readonly string[],
): Omit<CommandLine, "node"> {
  const call = program.callOf(command.words);
  // Before the command's words --config is the program's flag, even if the command has one too.
  const first = new FlagParser(call, [...PROGRAM_FLAGS, ...command.flags]).parse(before);
  const second = new FlagParser(call, program.flagsOf(command)).parse(after);
  const flags = new Map(first.command);
  for (const [key, texts] of second.command) flags.set(key, [...(flags.get(key) ?? []), ...texts]);
  const configPath = [...first.program.get("config") ?? [], ...second.program.get("config") ?? []];
  // Found only now: -h among other letters, as in -eh.
  const isHelp = first.program.has("help") || second.program.has("help");
  return { isHelp, flags, args: second.args, configPath: onlyOne("config", configPath) };
}

/** @throws {UsageError} If a flag with one value is given twice. */
function onlyOne(name: string, texts: readonly string[]): string | undefined {
  if (texts.length <= 1) return texts[0];
  throw new UsageError(
    `Cannot use --${name} with ${texts.length} values: it takes one, found "${texts.join('", "')}"`,
  );
}

/** Follows the words down the tree, and skips flags and their values. */
function findCommand(program: Program, argv: readonly string[], isLenient: boolean) {
  let node = program.root;
  const before: string[] = [];
  let isPlural = false;
  for (let i = 0; i < argv.length; i++) {
    const token = argv[i]!;
    if (token === "--") break;
    if (token.startsWith("-") && token !== "-") {
      before.push(token);
      if (takesNext(program, node, token, isLenient) && i + 1 < argv.length) {
        before.push(argv[++i]!);
      }
      continue;
    }
    const child = node.children.get(token) ?? nodeByAlias(program, node, token);
    isPlural = child?.command === undefined && !node.children.has(token);
    if (child === undefined) {
      if (isLenient) break;
      const call = program.callOf([...node.words, token]);
      const near = didYouMean(token, node.children.keys(), `${program.callOf(node.words)} `);
      throw new UsageError(`Unknown command "${call}"${near}`);
    }
    node = child;
    if (node.command !== undefined) return { node, before, after: argv.slice(i + 1) };
  }
  // "topics" alone lists them.
  if (isPlural) node = node.children.get("list") ?? node;
  return { node, before, after: [] };
}

/** Whether a flag before the command's words takes the next token as its value. */
function takesNext(program: Program, node: CommandNode, token: string, isLenient: boolean) {
  const isLong = token.startsWith("--");
  if (isLong ? token.includes("=") : token.length > 2) return false;
  const known = [...PROGRAM_FLAGS, ...flagsBelow(node)];
  const name = token.slice(isLong ? 2 : 1);
  const meant = known.filter((each) => {
    return isLong ? isNamed(each, settingName(name)) : each.flag.alias === name;
  });
  if (meant.length > 0) {
    const takes = meant.map((each) => !isBoolean(each.flag));
    if (takes.every((each) => each === takes[0])) return takes[0]!;
    throw new UsageError(`Put ${token} after the command, its meaning depends on it`);
  }
  const isNegation = known.some((each) => isBoolean(each.flag) && `no-${each.name}` === name);
  if (isLenient || isNegation) return false;
  throw unknownFlag(program.callOf(node.words), token, known);
}

/** Names of a flag on the command line, its own first. */
function namesOf({ name, flag }: NamedFlag): string[] {
  return [name, ...flag.otherNames ?? []];
}

function flagsBelow(node: CommandNode): NamedFlag[] {
  return commandsBelow(node).flatMap((command) => command.flags);
}

class FlagParser {
  readonly #call: string;
  readonly #flags: readonly NamedFlag[];
  readonly #byName = new Map<string, NamedFlag>();
  readonly #byAlias = new Map<string, NamedFlag>();
  readonly command = new Map<string, string[]>();
  readonly program = new Map<string, string[]>();
  readonly args: string[] = [];

  /** The first of several flags with the same name wins. */
  constructor(call: string, flags: readonly NamedFlag[]) {
    this.#call = call;
    this.#flags = flags;
    for (const each of flags.toReversed()) {
      if (each.flag.suffix !== undefined) continue;
      for (const name of namesOf(each)) this.#byName.set(name, each);
      if (each.flag.alias !== undefined) this.#byAlias.set(each.flag.alias, each);
    }
  }

  parse(tokens: readonly string[]): this {
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i]!;
      if (token === "--") {
        this.args.push(...tokens.slice(i + 1));
        break;
      }
      if (token.startsWith("--")) i += this.#long(token, tokens[i + 1]);
      else if (token.startsWith("-") && token !== "-") i += this.#short(token, tokens[i + 1]);
      else this.args.push(token);
    }
    return this;
  }

  /** Returns the number of following tokens used. */
  #long(token: string, next: string | undefined): number {
    const equals = token.indexOf("=");
    // Kafka's spelling of a setting, log.segment.bytes, is accepted too.
    const name = settingName(token.slice(2, equals === -1 ? undefined : equals));
    const inline = equals === -1 ? undefined : token.slice(equals + 1);
    const named = this.#named(name);
    if (named?.flag.suffix !== undefined) return this.#take(named, inline, next, `${name}=`);
    if (named === undefined) {
      const negated = name.startsWith("no-") ? this.#byName.get(name.slice(3)) : undefined;
      if (negated === undefined || !isBoolean(negated.flag) || inline !== undefined) {
        throw unknownFlag(this.#call, token.split("=")[0]!, this.#flags);
      }
      this.#add(negated, "false");
      return 0;
    }
    return this.#take(named, inline, next);
  }

  #named(name: string): NamedFlag | undefined {
    return this.#byName.get(name) ??
      this.#flags.find((each) => each.flag.suffix !== undefined && isNamed(each, name));
  }

  #short(token: string, next: string | undefined): number {
    for (let i = 1; i < token.length; i++) {
      const named = this.#byAlias.get(token[i]!);
      if (named === undefined) throw unknownFlag(this.#call, `-${token[i]}`, this.#flags);
      if (isBoolean(named.flag)) {
        this.#add(named, "true");
        continue;
      }
      const rest = token.slice(i + 1).replace(/^=/, "");
      return this.#take(named, token.length > i + 1 ? rest : undefined, next);
    }
    return 0;
  }

  #take(
    named: NamedFlag,
    inline: string | undefined,
    next: string | undefined,
    prefix = "",
  ): number {
    if (inline !== undefined || isBoolean(named.flag)) {
      this.#add(named, prefix + (inline ?? "true"));
      return 0;
    }
    if (next === undefined || next === "--" || this.#isFlag(next)) {
      const name = prefix === "" ? named.name : prefix.slice(0, -1);
      const meant = `--${name} ${placeholder(named.flag)}`;
      const hint = next === undefined || next === "--"
        ? ""
        : `; if "${next}" is the value, use --${name}=${next}`;
      throw new UsageError(`Missing value of ${meant}${hint}`);
    }
    this.#add(named, prefix + next);
    return 1;
  }

  /** Whether a token can only be a flag of this command. */
  #isFlag(token: string): boolean {
    if (token.startsWith("--")) {
      return this.#named(settingName(token.slice(2).split("=")[0]!)) !== undefined;
    }
    return token.length === 2 && token.startsWith("-") && this.#byAlias.has(token[1]!);
  }

  #add(named: NamedFlag, text: string): void {
    const texts = PROGRAM_FLAGS.includes(named) ? this.program : this.command;
    const list = texts.get(named.key);
    if (list === undefined) texts.set(named.key, [text]);
    else list.push(text);
  }
}

function unknownFlag(call: string, token: string, known: readonly NamedFlag[]): UsageError {
  const name = token.replace(/^-+/, "");
  const near = token.startsWith("--")
    ? didYouMean(settingName(name), known.map((each) => each.name), "--")
    : "";
  const hint = FLAG_HINTS.get(token) ??
    (/^-\d/.test(token) ? '; if it is not a flag, put "--" before it' : "");
  return new UsageError(`Unknown flag "${token}" of "${call}"${near}${hint}`);
}
