/**
 * Settings of Kafka's of which this broker offers one value: they are known and described, and any
 * other value is refused with the reason.
 *
 * @module
 */

import { type Setting, type SettingScope, type SettingType, SettingValueError } from "./setting.ts";
import { brief } from "./unknown_setting.ts";

/** A setting that has its default and nothing else. Null: it cannot be set. */
export class FixedSetting implements Setting<string | null> {
  readonly type: SettingType;
  readonly default: string | null;
  readonly doc: string;
  readonly choices = undefined;
  readonly flag = undefined;
  readonly scope: SettingScope;
  /** Why there is no other value. */
  readonly reason: string;

  constructor(
    reason: string,
    type: SettingType,
    value: string | null,
    doc: string,
    scope: SettingScope = "read-only",
  ) {
    this.reason = reason;
    this.type = type;
    this.default = value;
    this.doc = doc;
    this.scope = scope;
  }

  /** Passwords are. */
  get isSensitive(): boolean {
    return this.type === "password";
  }

  /** Reads the default. @throws {SettingValueError} If the text is another value. */
  parse(text: string): string | null {
    if (canonical(this.type, text) === canonical(this.type, this.default ?? "")) {
      return this.default;
    }
    const value = this.isSensitive ? "a value" : `"${brief(text)}"`;
    const supported = this.default === null || this.default === ""
      ? "it has to stay unset"
      : `only ${this.default} is`;
    throw new SettingValueError(`${value} is not supported, ${supported}: ${this.reason}`);
  }

  /** Writes a value as `parse` reads it. */
  format(value: string | null): string | null {
    return value;
  }
}

/** What {@linkcode FixedSetting} takes after the reason. */
export type FixedSettingRow = readonly [
  type: SettingType,
  value: string | null,
  doc: string,
  scope?: SettingScope,
];

/** Settings that have one value for the same reason. */
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

/** The same text for all texts of a value. */
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
