/**
 * Kafka settings for which this broker accepts a single value: they are described, and any other
 * value is rejected with a reason.
 *
 * @module
 */

import { type Setting, type SettingScope, type SettingType, SettingValueError } from "./setting.ts";
import { brief } from "./unknown_setting.ts";

/** A setting that accepts only its default, and what means the same. `null`: it cannot be set. */
export class FixedSetting implements Setting<string | null> {
  readonly type: SettingType;
  readonly default: string | null;
  readonly doc: string;
  readonly choices = undefined;
  readonly flag = undefined;
  readonly scope: SettingScope;
  /** Why other values are not accepted. */
  readonly reason: string;
  /** Values that name what this broker does anyway. */
  readonly #also: readonly string[];

  constructor(
    reason: string,
    type: SettingType,
    value: string | null,
    doc: string,
    scope: SettingScope = "read-only",
    also: readonly string[] = [],
  ) {
    this.reason = reason;
    this.type = type;
    this.default = value;
    this.doc = doc;
    this.scope = scope;
    this.#also = also;
  }

  /** Passwords are sensitive. */
  get isSensitive(): boolean {
    return this.type === "password";
  }

  /** Parses the default, or what means the same. @throws {SettingValueError} For any other value. */
  parse(text: string): string | null {
    if (this.#also.includes(text.trim())) return text.trim();
    if (canonical(this.type, text) === canonical(this.type, this.default ?? "")) {
      return this.default;
    }
    const value = this.isSensitive ? "a value" : `"${brief(text)}"`;
    const supported = this.default === null || this.default === ""
      ? "it must not be set"
      : `only ${this.default} is`;
    throw new SettingValueError(`${value} is not supported, ${supported}: ${this.reason}`);
  }

  /** Formats a value so that `parse` accepts it. */
  format(value: string | null): string | null {
    return value;
  }
}

/** The arguments of {@linkcode FixedSetting} after the reason. */
export type FixedSettingRow = readonly [
  type: SettingType,
  value: string | null,
  doc: string,
  scope?: SettingScope,
  also?: readonly string[],
];

/** Creates settings that accept a single value for the same reason. */
export function fixedSettings(
  reason: string,
  rows: Readonly<Record<string, FixedSettingRow>>,
): Record<string, FixedSetting> {
  const settings: Record<string, FixedSetting> = {};
  for (const [name, row] of Object.entries(rows)) {
    settings[name] = new FixedSetting(reason, ...row);
  }
  return settings;
}

/** Maps all spellings of a value to the same text. */
function canonical(type: SettingType, text: string): string {
  const trimmed = text.trim();
  switch (type) {
    case "boolean":
      return trimmed.toLowerCase();
    case "list":
      return trimmed.split(",").map((item) => item.trim()).join(",");
    case "short":
    case "int":
    case "long":
      return /^[+-]?\d{1,30}$/.test(trimmed) ? String(BigInt(trimmed.replace("+", ""))) : text;
    case "double":
      return trimmed === "" || Number.isNaN(Number(trimmed)) ? text : String(Number(trimmed));
    default:
      return text;
  }
}
