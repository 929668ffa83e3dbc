/**
 * Abortable waits: each takes a signal, rejects with its reason, and removes its listener on every
 * path.
 *
 * @module
 */

import { Timer } from "./timer.ts";

/** Options of a wait. */
export interface WaitOptions {
  /** Aborts the wait; the call then rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of closing a producer, consumer or client. */
export interface CloseOptions {
  /**
   * How long to wait for queued messages, in milliseconds; after that they fail. Default: limited
   * by their `deliveryTimeoutMs`.
   */
  readonly timeoutMs?: number;
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
 * Waits for `promise` until `signal` is aborted. The outcome of the promise after that is ignored.
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
 * Waits for `promise` for at most `ms` milliseconds; then rejects with the error that `late`
 * returns.
 */
export function withTimeout<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = new Timer(() => reject(late()), ms);
    promise.then(resolve, reject).finally(() => timer.clear());
  });
}
