/**
 * Exponential back-off with jitter (KIP-580): how long to wait before the next try.
 *
 * @module
 */

/** Each wait is this many times the one before. */
const FACTOR = 2;

/** By how much a wait may differ from its nominal length, so that clients do not act in step. */
const JITTER = 0.2;

/**
 * The wait before try number `failures + 1`.
 *
 * @param failures How many tries in a row have failed, 1 or more.
 * @param initialMs The nominal wait after the first failure.
 * @param maxMs The nominal wait that is never exceeded.
 * @param random A number from 0 to 1, for tests.
 * @returns Milliseconds.
 */
export function backoffMs(
  failures: number,
  initialMs: number,
  maxMs: number,
  random: number = Math.random(),
): number {
  const nominal = Math.min(maxMs, initialMs * FACTOR ** (failures - 1));
  return Math.round(nominal * (1 - JITTER + 2 * JITTER * random));
}
