/**
 * A condition that many can wait for.
 *
 * @module
 */

import { Timer } from "./timer.ts";

/** Wakes all waiters when it is notified. */
export class WakeSignal {
  #waiting = new Set<() => void>();

  /** Wakes all current waiters. */
  notify(): void {
    if (this.#waiting.size === 0) return;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  /**
   * Waits for the next `notify()`.
   *
   * @param ms The maximum wait in milliseconds.
   * @param signal Aborts the wait.
   * @returns Whether it was notified in time.
   */
  wait(ms: number = Infinity, signal?: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      let timer: Timer | undefined;
      const done = () => {
        this.#waiting.delete(wake);
        timer?.clear();
        signal?.removeEventListener("abort", onAbort);
      };
      const wake = () => {
        done();
        resolve(true);
      };
      const onAbort = () => {
        done();
        reject(signal!.reason);
      };
      this.#waiting.add(wake);
      signal?.addEventListener("abort", onAbort);
      if (ms !== Infinity) {
        timer = new Timer(() => {
          done();
          resolve(false);
        }, ms);
      }
    });
  }
}
