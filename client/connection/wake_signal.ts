/**
 * Wakes whoever waits for news.
 *
 * @module
 */

import { Timer } from "./timer.ts";

/** Lets many wait until one says that there is news. */
export class WakeSignal {
  #waiting = new Set<() => void>();

  /** Wakes all who wait now. */
  notify(): void {
    if (this.#waiting.size === 0) return;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  /**
   * Waits for news.
   *
   * @param ms How long at most.
   * @param signal Rejects the wait with its reason.
   * @returns Whether there was news in time.
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
