/**
 * What a setting is: its type, bounds, default and meaning, as data. Flags, environment variables,
 * the config file, `DescribeConfigs` and `--help` all derive from it.
 *
 * @module
 */

import { INT64_MAX, INT64_MIN, int64Text } from "../../protocol/primitives/int64.ts";
import { brief } from "./unknown_setting.ts";

/** Kafka's types of settings. */
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
 * Where a setting may be changed: at start only, or in the running cluster by `AlterConfigs` on all
 * brokers or on one.
 */
export type SettingScope = "read-only" | "cluster-wide";

/** What makes up a setting. */
export interface Setting<T = unknown> {
  readonly type: SettingType;
  readonly default: T;
  /** What it does, with its unit. */
  readonly doc: string;
  /** The values it may have, if these are few. */
  readonly choices: readonly string[] | undefined;
  /** The flag without its dashes, where that is not the name in kebab case. */
  readonly flag: string | undefined;
  readonly scope: SettingScope;
  /** Whether its value is a secret, which is never shown. */
  readonly isSensitive: boolean;
  /** Reads a value. @throws {SettingValueError} If the text is not a value, or is out of bounds. */
  parse(text: string): T;
  /** Writes a value as `parse` reads it; null if there is none. */
  format(value: T): string | null;
}

/** A text that is not a value of its setting; the message says why. */
export class SettingValueError extends Error {
  override name = "SettingValueError";
}

/** What all kinds of settings can be given. */
export interface SettingOptions {
  readonly flag?: string;
  readonly scope?: SettingScope;
  readonly isSensitive?: boolean;
}

interface NumberOptions extends SettingOptions {
  /** Default: as the function says. */
  readonly type?: "short";
  readonly min?: number;
  readonly max?: number;
  /** A number between them that it may not be. */
  readonly not?: number;
}

/** The ends of Kafka's int64, of which the largest means "no limit", and clients send it. */
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

/** A whole number of 32 bits. */
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

/** A whole number of 64 bits; beyond 2^53-1 the nearest number, see `protocol/primitives/int64.ts`. */
export function long(value: number, doc: string, options: NumberOptions = {}): Setting<number> {
  const { min = INT64_MIN, max = INT64_MAX } = options;
  return setting("long", value, doc, options, {
    parse: (text) => parseNumber(text, "long", min, max),
    format: int64Text,
  });
}

/** A number with a fraction. */
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

/** Like {@linkcode int} or {@linkcode long}, but possibly not set. */
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

/** True or false. */
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

/** Checks a text, and throws a {@linkcode SettingValueError} if it will not do. */
export type TextCheck = (text: string) => void;

interface TextOptions extends SettingOptions {
  readonly check?: TextCheck;
  /** As what it is described, where Kafka has a list and this broker takes one item. */
  readonly type?: "list";
}

/** Any text that passes a check. */
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

/** Like {@linkcode string}, but possibly not set. */
export function optionalString(
  doc: string,
  options: TextOptions = {},
): Setting<string | null> {
  return setting<string | null>(options.type ?? "string", null, doc, options, {
    parse: string("", doc, options).parse,
    format: (text) => text,
  });
}

interface ChoiceOptions extends SettingOptions {
  /** Values that Kafka has and we have not, each with what to tell whoever wants it. */
  readonly unsupported?: Readonly<Record<string, string>>;
}

/** One of a few words. */
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
  /** Reads an item, and throws a {@linkcode SettingValueError} if it is none. Default: as it is. */
  readonly read?: (text: string) => string;
}

/** Texts separated by commas. */
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

/** Like {@linkcode list}, but possibly not set. */
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
