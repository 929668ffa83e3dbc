/**
 * Time and timers, injected, so that what waits for hours can be tested in microseconds.
 *
 * @module
 */

import { afterPoll } from "../../storage/mod.ts";

/** Tells the time and calls back later. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds since any time, which nobody sets: for durations. */
  monotonic(): number;
  /**
   * Calls `callback` once after `ms` milliseconds, unless cleared before.
   *
   * @returns What `clearTimeout` takes.
   */
  setTimeout(callback: () => void, ms: number): number;
  /** Cancels a callback. One that has run, or was cancelled, is no error. */
  clearTimeout(id: number): void;
  /** Lets whatever else is due run first: long work calls this between its slices. */
  yield(): Promise<void>;
}

/** A timer's longest delay; anything beyond fires at once in every JavaScript engine. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The machine's clock. Whoever sets a timer on it clears it when closed. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  // Deno 2.9 gives an object, earlier versions the number that the object converts to. It also warns
  // of delays below zero, which what is overdue has, and clients may send.
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

/** A clock for tests, which stands still until it is told to advance. */
export class ManualClock implements Clock {
  #nowMs: number;
  #nextId = 1;
  readonly #timers: Map<number, Timer> = new Map();

  /** @param startMs The time it begins at, in milliseconds since 1970. */
  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
  }

  /** Timers that wait. */
  get timerCount(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#nowMs;
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

  /** Moves time on, and calls back all that falls due on the way, in order of their time. */
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
