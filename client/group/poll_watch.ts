/**
 * Watches whether a program still asks for messages, so that one that hangs does not keep partitions from
 * members that could go on.
 *
 * @module
 */

import { Timer } from "../connection/timer.ts";

/** How often to look within the longest time allowed. */
const LOOKS = 8;

/** Watches a program's calls for messages. */
export class PollWatch {
  readonly #maxPollIntervalMs: number;
  readonly #onOverdue: () => void;
  #timer: Timer | undefined;
  #seenCalls = 0;
  #lastCallAt = 0;
  /** How often the program has called; whoever serves a call counts it. */
  calls = 0;
  /** How many of its calls wait for messages. */
  waiting = 0;

  /** @param onOverdue Called once when the program has not called for too long. */
  constructor(maxPollIntervalMs: number, onOverdue: () => void) {
    this.#maxPollIntervalMs = maxPollIntervalMs;
    this.#onOverdue = onOverdue;
  }

  /** Watches from now on. */
  start(): void {
    this.stop();
    this.#seenCalls = this.calls;
    this.#lastCallAt = performance.now();
    this.#timer = Timer.every(Math.ceil(this.#maxPollIntervalMs / LOOKS), () => this.#look());
  }

  /** Watches no longer. */
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
