/**
 * Waiting that can be cut short: every wait of the SDK takes a signal, rejects with its reason, and
 * removes its listener on every path.
 *
 * @module
 */

import { Timer } from "./timer.ts";

/** What everything that waits takes. */
export interface WaitOptions {
  /** Ends the wait; the call then rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
}

/** How to close what still has something to send. */
export interface CloseOptions {
  /**
   * How long to wait for messages on their way, in milliseconds; then they fail. Default: as long as
   * their `deliveryTimeout` allows.
   */
  readonly timeout?: number;
}

/** Resolves after `ms` milliseconds, or rejects with the reason of `signal`. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.clear();
      reject(signal!.reason);
    };
    const timer = new Timer(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/**
 * Waits for `promise`, but no longer than until `signal` is aborted. What the promise does after that
 * is ignored.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    if (signal.aborted) {
      promise.catch(() => {});
      return reject(signal.reason);
    }
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/**
 * Waits for `promise`, but at most `ms` milliseconds; then rejects with what `late` returns.
 */
export function withTimeout<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = new Timer(() => reject(late()), ms);
    promise.then(resolve, reject).finally(() => timer.clear());
  });
}
