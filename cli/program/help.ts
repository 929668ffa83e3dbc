/**
 * Help for the program, a noun or a command, derived from the declarations.
 *
 * @module
 */

import type { Command } from "./command.ts";
import {
  type Argument,
  argumentName,
  isBoolean,
  isList,
  type NamedFlag,
  placeholder,
  type ValueSpec,
  variableName,
} from "./flag.ts";
import { type CommandNode, type Program, PROGRAM_FLAGS } from "./program.ts";
import type { Style } from "../terminal/style.ts";
import { textWidth } from "../terminal/text_width.ts";

const MAX_COLUMNS = 100;
const MIN_COLUMNS = 40;
/** Longer names have their description on the next line. */
const MAX_NAME_WIDTH = 32;
const INDENT = "  ";
/** The words accepted by `aliases.ts`. */
const ALIASES =
  `Names of other tools are accepted too: "ls", "rm", "topics" or "create-topic", and ` +
  `calls such as "kafka-topics --list" after the program's name.`;

/** Layout of the help. */
export interface HelpOptions {
  readonly style: Style;
  /** Columns of the terminal; at most 100 are used. */
  readonly columns: number;
  /** Whether to list rare flags. Default: false. */
  readonly isFull?: boolean;
}

/** A name and its description. */
type Entry = readonly [name: string, doc: string];

/** Returns the help for the node that the words on the command line lead to. */
export function formatHelp(program: Program, node: CommandNode, options: HelpOptions): string {
  const columns = Math.min(MAX_COLUMNS, Math.max(MIN_COLUMNS, options.columns));
  const page = new HelpPage(options.style, columns);
  if (node.command === undefined) describeNode(program, node, page);
  else describeCommand(program, node.command, page, options.isFull === true);
  return page.text();
}

/** Describes the arguments of a command, as the end of a sentence. */
export function argumentUsage(command: Command): string {
  if (command.args.length === 0) return `"${command.name}" takes no arguments`;
  return `"${command.name}" takes ${command.args.map(argumentForm).join(" ")}`;
}

function describeNode(program: Program, node: CommandNode, page: HelpPage): void {
  const isRoot = node.words.length === 0;
  page.paragraph(isRoot ? `${program.name}: ${node.summary}` : node.summary);
  page.usage(`${program.callOf(node.words)} COMMAND [FLAGS]`);
  page.entries(
    "Commands",
    [...node.children].map(([word, child]) => [word, childSummary(child)]),
  );
  const flags = PROGRAM_FLAGS.map(flagEntry);
  if (isRoot) flags.push([`${INDENT}${INDENT}--version`, "Show the version"]);
  page.entries("Flags", flags);
  if (isRoot) page.paragraph(ALIASES);
  page.paragraph(`"${program.callOf(node.words)} COMMAND --help" shows the help of a command.`);
}

function childSummary(child: CommandNode): string {
  if (child.command !== undefined) return child.summary;
  const verbs = [...child.children.keys()].join(", ");
  return child.summary === "" ? verbs : `${child.summary}: ${verbs}`;
}

function describeCommand(
  program: Program,
  command: Command,
  page: HelpPage,
  isFull: boolean,
): void {
  const shown = command.flags.filter(({ flag }) => isFull || flag.isRare !== true);
  page.paragraph(command.summary);
  const args = command.args.map((each) => ` ${argumentForm(each)}`).join("");
  page.usage(
    `${program.callOf(command.words)}${args}${command.flags.length > 0 ? " [FLAGS]" : ""}`,
  );
  for (const paragraph of command.description.split("\n\n")) page.paragraph(paragraph);
  page.entries(
    "Arguments",
    command.args.map((each) => [argumentForm(each), argumentDoc(each[1])]),
  );
  const groups = Map.groupBy(shown, (named) => named.flag.group);
  page.entries("Flags", (groups.get(undefined) ?? []).map(flagEntry));
  for (const [heading, flags] of groups) {
    if (heading !== undefined) page.entries(heading, flags.map(flagEntry));
  }
  const own = new Set(command.flags);
  const programFlags = program.flagsOf(command).filter((named) => !own.has(named));
  page.entries("Program", programFlags.map(flagEntry));
  const hiddenCount = command.flags.length - shown.length;
  if (hiddenCount > 0) {
    page.paragraph(
      `"${program.callOf(command.words)} --help --all" lists ${hiddenCount} more ` +
        `flags, which are rarely needed.`,
    );
  }
  page.examples(command);
  const withVariable = command.flags.filter((named) => named.env !== undefined);
  const example = withVariable.find(({ name }) => name === "brokers") ?? withVariable[0];
  if (example !== undefined) {
    page.paragraph(
      `Flags such as --${example.name} can also be set by a variable, here ${example.env}, or in ` +
        `the config file. The command line overrides the variable, which overrides the file.`,
    );
  }
}

function argumentForm([key, argument]: readonly [key: string, argument: Argument]): string {
  const name = argumentName(key, argument) + (argument.many ? "..." : "");
  return argument.optional ? `[${name}]` : name;
}

function argumentDoc(argument: Argument): string {
  return argument.doc + (hasChoices(argument, "") ? `: ${argument.choices!.join(", ")}` : "");
}

function flagEntry({ name, env, flag }: NamedFlag): Entry {
  const alias = flag.alias === undefined ? INDENT + INDENT : `-${flag.alias}, `;
  const value = isBoolean(flag) ? "" : ` ${placeholder(flag)}`;
  const notes: string[] = [];
  if (hasChoices(flag, value)) notes.push(`one of ${flag.choices!.join(", ")}`);
  if (isList(flag)) notes.push(flag.many ? "repeatable" : `several with "${flag.separator}"`);
  if (flag.required) notes.push("required");
  if (flag.fallback) notes.push(`default ${flag.fallback}`);
  if (flag.default !== undefined && flag.default !== "" && flag.default !== false) {
    notes.push(`default ${[flag.default].flat().join(flag.separator ?? ", ")}`);
  }
  if (flag.isSecret) {
    notes.push(`only as ${env === undefined ? "" : `${env} or `}in the config file`);
  } else if (env !== undefined && env !== variableName(name)) notes.push(`variable ${env}`);
  const tail = notes.length === 0 ? "" : ` (${notes.join("; ")})`;
  const isOn = isBoolean(flag) && String(flag.default ?? flag.fallback) === "true";
  return [`${alias}--${isOn ? "[no-]" : ""}${name}${flag.suffix ?? ""}${value}`, flag.doc + tail];
}

/** Whether there are choices that the placeholder does not show. */
function hasChoices({ choices }: ValueSpec, shown: string): boolean {
  return choices !== undefined && choices.length > 1 && shown.trim() !== choices.join("|");
}

/** Sections of help, separated by blank lines. */
class HelpPage {
  readonly #style: Style;
  readonly #columns: number;
  readonly #sections: string[] = [];

  constructor(style: Style, columns: number) {
    this.#style = style;
    this.#columns = columns;
  }

  text(): string {
    return this.#sections.join("\n");
  }

  usage(line: string): void {
    const [first, ...rest] = wrap(line, this.#columns - "Usage: ".length);
    const lines = [
      `${this.#style.bold("Usage:")} ${first}`,
      ...rest.map((each) => `       ${each}`),
    ];
    this.#sections.push(lines.join("\n") + "\n");
  }

  /** Adds a paragraph, wrapped except for lines that start with a blank. */
  paragraph(text: string): void {
    if (text === "") return;
    const lines: string[] = [];
    for (const [isFixed, block] of blocks(text.split("\n"))) {
      lines.push(...(isFixed ? block : wrap(block.join(" "), this.#columns)));
    }
    this.#sections.push(lines.join("\n") + "\n");
  }

  entries(heading: string, entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const widths = entries.map(([name]) => textWidth(name)).filter((each) =>
      each <= MAX_NAME_WIDTH
    );
    const width = Math.max(8, ...widths);
    const gap = INDENT + " ".repeat(width) + INDENT;
    let section = this.#style.bold(`${heading}:`) + "\n";
    for (const [name, doc] of entries) {
      const lines = wrap(doc, this.#columns - gap.length);
      const isLong = textWidth(name) > width;
      const head = isLong ? name : name + " ".repeat(width - textWidth(name));
      section += `${INDENT}${head}${isLong ? "\n" + gap : INDENT}${lines.join("\n" + gap)}`
        .trimEnd();
      section += "\n";
    }
    this.#sections.push(section);
  }

  examples(command: Command): void {
    if (command.examples.length === 0) return;
    let section = this.#style.bold("Examples:") + "\n";
    for (const { doc, command: line } of command.examples) {
      section += `${INDENT}${this.#style.dim(`# ${doc}`)}\n${INDENT}${line}\n`;
    }
    this.#sections.push(section);
  }
}

/** Groups adjacent lines that start with a blank, and those that do not. */
function blocks(lines: readonly string[]): [isFixed: boolean, lines: string[]][] {
  const all: [boolean, string[]][] = [];
  for (const line of lines) {
    const isFixed = line.startsWith(" ");
    const last = all.at(-1);
    if (last?.[0] === isFixed) last[1].push(line);
    else all.push([isFixed, [line]]);
  }
  return all;
}

/** Splits text at blanks into lines of at most `width` columns. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && textWidth(line) + 1 + textWidth(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
