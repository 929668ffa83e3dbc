/**
 * Timeouts that are nearly always called off before they come, all on one timer of the clock: to set
 * one and call it off costs next to nothing. When one does come, all that are set are gone through.
 *
 * @module
 */

import type { Clock } from "./clock.ts";

/** A timeout that was set. */
export interface Timeout {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** Timeouts of one broker. */
export class Timeouts {
  readonly #clock: Clock;
  readonly #set: Set<Timeout> = new Set();
  #timer: number | undefined;
  /** When the timer comes, which may be before anything is due. */
  #timerMs = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `callback` in `delayMs` milliseconds, unless it is called off. */
  set(callback: () => void, delayMs: number): Timeout {
    const timeout = { dueMs: this.#clock.now() + delayMs, callback };
    this.#set.add(timeout);
    if (timeout.dueMs < this.#timerMs) this.#schedule(timeout.dueMs);
    return timeout;
  }

  /** Calls a timeout off. */
  clear(timeout: Timeout): void {
    this.#set.delete(timeout);
  }

  /** Calls all off. */
  close(): void {
    this.#set.clear();
    this.#stop();
  }

  #schedule(dueMs: number): void {
    this.#stop();
    this.#timerMs = dueMs;
    this.#timer = this.#clock.setTimeout(() => this.#come(), dueMs - this.#clock.now());
  }

  #stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerMs = Infinity;
  }

  #come(): void {
    this.#stop();
    const nowMs = this.#clock.now();
    let nextMs = Infinity;
    for (const timeout of [...this.#set]) {
      if (timeout.dueMs > nowMs) {
        nextMs = Math.min(nextMs, timeout.dueMs);
        continue;
      }
      // One that was called back before may have called this one off.
      if (this.#set.delete(timeout)) timeout.callback();
    }
    if (nextMs < this.#timerMs) this.#schedule(nextMs);
  }
}
