/**
 * Timers that wait for as long as they are told to.
 *
 * JavaScript's own fire at once where the delay is beyond 2^31 - 1 ms, 24.9 days, `Infinity` included.
 *
 * @module
 */

/** The longest delay that `setTimeout` keeps. */
const LONGEST_MS = 2 ** 31 - 1;

/** Calls back once after any time, or never after `Infinity`, unless it is cleared before. */
export class Timer {
  readonly #callback: () => void;
  #id: ReturnType<typeof setTimeout>;

  /** @param ms Milliseconds; what is overdue, below zero, is called back as soon as possible. */
  constructor(callback: () => void, ms: number) {
    this.#callback = callback;
    this.#id = this.#wait(ms);
  }

  /** Calls back again and again, each time `ms` milliseconds after the last. */
  static every(ms: number, callback: () => void): Timer {
    const timer = new Timer(() => {
      timer.#id = timer.#wait(ms);
      callback();
    }, ms);
    return timer;
  }

  /** Waits in steps that a timer can hold. Also an endless one keeps the process running. */
  #wait(ms: number): ReturnType<typeof setTimeout> {
    if (ms <= LONGEST_MS) return setTimeout(this.#callback, Math.max(0, ms));
    return setTimeout(() => {
      this.#id = this.#wait(ms - LONGEST_MS);
    }, LONGEST_MS);
  }

  /** Calls back no more. Safe to call again, and after it has called back. */
  clear(): void {
    clearTimeout(this.#id);
  }
}

/**
 * A time as requests carry it, which have 32 bits for it: whole milliseconds, rounded up, and 24.9 days
 * for what is longer.
 */
export function requestMs(ms: number): number {
  return Math.min(Math.ceil(ms), LONGEST_MS);
}
