/**
 * The config file: settings by the names of flags, and optionally a command.
 *
 *     {
 *       "brokers": ["localhost:9092"],
 *       "timeout": "5s",
 *       "command": { "type": "create-topic", "topic": "my-topic", "partitions": 3 }
 *     }
 *
 * Setting names may use `-`, `_` or `.` between words, or camelCase, and dotted names may be nested
 * objects. Settings of other commands are allowed; settings of no command are not.
 *
 * @module
 */

import type { Command } from "./command.ts";
import { messageOf, UsageError } from "../errors.ts";
import { isList, isNamed, type NamedFlag, settingName } from "./flag.ts";
import { duplicateKey } from "../values/json_keys.ts";
import type { Program } from "./program.ts";
import { didYouMean } from "../../protocol/suggest.ts";

/** A setting in the file: its texts, and its name there. */
export interface FileSetting {
  readonly texts: readonly string[];
  readonly writtenAs: string;
}

/** A parsed config file. */
export interface ConfigFile {
  readonly path: string;
  /** Settings by normalized name. */
  readonly settings: ReadonlyMap<string, FileSetting>;
  /** The command in the file, if there is one. */
  readonly command: FileCommand | undefined;
}

/** The command in a config file. */
interface FileCommand {
  readonly command: Command;
  /** Its arguments. */
  readonly args: readonly string[];
  readonly settings: ReadonlyMap<string, FileSetting>;
}

/** Names that are not settings. */
const RESERVED = ["command"];

/**
 * Parses a config file.
 *
 * @param text The content.
 * @param path The path, for error messages.
 * @throws {UsageError} If it is not a valid config file.
 */
export function parseConfigFile(program: Program, text: string, path: string): ConfigFile {
  const object = parseObject(text, path);
  const settings = new Map<string, FileSetting>();
  for (const [name, value] of Object.entries(object)) {
    if (!RESERVED.includes(name)) collect(settings, name, value, path);
  }
  ensureKnown(settings, program.commands.flatMap((command) => command.flags), path);
  const command = object.command === undefined
    ? undefined
    : parseCommand(program, object.command, settings, path);
  return { path, settings, command };
}

/** The setting for a flag in a file, under any of its names. */
export function settingOf(
  settings: ReadonlyMap<string, FileSetting>,
  named: NamedFlag,
): FileSetting | undefined {
  for (const name of namesInFile(named)) {
    const setting = settings.get(name);
    if (setting !== undefined) return setting;
  }
  return undefined;
}

function parseObject(text: string, path: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text);
    const twice = duplicateKey(text);
    if (twice !== undefined) throw new SyntaxError(`it contains "${twice}" twice`);
    if (isObject(json)) return json;
  } catch (error) {
    const message = `Cannot read config file "${path}": ${messageOf(error)}`;
    throw new UsageError(message, { cause: error });
  }
  throw new UsageError(`Cannot read config file "${path}": it is not a JSON object`);
}

function parseCommand(
  program: Program,
  json: unknown,
  fileSettings: ReadonlyMap<string, FileSetting>,
  path: string,
): FileCommand {
  if (!isObject(json) || typeof json.type !== "string") {
    throw new UsageError(`Cannot read config file "${path}": "command" has no "type"`);
  }
  const { type } = json;
  const name = program.fileCommands[type];
  const command = program.commands.find((each) => each.name === name);
  if (command === undefined) {
    const known = Object.keys(program.fileCommands);
    throw new UsageError(
      `Unknown command type "${type}" in "${path}"${didYouMean(type, known)}; ` +
        `there are ${known.join(", ")}`,
    );
  }
  const own = new Map<string, FileSetting>();
  const args: string[] = [];
  const [firstArgument] = command.args;
  for (const [key, value] of Object.entries(json)) {
    if (key === "type") continue;
    // "topic" also sets the argument "topics", to one value or several, as the argument allows.
    if (firstArgument !== undefined && [key, `${key}s`].includes(firstArgument[0])) {
      args.push(...textsOf(key, value, path));
    } else {
      collect(own, key, value, path, command.flags);
    }
  }
  ensureKnown(own, command.flags, path);
  return { command, args, settings: new Map([...fileSettings, ...own]) };
}

/**
 * Collects a setting; a nested object contains one setting per value, unless a flag takes pairs.
 */
function collect(
  settings: Map<string, FileSetting>,
  writtenAs: string,
  value: unknown,
  path: string,
  flags: readonly NamedFlag[] = [],
): void {
  const name = settingName(writtenAs);
  if (value === null) return;
  const takesPairs = flags.some((each) => isList(each.flag) && namesInFile(each).includes(name));
  if (isObject(value) && !takesPairs) {
    for (const [key, inner] of Object.entries(value)) {
      collect(settings, `${writtenAs}.${key}`, inner, path, flags);
    }
  } else {
    const other = settings.get(name);
    if (other !== undefined) {
      throw new UsageError(
        `Cannot use both "${other.writtenAs}" and "${writtenAs}" in "${path}": they are one setting`,
      );
    }
    settings.set(name, { texts: textsOf(writtenAs, value, path), writtenAs });
  }
}

function textsOf(name: string, value: unknown, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => textsOf(name, each, path));
  if (isObject(value)) {
    return Object.entries(value).map(([key, inner]) => `${key}=${textsOf(name, inner, path)[0]}`);
  }
  if (typeof value === "string") return [value];
  if (typeof value === "number" || typeof value === "boolean") return [String(value)];
  throw new UsageError(`Cannot read "${name}" in "${path}": it is ${JSON.stringify(value)}`);
}

function ensureKnown(
  settings: ReadonlyMap<string, FileSetting>,
  flags: readonly NamedFlag[],
  path: string,
): void {
  const known = new Set(flags.flatMap(namesInFile));
  const open = flags.filter(({ flag }) => flag.suffix !== undefined);
  for (const [name, { writtenAs }] of settings) {
    if (known.has(name) || open.some((named) => isNamed(named, name))) continue;
    const near = didYouMean(writtenAs, Array.from(known, (each) => spelledLike(writtenAs, each)));
    throw new UsageError(`Unknown setting "${writtenAs}" in "${path}"${near}`);
  }
}

/** The name of a setting in the spelling of another: `log.retention.ms`, `logRetentionMs`. */
function spelledLike(model: string, name: string): string {
  if (model.includes(".")) return name.replaceAll("-", ".");
  if (model.includes("_")) return name.replaceAll("-", "_");
  if (/[a-z][A-Z]/.test(model)) {
    return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  }
  return name;
}

function namesInFile(named: NamedFlag): string[] {
  return [named.name, ...(named.flag.fileNames ?? []).map(settingName)];
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
