/**
 * Exponential back-off with jitter (KIP-580).
 *
 * @module
 */

/** The factor between consecutive waits. */
const FACTOR = 2;

/** The relative jitter, which keeps clients from retrying in step. */
const JITTER = 0.2;

/**
 * The wait before attempt number `failures + 1`.
 *
 * @param failures The number of consecutive failures, 1 or more.
 * @param initialMs The nominal wait after the first failure.
 * @param maxMs The maximum nominal wait.
 * @param random A number from 0 to 1; injected by tests.
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
