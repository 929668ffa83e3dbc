/**
 * Checks of the values of options.
 *
 * @module
 */

import { UsageError } from "./errors.ts";

/**
 * Checks a numeric option.
 *
 * @throws {UsageError} If it is not a number, or less than `min`.
 */
export function atLeast(name: string, value: number, min: number): number {
  if (typeof value !== "number" || Number.isNaN(value) || value < min) {
    throw new UsageError(`Cannot use ${name} of ${value}: it must be at least ${min}`);
  }
  return value;
}

/**
 * Checks an option with a fixed set of values.
 *
 * @throws {UsageError} If it is not one of `choices`.
 */
export function oneOf<T extends string | number>(
  name: string,
  value: T,
  choices: readonly T[],
): T {
  if (!choices.includes(value)) {
    throw new UsageError(
      `Cannot use ${name} of "${value}": it must be one of ${choices.join(", ")}`,
    );
  }
  return value;
}
