/**
 * Injected time and timers, so that tests need not wait.
 *
 * @module
 */

import { afterPoll } from "../../storage/event_loop.ts";

/** Provides the time and timers. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since any time, which nobody sets: for durations. */
  monotonic(): number;
  /**
   * Calls `callback` once after `ms` milliseconds, unless cleared before.
   *
   * @returns The timer's id for `clearTimeout`.
   */
  setTimeout(callback: () => void, ms: number): number;
  /** Cancels a timer. Does nothing if the timer has fired or was cancelled. */
  clearTimeout(id: number): void;
  /** Yields to other work. Long tasks call this between slices. */
  yield(): Promise<void>;
}

/** The longest delay of a timer; JavaScript engines fire longer ones immediately. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The system clock. Timers must be cleared by the code that sets them. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  // Deno 2.9 returns an object, earlier versions the number that the object converts to. Deno also
  // warns about negative delays, which overdue timers have and clients may send.
  setTimeout: (callback, ms) =>
    Number(setTimeout(callback, Math.max(0, Math.min(ms, MAX_DELAY_MS)))),
  clearTimeout: (id) => clearTimeout(id),
  yield: () => new Promise((resolve) => afterPoll(resolve)),
};

interface Timer {
  readonly id: number;
  readonly dueMs: number;
  readonly callback: () => void;
}

/** A manual clock for tests, advanced explicitly. */
export class ManualClock implements Clock {
  /** Milliseconds by which the time was set forward, or back. Timers and `monotonic` do not depend on it. */
  adjustedMs = 0;
  #nowMs: number;
  #nextId = 1;
  readonly #timers: Map<number, Timer> = new Map();

  /**
   * Creates a clock that stands still.
   *
   * @param startMs The initial time in milliseconds since the epoch.
   */
  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
  }

  /** Number of pending timers. */
  get timerCount(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#nowMs + this.adjustedMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  setTimeout(callback: () => void, ms: number): number {
    const id = this.#nextId++;
    this.#timers.set(id, { id, dueMs: this.#nowMs + Math.max(0, ms), callback });
    return id;
  }

  clearTimeout(id: number): void {
    this.#timers.delete(id);
  }

  yield(): Promise<void> {
    return Promise.resolve();
  }

  /** Advances the time and fires the timers that become due, in order. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const timer = this.#next(endMs);
      if (timer === undefined) break;
      this.#timers.delete(timer.id);
      this.#nowMs = timer.dueMs;
      timer.callback();
    }
    this.#nowMs = endMs;
  }

  #next(endMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers.values()) {
      if (timer.dueMs <= endMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}
