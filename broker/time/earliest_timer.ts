/**
 * A timer that fires at the earliest of the times it was set for, as of `Clock.monotonic()`: nobody may
 * delay it by setting the clock.
 *
 * @module
 */

import type { Clock } from "./clock.ts";

/** A timer that can be set repeatedly and fires once, at the earliest time. */
export class EarliestTimer {
  readonly #clock: Clock;
  readonly #callback: (nowMs: number) => void;
  #timer: number | undefined;
  #dueMs = Infinity;

  /** @param callback Called with the current time. Later times must then be set again. */
  constructor(clock: Clock, callback: (nowMs: number) => void) {
    this.#clock = clock;
    this.#callback = callback;
  }

  /**
   * Fires at `dueMs`, as of `Clock.monotonic()`, unless an earlier time is set. `Infinity` sets
   * nothing.
   */
  set(dueMs: number): void {
    if (dueMs >= this.#dueMs) return;
    this.cancel();
    this.#dueMs = dueMs;
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#dueMs = Infinity;
      this.#callback(this.#clock.monotonic());
    }, dueMs - this.#clock.monotonic());
  }

  /** Cancels the timer until it is set again. */
  cancel(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#dueMs = Infinity;
  }
}
