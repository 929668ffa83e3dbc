/**
 * Flags and arguments of commands, declared as data, and the parsing of their values.
 *
 * A flag declared under the key `ifNotExists` is `--if-not-exists` on the command line,
 * `DQUEUE_IF_NOT_EXISTS` in the environment and `if-not-exists` in the config file. The broker's
 * settings keep Kafka's dotted names as keys: `log.segment.bytes` is `--log-segment-bytes`.
 *
 * @module
 */

import { parseBytes } from "../values/bytes.ts";
import { parseDuration } from "../../client/text/duration.ts";

/** Types of values. */
interface ValueTypes {
  /** The text itself. */
  string: string;
  /**
   * `true`, `yes`, `on`, `1` or their opposites; a flag without value is true, `--no-flag` false.
   */
  boolean: boolean;
  /** An integer. */
  integer: number;
  /** Any number. */
  number: number;
  /** Milliseconds, written as `5s` or `1h30m`; only 0 needs no unit. */
  duration: number;
  /** Bytes, written as `10MiB`. */
  bytes: number;
}

/** Name of a value type. */
export type ValueType = keyof ValueTypes;

/** Properties shared by flags and arguments. */
export interface ValueSpec {
  /** Purpose in a few words; starts with a capital, no full stop. */
  readonly doc: string;
  /** Default: `string`. */
  readonly type?: ValueType;
  /** Placeholder of the value in the help, such as `HOST:PORT`. */
  readonly value?: string;
  /** The allowed texts, unless `parse` is given. */
  readonly choices?: readonly string[];
  /** Minimum of a number. Default: 0 for bytes and durations, none for others. */
  readonly min?: number;
  /** Maximum of a number. */
  readonly max?: number;
  /** Custom parser; its error is shown with the name of the flag. */
  readonly parse?: (text: string, nowMs: number) => unknown;
  /** Whether several are allowed; the value is then an array. */
  readonly many?: boolean;
  /** Whether it is a file name, which shells can complete. */
  readonly isFile?: boolean;
  /**
   * A command of this program that prints a table with the possible values in its first column, which shells
   * run to complete. It must not need a broker.
   */
  readonly namesFrom?: string;
}

/** A flag of a command. */
export interface Flag extends ValueSpec {
  /** One letter: `b` for `-b`. */
  readonly alias?: string;
  /** Default value, as the user would write it. */
  readonly default?: string | number | boolean | readonly string[];
  /**
   * Description of the default for the help, if it is determined elsewhere: the value is then
   * undefined, even for a boolean.
   */
  readonly fallback?: string;
  /** Whether the flag is required. */
  readonly required?: boolean;
  /**
   * What follows its name, for the help, such as `-NAME-SETTING`: the flag stands for all whose names
   * begin like that, in all sources, and its values are texts `name=value`. Such a flag is `many`.
   */
  readonly suffix?: string;
  /** Separator of several values in one text, such as `,`; the value is then an array. */
  readonly separator?: string;
  /** Name of the environment variable; false for none. Default: derived from the name. */
  readonly env?: string | false;
  /**
   * Key of a flag that says the same in another way. Given on the command line, that one overrides this one
   * in a variable or the config file.
   */
  readonly insteadOf?: string;
  /** Names in other tools, in this program's spelling; accepted on the command line. */
  readonly otherNames?: readonly string[];
  /** Further names in a config file. */
  readonly fileNames?: readonly string[];
  /**
   * Whether it is a password or a key: then it is taken from the variable or the config file, and not
   * from the command line, which others can see.
   */
  readonly isSecret?: boolean;
  /** With `suffix`: whether the flag with a name is a password or a key. */
  readonly isSecretName?: (name: string) => boolean;
  /** Whether the help lists it only with `--all`. */
  readonly isRare?: boolean;
  /** Heading in the help. */
  readonly group?: string;
}

/** A positional argument of a command. */
export interface Argument extends ValueSpec {
  /** Whether it is optional. */
  readonly optional?: boolean;
}

/** Flags by key. */
export type Flags = Readonly<Record<string, Flag>>;
/** Arguments by key, in order; only the last may be `many`. */
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

/** Type of a flag's value. */
type FlagValue<F> = F extends { readonly many: true } | { readonly separator: string }
  ? SingleValue<F>[] | (F extends { readonly fallback: string } ? undefined : never)
  : IsSure<F> extends true ? SingleValue<F>
  : SingleValue<F> | undefined;

/** Type of an argument's value. */
type ArgumentValue<A> = A extends { readonly many: true } ? SingleValue<A>[]
  : A extends { readonly optional: true } ? SingleValue<A> | undefined
  : SingleValue<A>;

/** Values of flags by key. */
export type FlagValues<F extends Flags> = { -readonly [K in keyof F]: FlagValue<F[K]> };
/** Values of arguments by key. */
export type ArgumentValues<A extends Arguments> = { -readonly [K in keyof A]: ArgumentValue<A[K]> };

/** A flag with its names. */
export interface NamedFlag {
  /** Key of the declaration. */
  readonly key: string;
  /** Name without the dashes. */
  readonly name: string;
  /** Name of the environment variable; undefined if there is none. */
  readonly env: string | undefined;
  readonly flag: Flag;
}

/** Longer lists of choices are part of the description, not of the placeholder. */
const MAX_CHOICES_LENGTH = 16;
const TRUE = ["true", "yes", "on", "1"];
const FALSE = ["false", "no", "off", "0"];

/** Assigns names to flags. */
export function nameFlags(flags: Flags): NamedFlag[] {
  return Object.entries(flags).map(([key, flag]) => {
    const name = settingName(key);
    const env = flag.env ?? variableName(name);
    return { key, name, env: env === false ? undefined : env, flag };
  });
}

/** Normalizes any spelling of a flag's name: `brokerAddrs`, `broker_addrs`, `broker.addrs`. */
export function settingName(key: string): string {
  const words = key === key.toLowerCase()
    ? key
    : key.replace(/([a-z0-9])([A-Z])/g, "$1-$2").replace(/([A-Z])([A-Z][a-z])/g, "$1-$2");
  return words.replace(/[._]/g, "-").toLowerCase();
}

/** Default environment variable of a flag. */
export function variableName(name: string): string {
  return `DQUEUE_${name.toUpperCase().replaceAll("-", "_")}`;
}

/** The variables of a flag, one for each of its names; none if it has no variable. */
export function variablesOf({ env, flag }: NamedFlag): readonly string[] {
  return env === undefined ? [] : [env, ...(flag.otherNames ?? []).map(variableName)];
}

/** Whether a name is that of a flag, or of one that it stands for. */
export function isNamed({ name: own, flag }: NamedFlag, name: string): boolean {
  if (flag.suffix !== undefined) return name.startsWith(`${own}-`);
  return own === name || flag.otherNames?.includes(name) === true;
}

/** Whether a flag has no value. */
export function isBoolean(flag: Flag): boolean {
  return flag.type === "boolean";
}

/** Whether the value of a flag is an array. */
export function isList(flag: Flag): boolean {
  return flag.many === true || flag.separator !== undefined;
}

/** Placeholder for the value of a flag in the help. */
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

/** Name of an argument in the help. */
export function argumentName(key: string, argument: Argument): string {
  return argument.value ?? settingName(key).toUpperCase();
}

/**
 * Parses a value.
 *
 * @throws {Error} If `text` is not a valid value; the message says why.
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

/** Kafka's settings have their unit in their name, but `--timeout 5` would be ambiguous. */
function parseDurationWithUnit(text: string): number {
  if (!/^\s*[1-9]\d*\s*$/.test(text)) return parseDuration(text);
  const number = text.trim();
  throw new SyntaxError(`Cannot read "${number}": it has no unit, use ${number}s or ${number}ms`);
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
