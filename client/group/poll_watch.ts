/**
 * Detects a program that no longer asks for messages, so that a hanging program does not keep
 * partitions from other members.
 *
 * @module
 */

import { Timer } from "../connection/timer.ts";

/** The number of checks within the maximum interval. */
const LOOKS = 8;

/** Watches the calls for messages. */
export class PollWatch {
  readonly #maxPollIntervalMs: number;
  readonly #onOverdue: () => void;
  #timer: Timer | undefined;
  #seenCalls = 0;
  #lastCallAt = 0;
  /** The number of calls so far; incremented where calls are served. */
  calls = 0;
  /** The number of calls that wait for messages. */
  waiting = 0;

  /** @param onOverdue Called once when the program has not called for too long. */
  constructor(maxPollIntervalMs: number, onOverdue: () => void) {
    this.#maxPollIntervalMs = maxPollIntervalMs;
    this.#onOverdue = onOverdue;
  }

  /** Starts watching. */
  start(): void {
    this.stop();
    this.#seenCalls = this.calls;
    this.#lastCallAt = performance.now();
    this.#timer = Timer.every(Math.ceil(this.#maxPollIntervalMs / LOOKS), () => this.#look());
  }

  /** Stops watching. */
  stop(): void {
    this.#timer?.clear();
    this.#timer = undefined;
  }

  #look(): void {
    const now = performance.now();
    if (this.waiting > 0 || this.calls !== this.#seenCalls) {
      this.#seenCalls = this.calls;
      this.#lastCallAt = now;
    } else if (now - this.#lastCallAt >= this.#maxPollIntervalMs) {
      this.stop();
      this.#onOverdue();
    }
  }
}
