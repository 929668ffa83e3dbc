/**
 * Kafka's settings are plain numbers with the unit in their name, `retention.ms` and
 * `segment.bytes`; people read and write `7d` and `64MiB`.
 *
 * @module
 */

import { formatBytes, parseBytes } from "./bytes.ts";
import { formatDuration, parseDuration } from "../../client/text/duration.ts";

const WHOLE_NUMBER = /^\s*[+-]?\d+\s*$/;

/**
 * Converts the value of a setting to a plain number if it has a unit; returns anything else
 * unchanged.
 *
 * @throws {SyntaxError} If the value of a size or duration is invalid.
 */
export function withoutUnit(name: string, text: string): string {
  if (WHOLE_NUMBER.test(text)) return text;
  if (name.endsWith(".ms")) return String(parseDuration(text));
  if (name.endsWith(".bytes")) return String(parseBytes(text));
  return text;
}

/** Adds a unit to the plain number of a setting, if the result has exactly the same value. */
export function withUnit(name: string, text: string): string {
  const value = Number(text);
  if (!WHOLE_NUMBER.test(text) || value <= 0) return text;
  if (!Number.isSafeInteger(value)) return "no limit";
  if (name.endsWith(".ms")) return formatDuration(value);
  if (!name.endsWith(".bytes")) return text;
  const short = formatBytes(value).replace(" ", "");
  return parseBytes(short) === value ? short : text;
}
