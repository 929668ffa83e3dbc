/**
 * Timers for durations of any length.
 *
 * JavaScript's own timers fire immediately for delays beyond 2^31 - 1 ms (24.9 days) and for
 * `Infinity`.
 *
 * @module
 */

/** The longest delay that `setTimeout` supports. */
const LONGEST_MS = 2 ** 31 - 1;

/** Calls back once after any delay, or never after `Infinity`, unless it is cleared before. */
export class Timer {
  readonly #callback: () => void;
  #id: ReturnType<typeof setTimeout>;

  /** @param ms The delay in milliseconds; a negative one fires as soon as possible. */
  constructor(callback: () => void, ms: number) {
    this.#callback = callback;
    this.#id = this.#wait(ms);
  }

  /** Calls back repeatedly, every `ms` milliseconds. */
  static every(ms: number, callback: () => void): Timer {
    const timer = new Timer(() => {
      timer.#id = timer.#wait(ms);
      callback();
    }, ms);
    return timer;
  }

  /** Waits in steps that `setTimeout` supports. An infinite timer also keeps the process alive. */
  #wait(ms: number): ReturnType<typeof setTimeout> {
    if (ms <= LONGEST_MS) return setTimeout(this.#callback, Math.max(0, ms));
    return setTimeout(() => {
      this.#id = this.#wait(ms - LONGEST_MS);
    }, LONGEST_MS);
  }

  /** Cancels the timer. Calling it again, or after it has fired, has no effect. */
  clear(): void {
    clearTimeout(this.#id);
  }
}

/**
 * Converts a duration to the int32 of a request: whole milliseconds, rounded up, at most 24.9 days.
 */
export function requestMs(ms: number): number {
  return Math.min(Math.ceil(ms), LONGEST_MS);
}
