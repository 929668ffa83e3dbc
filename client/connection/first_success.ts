/**
 * Several ways to the same result, of which the first that works is taken.
 *
 * @module
 */

import { Timer } from "./timer.ts";

/**
 * Starts attempts in order and resolves with the first that succeeds. The next attempt starts when
 * one has failed, or has taken `delayMs`. Later results of other attempts are ignored.
 *
 * @param attempts The attempts, at least one.
 * @param delayMs How long one attempt has for itself, in milliseconds.
 * @param isFinal Returns whether an error ends all attempts.
 * @throws {AggregateError} If all attempts fail; a final error is thrown as it is.
 */
export function firstSuccess<T>(
  attempts: readonly (() => Promise<T>)[],
  delayMs: number,
  isFinal: (error: unknown) => boolean,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const failures: unknown[] = [];
  let started = 0;
  let timer: Timer | undefined;
  const startNext = () => {
    timer?.clear();
    timer = undefined;
    // A timer that was due when it was cleared fires all the same in Deno 2.6.
    if (started === attempts.length) return;
    const attempt = attempts[started++]!;
    if (started < attempts.length) timer = new Timer(startNext, delayMs);
    attempt().then(
      (result) => {
        settle();
        resolve(result);
      },
      fail,
    );
  };
  /** Starts no more attempts. */
  const settle = () => {
    timer?.clear();
    started = attempts.length;
  };
  const fail = (error: unknown) => {
    failures.push(error);
    if (isFinal(error)) {
      settle();
      reject(error);
    } else if (started < attempts.length) startNext();
    else if (failures.length === attempts.length) reject(new AggregateError(failures));
  };
  startNext();
  return promise;
}
