/**
 * One timer of the clock for many times: it comes at the earliest that it was set for.
 *
 * @module
 */

import type { Clock } from "./clock.ts";

/** A timer that can be set many times over, and comes once. */
export class EarliestTimer {
  readonly #clock: Clock;
  readonly #callback: (nowMs: number) => void;
  #timer: number | undefined;
  #dueMs = Infinity;

  /** @param callback Called with the time when it comes. What is due later has to be set again then. */
  constructor(clock: Clock, callback: (nowMs: number) => void) {
    this.#clock = clock;
    this.#callback = callback;
  }

  /** Comes at `dueMs`, in the clock's milliseconds, unless it comes earlier already. `Infinity` is never. */
  set(dueMs: number): void {
    if (dueMs >= this.#dueMs) return;
    this.cancel();
    this.#dueMs = dueMs;
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#dueMs = Infinity;
      this.#callback(this.#clock.now());
    }, dueMs - this.#clock.now());
  }

  /** Does not come, unless it is set again. */
  cancel(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#dueMs = Infinity;
  }
}
