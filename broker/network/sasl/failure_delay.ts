/**
 * Makes clients wait that have failed to authenticate (KIP-306): guessing takes long.
 *
 * @module
 */

import type { Clock } from "../../time/clock.ts";

/** Clients that wait at the same time. Beyond, they need not: waiting would occupy the broker. */
const MAX_WAITING = 1000;

/** Delays the answer to clients that failed to authenticate. */
export class FailureDelay {
  readonly #clock: Clock;
  readonly #delayMs: () => number;
  #waiting = 0;

  /** @param delayMs The delay in milliseconds. */
  constructor(clock: Clock, delayMs: () => number) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  /** Number of clients that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Resolves after the delay, or when the signal is aborted. */
  async wait(signal: AbortSignal): Promise<void> {
    const delayMs = this.#delayMs();
    if (delayMs === 0 || this.#waiting >= MAX_WAITING || signal.aborted) return;
    this.#waiting++;
    await new Promise<void>((resolve) => {
      const end = () => {
        this.#clock.clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = this.#clock.setTimeout(end, delayMs);
      signal.addEventListener("abort", end);
    });
    this.#waiting--;
  }
}
