/**
 * Timeouts that are nearly always called off before they come, all on one timer of the clock: to set
 * one and call it off costs next to nothing. When one does come, all that are set are gone through.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import { EarliestTimer } from "./earliest_timer.ts";

/** A timeout that was set. */
export interface Timeout {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** Timeouts of one broker. */
export class Timeouts {
  readonly #clock: Clock;
  readonly #set: Set<Timeout> = new Set();
  /** May come before anything is due. */
  readonly #timer: EarliestTimer;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#timer = new EarliestTimer(clock, (nowMs) => this.#onTimer(nowMs));
  }

  /** Calls `callback` in `delayMs` milliseconds, unless it is called off. */
  set(callback: () => void, delayMs: number): Timeout {
    const timeout = { dueMs: this.#clock.now() + delayMs, callback };
    this.#set.add(timeout);
    this.#timer.set(timeout.dueMs);
    return timeout;
  }

  /** Calls a timeout off. */
  clear(timeout: Timeout): void {
    this.#set.delete(timeout);
  }

  /** Calls all off. */
  close(): void {
    this.#set.clear();
    this.#timer.cancel();
  }

  #onTimer(nowMs: number): void {
    let nextMs = Infinity;
    for (const timeout of [...this.#set]) {
      if (timeout.dueMs > nowMs) {
        nextMs = Math.min(nextMs, timeout.dueMs);
        continue;
      }
      // One that was called back before may have called this one off.
      if (this.#set.delete(timeout)) timeout.callback();
    }
    this.#timer.set(nextMs);
  }
}
