/**
 * Timeouts that are usually cancelled before they expire, sharing one timer, so that setting and
 * cancelling one is cheap. When the timer fires, all pending timeouts are checked.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import { EarliestTimer } from "./earliest_timer.ts";

/** A pending timeout. */
export interface Timeout {
  /** As of `Clock.monotonic()`. */
  readonly dueMs: number;
  readonly callback: () => void;
}

/** The timeouts of one broker. */
export class Timeouts {
  readonly #clock: Clock;
  readonly #set: Set<Timeout> = new Set();
  /** May fire before any timeout is due. */
  readonly #timer: EarliestTimer;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#timer = new EarliestTimer(clock, (nowMs) => this.#onTimer(nowMs));
  }

  /** Calls `callback` after `delayMs` milliseconds, unless cancelled. */
  set(callback: () => void, delayMs: number): Timeout {
    const timeout = { dueMs: this.#clock.monotonic() + delayMs, callback };
    this.#set.add(timeout);
    this.#timer.set(timeout.dueMs);
    return timeout;
  }

  /** Cancels a timeout. */
  clear(timeout: Timeout): void {
    this.#set.delete(timeout);
  }

  /** Cancels all timeouts. */
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
      // An earlier callback may have cancelled this timeout.
      if (this.#set.delete(timeout)) timeout.callback();
    }
    this.#timer.set(nextMs);
  }
}
