/**
 * A limit on waiting, so that a test fails instead of hanging.
 *
 * @module
 */

/** The limit of most waits in tests: far more than a slow machine needs. */
export const WAIT_LIMIT_MS = 60_000;

/** Thrown when a wait exceeds its limit. */
export class OverdueError extends Error {
  override name = "OverdueError";
}

/**
 * Waits for `promise`. The limit is not part of what is tested: it makes a hanging test fail.
 *
 * @param what What the test waits for, for the message.
 * @throws {OverdueError} If the promise does not settle in time.
 */
export async function within<T>(
  promise: Promise<T>,
  what: string,
  limitMs: number = WAIT_LIMIT_MS,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new OverdueError(`Waited ${limitMs} ms in vain for ${what}`)),
    limitMs,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
