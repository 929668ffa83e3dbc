/**
 * An end to waiting for what a broken program would never do.
 *
 * @module
 */

/** What most waits in tests are given: far more than a slow machine needs. */
const DEFAULT_LIMIT_MS = 60_000;

/** Something did not come in time. */
export class OverdueError extends Error {
  override name = "OverdueError";
}

/**
 * Waits for `promise`. The limit is no part of what is tested: it only turns a test that hangs into one
 * that fails.
 *
 * @param what What is waited for, for the message.
 * @throws {OverdueError} If it does not come.
 */
export async function within<T>(
  promise: Promise<T>,
  what: string,
  limitMs: number = DEFAULT_LIMIT_MS,
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
