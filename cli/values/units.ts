/**
 * Kafka's settings are bare numbers with the unit in their name, `retention.ms` and `segment.bytes`;
 * people write and read `7d` and `64MiB`.
 *
 * @module
 */

import { formatBytes, parseBytes } from "./bytes.ts";
import { formatDuration, parseDuration } from "./duration.ts";

const WHOLE_NUMBER = /^\s*[+-]?\d+\s*$/;

/**
 * The bare number of a setting whose value may have a unit; anything else is left as it is.
 *
 * @throws {SyntaxError} if the value of a size or duration is neither
 */
export function withoutUnit(name: string, text: string): string {
  if (WHOLE_NUMBER.test(text)) return text;
  if (name.endsWith(".ms")) return String(parseDuration(text));
  if (name.endsWith(".bytes")) return String(parseBytes(text));
  return text;
}

/** A bare number of a setting with its unit, where that says exactly the same. */
export function withUnit(name: string, text: string): string {
  const value = Number(text);
  if (!WHOLE_NUMBER.test(text) || value <= 0) return text;
  if (!Number.isSafeInteger(value)) return "no limit";
  if (name.endsWith(".ms")) return formatDuration(value);
  if (!name.endsWith(".bytes")) return text;
  const short = formatBytes(value).replace(" ", "");
  return parseBytes(short) === value ? short : text;
}
