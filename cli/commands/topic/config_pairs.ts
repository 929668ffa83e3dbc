/**
 * Settings of topics as the command line has them: `retention.ms=7d`.
 *
 * @module
 */

import { withoutUnit } from "../../values/units.ts";

/** A setting and its value. */
export type ConfigPair = readonly [name: string, value: string];

/**
 * Reads `name=value`. Sizes and durations may have units, which Kafka's own settings have not.
 *
 * @throws {SyntaxError} if it is not of that form
 */
export function parseConfigPair(text: string): ConfigPair {
  const equals = text.indexOf("=");
  if (equals <= 0) {
    throw new SyntaxError(`Cannot read "${text}": expected NAME=VALUE, such as retention.ms=7d`);
  }
  const name = text.slice(0, equals).trim();
  return [name, withoutUnit(name, text.slice(equals + 1).trim())];
}
