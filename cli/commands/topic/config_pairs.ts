/**
 * Settings of topics on the command line: `retention.ms=7d`.
 *
 * @module
 */

import { withoutUnit } from "../../values/units.ts";

/** Name and value of a setting. */
type ConfigPair = readonly [name: string, value: string];

/**
 * Parses `name=value`. Sizes and durations may have units, unlike in Kafka.
 *
 * @throws {SyntaxError} If it does not have that form.
 */
export function parseConfigPair(text: string): ConfigPair {
  const equals = text.indexOf("=");
  if (equals <= 0) {
    throw new SyntaxError(`Cannot read "${text}": expected NAME=VALUE, such as retention.ms=7d`);
  }
  const name = text.slice(0, equals).trim();
  return [name, withoutUnit(name, text.slice(equals + 1).trim())];
}
