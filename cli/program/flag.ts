/**
 * Flags and arguments of commands, declared as data, and the values their text stands for.
 *
 * A flag declared under the key `ifNotExists` is `--if-not-exists` on the command line,
 * `DQUEUE_IF_NOT_EXISTS` in the environment and `if-not-exists` in the config file. The broker's
 * settings keep Kafka's dotted names as keys: `log.segment.bytes` is `--log-segment-bytes`.
 *
 * @module
 */

import { parseBytes } from "../values/bytes.ts";
import { parseDuration } from "../values/duration.ts";

/** What the text of a value stands for. */
export interface ValueTypes {
  /** The text itself. */
  string: string;
  /** `true`, `yes`, `on`, `1` or their opposites; a flag alone is true, `--no-flag` false. */
  boolean: boolean;
  /** A whole number. */
  integer: number;
  /** Any number. */
  number: number;
  /** Milliseconds, written as `5s` or `1h30m`; only 0 needs no unit. */
  duration: number;
  /** Bytes, written as `10MiB`. */
  bytes: number;
}

/** The name of a type of values. */
export type ValueType = keyof ValueTypes;

/** What flags and arguments have in common. */
export interface ValueSpec {
  /** What it is for, in a few words; the first begins with a capital, no full stop. */
  readonly doc: string;
  /** Default: `string`. */
  readonly type?: ValueType;
  /** What stands for the value in the help, such as `HOST:PORT`. */
  readonly value?: string;
  /** The only texts allowed, unless `parse` says otherwise. */
  readonly choices?: readonly string[];
  /** The least a number may be. Default: 0 for bytes and durations, none for others. */
  readonly min?: number;
  /** The most a number may be. */
  readonly max?: number;
  /** Reads the text in a way of its own; what it throws is shown with the name of the flag. */
  readonly parse?: (text: string, nowMs: number) => unknown;
  /** Whether there may be several; the value is then an array. */
  readonly many?: boolean;
  /** Whether it names a file, which shells can complete. */
  readonly isFile?: boolean;
}

/** A flag of a command. */
export interface Flag extends ValueSpec {
  /** One letter: `b` for `-b`. */
  readonly alias?: string;
  /** What it is unless it is given, written as the user would. */
  readonly default?: string | number | boolean | readonly string[];
  /**
   * What counts where it is not given, for the help, if somebody else fills that in: the value is then
   * undefined, even of a boolean.
   */
  readonly fallback?: string;
  /** Whether the command cannot do without it. */
  readonly required?: boolean;
  /** What stands between several values in one text, such as `,`; the value is then an array. */
  readonly separator?: string;
  /** The name of its environment variable; false for none. Default: derived from its name. */
  readonly env?: string | false;
  /** What other tools call it, in this program's spelling; understood on the command line. */
  readonly otherNames?: readonly string[];
  /** Other names it has in a config file. */
  readonly fileNames?: readonly string[];
  /** Whether the help lists it with `--all` only. */
  readonly isRare?: boolean;
  /** The heading it is listed under in the help. */
  readonly group?: string;
}

/** An argument of a command: what is given by its place. */
export interface Argument extends ValueSpec {
  /** Whether it may be left out. */
  readonly optional?: boolean;
}

/** Flags by key. */
export type Flags = Readonly<Record<string, Flag>>;
/** Arguments by key, in their order; only the last may be `many`. */
export type Arguments = Readonly<Record<string, Argument>>;

type SingleValue<S> = S extends { readonly parse: (...args: never[]) => infer T } ? T
  : S extends { readonly choices: readonly (infer C)[] } ? C
  : S extends { readonly type: infer T extends ValueType } ? ValueTypes[T]
  : string;

type IsSure<F> = F extends { readonly fallback: string } ? false
  : F extends
    { readonly default: unknown } | { readonly required: true } | { readonly type: "boolean" }
    ? true
  : false;

/** The type of a flag's value. */
export type FlagValue<F> = F extends { readonly many: true } | { readonly separator: string }
  ? SingleValue<F>[] | (F extends { readonly fallback: string } ? undefined : never)
  : IsSure<F> extends true ? SingleValue<F>
  : SingleValue<F> | undefined;

/** The type of an argument's value. */
export type ArgumentValue<A> = A extends { readonly many: true } ? SingleValue<A>[]
  : A extends { readonly optional: true } ? SingleValue<A> | undefined
  : SingleValue<A>;

/** Values by the keys of their flags. */
export type FlagValues<F extends Flags> = { -readonly [K in keyof F]: FlagValue<F[K]> };
/** Values by the keys of their arguments. */
export type ArgumentValues<A extends Arguments> = { -readonly [K in keyof A]: ArgumentValue<A[K]> };

/** A flag with its names. */
export interface NamedFlag {
  /** The key it is declared under. */
  readonly key: string;
  /** Its name without the dashes. */
  readonly name: string;
  /** The name of its environment variable; undefined if it has none. */
  readonly env: string | undefined;
  readonly flag: Flag;
}

/** Longer lists of choices stand in the description of a flag and not beside its name. */
const MAX_CHOICES_LENGTH = 16;
const TRUE = ["true", "yes", "on", "1"];
const FALSE = ["false", "no", "off", "0"];

/** Gives flags their names. */
export function nameFlags(flags: Flags): NamedFlag[] {
  return Object.entries(flags).map(([key, flag]) => {
    const name = settingName(key);
    const env = flag.env ?? variableName(name);
    return { key, name, env: env === false ? undefined : env, flag };
  });
}

/** The name of a flag for any way to write it: `brokerAddrs`, `broker_addrs`, `broker.addrs`. */
export function settingName(key: string): string {
  const words = key === key.toLowerCase()
    ? key
    : key.replace(/([a-z0-9])([A-Z])/g, "$1-$2").replace(/([A-Z])([A-Z][a-z])/g, "$1-$2");
  return words.replace(/[._]/g, "-").toLowerCase();
}

/** The variable a flag has unless it declares another. */
export function variableName(name: string): string {
  return `DQUEUE_${name.toUpperCase().replaceAll("-", "_")}`;
}

/** Whether a flag stands alone, without a value behind it. */
export function isBoolean(flag: Flag): boolean {
  return flag.type === "boolean";
}

/** Whether the value of a flag is an array. */
export function isList(flag: Flag): boolean {
  return flag.many === true || flag.separator !== undefined;
}

/** What stands for the value of a flag in the help. */
export function placeholder(flag: Flag): string {
  if (flag.value !== undefined) return flag.value;
  if (flag.choices !== undefined) {
    const choices = flag.choices.join("|");
    return choices.length <= MAX_CHOICES_LENGTH ? choices : "CHOICE";
  }
  switch (flag.type) {
    case "integer":
    case "number":
      return "N";
    case "duration":
      return "DURATION";
    case "bytes":
      return "SIZE";
    default:
      return flag.isFile ? "FILE" : "VALUE";
  }
}

/** What an argument is called in the help. */
export function argumentName(key: string, argument: Argument): string {
  return argument.value ?? settingName(key).toUpperCase();
}

/**
 * Reads a value.
 *
 * @throws {Error} if `text` stands for none; the message says why
 */
export function parseValue(spec: ValueSpec, text: string, nowMs: number): unknown {
  if (spec.parse !== undefined) return spec.parse(text, nowMs);
  if (spec.choices !== undefined && !spec.choices.includes(text)) {
    throw new RangeError(`Cannot read "${text}": expected one of ${spec.choices.join(", ")}`);
  }
  switch (spec.type) {
    case "boolean":
      return parseBoolean(text);
    case "integer":
    case "number":
      return withinBounds(spec, parseNumber(text, spec.type), text);
    case "duration":
      return withinBounds({ min: 0, ...spec }, parseDurationWithUnit(text), text);
    case "bytes":
      return withinBounds({ min: 0, ...spec }, parseBytes(text), text);
    default:
      return text;
  }
}

/** Kafka's settings have their unit in their name; a flag like `--timeout 5` could mean anything. */
function parseDurationWithUnit(text: string): number {
  if (!/^\s*[1-9]\d*\s*$/.test(text)) return parseDuration(text);
  const number = text.trim();
  throw new SyntaxError(`Cannot read "${number}": it has no unit, write ${number}s or ${number}ms`);
}

function parseBoolean(text: string): boolean {
  const word = text.toLowerCase();
  if (TRUE.includes(word)) return true;
  if (FALSE.includes(word)) return false;
  throw new SyntaxError(`Cannot read "${text}": expected true or false`);
}

function parseNumber(text: string, type: "integer" | "number"): number {
  const value = Number(text);
  const isRight = type === "integer"
    ? /^[+-]?\d+$/.test(text) && Number.isSafeInteger(value)
    : /\d/.test(text) && Number.isFinite(value);
  if (isRight) return value;
  const kind = type === "integer" ? "a whole number" : "a number";
  throw new SyntaxError(`Cannot read "${text}": expected ${kind}`);
}

function withinBounds(spec: { min?: number; max?: number }, value: number, text: string): number {
  const { min = -Infinity, max = Infinity } = spec;
  if (value >= min && value <= max) return value;
  const bound = max === Infinity
    ? `at least ${min}`
    : min === -Infinity
    ? `at most ${max}`
    : `between ${min} and ${max}`;
  throw new RangeError(`Cannot use "${text}": it must be ${bound}`);
}
