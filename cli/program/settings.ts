/**
 * Resolves the values of a command: the command line overrides the variable, the variable the
 * config file, and the file the default.
 *
 * @module
 */

import type { Command, UntypedInvocation } from "./command.ts";
import { type FileSetting, settingOf } from "./config_file.ts";
import { messageOf, UsageError } from "../errors.ts";
import {
  argumentName,
  isBoolean,
  isList,
  isNamed,
  type NamedFlag,
  parseValue,
  placeholder,
  variableName,
  variablesOf,
} from "./flag.ts";
import type { ValueSpec } from "./flag.ts";
import { argumentUsage } from "./help.ts";

/** Prefix of variables. */
const PREFIX = "DQUEUE_";

/** Sources of values other than the declaration. */
export interface Sources {
  /** Texts on the command line by key of the flag. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  /** Arguments on the command line. */
  readonly args: readonly string[];
  /** Returns the value of an environment variable. */
  env(name: string): string | undefined;
  /** Names of all environment variables. */
  envNames(): readonly string[];
  /** The config file and its settings, if there is one. */
  readonly file?: { path: string; settings: ReadonlyMap<string, FileSetting> } | undefined;
  /** The time that durations are relative to, in milliseconds since the epoch. */
  readonly nowMs: number;
}

/** Texts, and a description of where they come from. */
interface Found {
  readonly texts: readonly string[];
  readonly where: string;
}

/**
 * Resolves the arguments and flags of a command.
 *
 * @throws {UsageError} If a value is missing or invalid; the message names its source.
 */
export function resolveInvocation(command: Command, sources: Sources): UntypedInvocation {
  const flags: Record<string, unknown> = {};
  for (const named of command.flags) flags[named.key] = flagValue(named, sources);
  return { flags, args: argumentValues(command, sources) };
}

function flagValue(named: NamedFlag, sources: Sources): unknown {
  const { flag } = named;
  const found = findTexts(named, sources);
  if (found === undefined) {
    if (flag.required) throw missingFlag(named);
    if (flag.fallback !== undefined) return undefined;
    if (isList(flag)) return [];
    return flag.type === "boolean" ? false : undefined;
  }
  ensureSingle(named, found);
  const texts = flag.separator === undefined ? found.texts : split(found, flag.separator);
  const values = texts.map((text) => readValue(flag, text, found.where, sources.nowMs));
  return isList(flag) ? values : values.at(-1);
}

/**
 * The last of several booleans wins, as in other programs; for other values the intended one is
 * unknown.
 *
 * @throws {UsageError} If there are several values for a flag that takes one.
 */
function ensureSingle({ flag }: NamedFlag, { texts, where }: Found): void {
  if (isList(flag) || isBoolean(flag) || texts.length === 1) return;
  const found = flag.isSecret ? "" : `, found "${texts.join('", "')}"`;
  throw new UsageError(`Cannot use ${where} with ${texts.length} values: it takes one${found}`);
}

function findTexts(named: NamedFlag, sources: Sources): Found | undefined {
  if (named.flag.suffix !== undefined) return findAll(named, sources);
  const given = sources.flags.get(named.key);
  if (given !== undefined) {
    if (named.flag.isSecret) throw exposedSecret(named);
    return { texts: given, where: `--${named.name}` };
  }
  const { insteadOf } = named.flag;
  if (insteadOf !== undefined && sources.flags.has(insteadOf)) return undefined;
  // An empty variable is unset: shells can do that for a single command.
  const variable = findVariable(named, sources);
  if (variable !== undefined) return variable;
  const setting = sources.file && settingOf(sources.file.settings, named);
  if (setting) {
    return { texts: setting.texts, where: `"${setting.writtenAs}" in "${sources.file!.path}"` };
  }
  const fallback = named.flag.default;
  if (fallback === undefined) return undefined;
  const texts = Array.isArray(fallback) ? fallback : [String(fallback)];
  return { texts, where: `the default of --${named.name}` };
}

function findVariable(named: NamedFlag, { env }: Sources): Found | undefined {
  const [first, ...others] = variablesOf(named).filter((name) => env(name));
  if (first === undefined) return undefined;
  const text = env(first)!;
  const other = others.find((name) => env(name) !== text);
  if (other === undefined) return { texts: [text], where: first };
  throw new UsageError(
    `Cannot use ${first} with ${other}: they are the same setting and have different values; remove one`,
  );
}

/** Texts `name=value` of all flags that a flag stands for; the last one of a name counts. */
function findAll(named: NamedFlag, { flags, env, envNames, file }: Sources): Found | undefined {
  const { name, flag } = named;
  const prefix = `${variableName(name)}_`;
  const ofFile = [...file?.settings ?? []].filter(([each]) => isNamed(named, each))
    .flatMap(([each, { texts }]) => `${each}=${texts.join(",")}`);
  const ofVariables = envNames().filter((each) => each.startsWith(prefix) && env(each)).map((
    each,
  ) => `${each.slice(PREFIX.length).toLowerCase().replaceAll("_", "-")}=${env(each)}`);
  const given = flags.get(named.key) ?? [];
  for (const text of given) {
    const [each] = text.split("=", 1);
    if (flag.isSecretName?.(each!)) throw exposedSecret({ name: each!, env: variableName(each!) });
  }
  const texts = [...ofFile, ...ofVariables, ...given];
  return texts.length === 0 ? undefined : { texts, where: `--${name}${flag.suffix}` };
}

/** The list of processes, the shell's history and logs show command lines. */
function exposedSecret({ name, env }: Pick<NamedFlag, "name" | "env">): UsageError {
  const variable = env === undefined ? "" : `set ${env} or `;
  return new UsageError(
    `Cannot take --${name} from the command line, where others can see it: ${variable}` +
      `put "${name}" in the config file`,
  );
}

function split(found: Found, separator: string): string[] {
  const items = found.texts.flatMap((text) => text.split(separator)).map((item) => item.trim());
  if (!items.includes("")) return items;
  throw new UsageError(`Invalid ${found.where}: an item of the list is empty`);
}

function argumentValues(command: Command, { args, nowMs }: Sources): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  let used = 0;
  for (const [key, argument] of command.args) {
    const name = argumentName(key, argument);
    const texts = argument.many ? args.slice(used) : args.slice(used, used + 1);
    used += texts.length;
    if (texts.length === 0 && !argument.optional) {
      throw new UsageError(`Missing ${name}: ${argumentUsage(command)}`);
    }
    const read = texts.map((text) => readValue(argument, text, name, nowMs));
    values[key] = argument.many ? read : read[0];
  }
  if (used < args.length) {
    throw new UsageError(`Unexpected argument "${args[used]}": ${argumentUsage(command)}`);
  }
  return values;
}

function readValue(spec: ValueSpec, text: string, where: string, nowMs: number): unknown {
  try {
    return parseValue(spec, text, nowMs);
  } catch (error) {
    const message = messageOf(error);
    throw new UsageError(`Invalid ${where}: ${message[0]?.toLowerCase()}${message.slice(1)}`, {
      cause: error,
    });
  }
}

function missingFlag(named: NamedFlag): UsageError {
  const variable = named.env === undefined ? "" : `, set ${named.env}`;
  const value = placeholder(named.flag);
  return new UsageError(
    `Missing --${named.name}: use --${named.name} ${value}${variable} or put "${named.name}" in ` +
      `the config file`,
  );
}
