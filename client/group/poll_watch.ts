/**
 * Detects a program that no longer asks for messages, so that a hanging program does not keep
 * partitions from other members.
 *
 * @module
 */

import { Timer } from "../connection/timer.ts";

/** The number of checks within the maximum interval. */
const LOOKS = 8;

/** Says whether calls for messages are pending. */
export interface PendingCalls {
  readonly isAwaited: boolean;
}

/** Watches the calls for messages. */
export class PollWatch {
  readonly #maxPollIntervalMs: number;
  readonly #calls: PendingCalls;
  readonly #onOverdue: () => void;
  #timer: Timer | undefined;
  #seenCalls = 0;
  #lastCallAt = 0;
  #callCount = 0;

  /** @param onOverdue Called once when the program has not called for too long. */
  constructor(maxPollIntervalMs: number, calls: PendingCalls, onOverdue: () => void) {
    this.#maxPollIntervalMs = maxPollIntervalMs;
    this.#calls = calls;
    this.#onOverdue = onOverdue;
  }

  /** Counts a call for messages. */
  onCall(): void {
    this.#callCount++;
  }

  /** Starts watching. */
  start(): void {
    this.stop();
    this.#seenCalls = this.#callCount;
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
    if (this.#calls.isAwaited || this.#callCount !== this.#seenCalls) {
      this.#seenCalls = this.#callCount;
      this.#lastCallAt = now;
    } else if (now - this.#lastCallAt >= this.#maxPollIntervalMs) {
      this.stop();
      this.#onOverdue();
    }
  }
}
