/**
 * Settings as data: type, bounds, default and documentation. Flags, environment variables, config
 * file, `DescribeConfigs` and `--help` are derived from them.
 *
 * @module
 */

import { INT64_MAX, INT64_MIN, int64Text } from "../../protocol/primitives/int64.ts";
import { Secret } from "./secret.ts";
import { brief } from "./unknown_setting.ts";

/** Kafka's setting types. */
export type SettingType =
  | "boolean"
  | "string"
  | "int"
  | "short"
  | "long"
  | "double"
  | "list"
  | "class"
  | "password";

/**
 * Where a setting can be changed: only at start, or at run time with `AlterConfigs` on one or all
 * brokers.
 */
export type SettingScope = "read-only" | "cluster-wide";

/** The definition of a setting. */
export interface Setting<T = unknown> {
  /** Kafka's type of the value. */
  readonly type: SettingType;
  /** The value if the setting is not set. */
  readonly default: T;
  /** What the setting does, with its unit. */
  readonly doc: string;
  /** The accepted values, if the setting has a fixed list. */
  readonly choices: readonly string[] | undefined;
  /** The flag without dashes, if it is not the name in kebab case. */
  readonly flag: string | undefined;
  /** Where the setting can be changed. */
  readonly scope: SettingScope;
  /** Whether the value is a secret, which is never disclosed. */
  readonly isSensitive: boolean;
  /** Parses a value. @throws {SettingValueError} If the text is invalid or out of bounds. */
  parse(text: string): T;
  /** Formats a value so that `parse` accepts it; `null` if the setting has no value. */
  format(value: T): string | null;
}

/** The value of each setting of a table, by its name. */
export type SettingValues<T> = {
  readonly [N in keyof T]: T[N] extends Setting<infer V> ? V : never;
};

/** An invalid value of a setting; the message explains why. */
export class SettingValueError extends Error {
  /** The name of the error class. */
  override name = "SettingValueError";
}

/** Options of all settings. */
export interface SettingOptions {
  readonly flag?: string;
  readonly scope?: SettingScope;
  readonly isSensitive?: boolean;
}

interface NumberOptions extends SettingOptions {
  /** The type, if not that of the function. */
  readonly type?: "short";
  readonly min?: number;
  readonly max?: number;
  /** A number within the bounds that is not accepted. */
  readonly not?: number;
}

/** Bounds of int64. Clients send the maximum for "no limit". */
const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);
const MAX_INT32 = 2 ** 31 - 1;

function setting<T>(
  type: SettingType,
  value: T,
  doc: string,
  options: SettingOptions,
  rest: Pick<Setting<T>, "parse" | "format"> & { choices?: readonly string[] },
): Setting<T> {
  return {
    type,
    default: value,
    doc,
    choices: rest.choices,
    flag: options.flag,
    scope: options.scope ?? "read-only",
    isSensitive: options.isSensitive ?? false,
    parse: rest.parse,
    format: rest.format,
  };
}

/** A 32-bit integer. */
export function int(value: number, doc: string, options: NumberOptions = {}): Setting<number> {
  const bounds = { min: -(2 ** 31), max: MAX_INT32, ...options };
  return setting(options.type ?? "int", value, doc, options, {
    parse: (text) => {
      const value = parseNumber(text, options.type ?? "int", bounds.min, bounds.max);
      if (value !== options.not) return value;
      throw new SettingValueError(`Value may not be ${value}`);
    },
    format: String,
  });
}

/** A 64-bit integer; beyond 2^53−1 the nearest number, see `protocol/primitives/int64.ts`. */
export function long(value: number, doc: string, options: NumberOptions = {}): Setting<number> {
  const { min = INT64_MIN, max = INT64_MAX } = options;
  return setting("long", value, doc, options, {
    parse: (text) => parseNumber(text, "long", min, max),
    format: int64Text,
  });
}

/** A floating-point number. */
export function double(
  value: number,
  doc: string,
  options: SettingOptions & { readonly min: number; readonly max: number },
): Setting<number> {
  const { min, max } = options;
  return setting("double", value, doc, options, {
    parse: (text) => {
      const number = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text.trim())
        ? Number(text)
        : NaN;
      if (number >= min && number <= max) return number;
      throw new SettingValueError(`"${brief(text)}" is not a number from ${min} to ${max}`);
    },
    format: String,
  });
}

/** Like {@linkcode int} or {@linkcode long}, but optional. */
export function optionalNumber(
  type: "int" | "long",
  doc: string,
  options: NumberOptions = {},
): Setting<number | null> {
  const some = (type === "int" ? int : long)(0, doc, options);
  return setting<number | null>(type, null, doc, options, {
    parse: some.parse,
    format: (value) => value === null ? null : some.format(value),
  });
}

/** A boolean. */
export function boolean(
  value: boolean,
  doc: string,
  options: SettingOptions = {},
): Setting<boolean> {
  return setting("boolean", value, doc, options, {
    parse: (text) => {
      const lower = text.trim().toLowerCase();
      if (lower !== "true" && lower !== "false") {
        throw new SettingValueError(`"${brief(text)}" is neither true nor false`);
      }
      return lower === "true";
    },
    format: String,
  });
}

/** Throws a {@linkcode SettingValueError} if the text is invalid. */
export type TextCheck = (text: string) => void;

interface TextOptions extends SettingOptions {
  readonly check?: TextCheck;
  /** The reported type, if Kafka accepts a list but this broker a single item. */
  readonly type?: "list";
}

/** A string that passes a check. */
export function string(
  value: string,
  doc: string,
  options: TextOptions = {},
): Setting<string> {
  return setting(options.type ?? "string", value, doc, options, {
    parse: (text) => {
      options.check?.(text);
      return text;
    },
    format: (text) => text,
  });
}

/** Like {@linkcode string}, but optional. */
export function optionalString(
  doc: string,
  options: TextOptions = {},
): Setting<string | null> {
  return setting<string | null>(options.type ?? "string", null, doc, options, {
    parse: string("", doc, options).parse,
    format: (text) => text,
  });
}

/** A password or a key. An empty text is none. */
export function password(doc: string, options: TextOptions = {}): Setting<Secret | null> {
  return setting<Secret | null>("password", null, doc, { ...options, isSensitive: true }, {
    parse: (text) => {
      if (text === "") return null;
      options.check?.(text);
      return new Secret(text);
    },
    format: (secret) => secret?.reveal() ?? null,
  });
}

interface ChoiceOptions extends SettingOptions {
  /** Values of Kafka that this broker does not support, each with an explanation. */
  readonly unsupported?: Readonly<Record<string, string>>;
}

/** One of a fixed list of values. */
export function choice<const C extends string>(
  choices: readonly C[],
  value: NoInfer<C>,
  doc: string,
  options: ChoiceOptions = {},
): Setting<C> {
  return setting<C>("string", value, doc, options, {
    choices,
    parse: (text) => {
      checkChoice(text, choices, options.unsupported);
      return text as C;
    },
    format: (word) => word,
  });
}

interface ListOptions extends ChoiceOptions {
  readonly choices?: readonly string[];
  readonly check?: TextCheck;
  /** Whether the list may be empty. */
  readonly allowEmpty?: boolean;
  /** Normalizes an item, or throws a {@linkcode SettingValueError}. Default: the item as given. */
  readonly read?: (text: string) => string;
}

/** A comma-separated list of strings. */
export function list(
  value: readonly string[],
  doc: string,
  options: ListOptions = {},
): Setting<readonly string[]> {
  return setting<readonly string[]>("list", value, doc, options, {
    ...(options.choices === undefined ? {} : { choices: options.choices }),
    parse: (text) => parseList(text, options),
    format: (items) => items.join(","),
  });
}

/** Like {@linkcode list}, but optional. */
export function optionalList(
  doc: string,
  options: ListOptions = {},
): Setting<readonly string[] | null> {
  return setting<readonly string[] | null>("list", null, doc, options, {
    parse: (text) => parseList(text, options),
    format: (items) => items?.join(",") ?? null,
  });
}

function parseList(text: string, options: ListOptions): readonly string[] {
  const items = text.split(",").map((item) => item.trim()).filter((item) => item !== "");
  if (items.length === 0 && options.allowEmpty !== true) {
    throw new SettingValueError("the list is empty");
  }
  for (const item of items) {
    if (options.choices !== undefined) checkChoice(item, options.choices, options.unsupported);
    options.check?.(item);
  }
  return options.read === undefined ? items : items.map(options.read);
}

function checkChoice(
  text: string,
  choices: readonly string[],
  unsupported: Readonly<Record<string, string>> = {},
): void {
  if (choices.includes(text)) return;
  const reason = Object.hasOwn(unsupported, text) ? `: ${unsupported[text]}` : "";
  throw new SettingValueError(
    reason === ""
      ? `String must be one of: ${choices.join(", ")}`
      : `"${text}" is not supported${reason}`,
  );
}

function parseNumber(text: string, type: SettingType, min: number, max: number): number {
  const trimmed = text.trim();
  if (!/^[+-]?\d{1,30}$/.test(trimmed)) {
    throw new SettingValueError(`Not a number of type ${type.toUpperCase()}`);
  }
  const exact = BigInt(trimmed.replace("+", ""));
  const value = Number(exact);
  if (value < min || exact < MIN_INT64) {
    throw new SettingValueError(`Value must be at least ${int64Text(min)}`);
  }
  if (value > max || exact > MAX_INT64) {
    throw new SettingValueError(`Value must be no more than ${int64Text(max)}`);
  }
  return value;
}
