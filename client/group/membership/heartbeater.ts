/**
 * Sends heartbeats in the background.
 *
 * @module
 */

import { backoffMs } from "../../connection/backoff.ts";
import type { ResolvedClientOptions } from "../../client_options.ts";
import { isRetriable } from "../../errors.ts";
import { Timer } from "../../connection/timer.ts";

/** What a heartbeater sends, and whom it notifies. */
export interface HeartbeaterOptions {
  readonly client: ResolvedClientOptions;
  /** Sends a heartbeat. Returns the time until the next one, in milliseconds. */
  beat(signal: AbortSignal): Promise<number>;
  /** Called when a heartbeat failed and will be retried. */
  onRetry(error: unknown): void;
  /** Called when a heartbeat failed permanently; then it stops. */
  onFailed(error: unknown): void;
}

/** Sends heartbeats until it is stopped, independently of the program. */
export class Heartbeater {
  readonly #options: HeartbeaterOptions;
  #stopping: AbortController | undefined;
  #timer: Timer | undefined;
  #isBeating = false;
  #isDue = false;
  #failures = 0;

  constructor(options: HeartbeaterOptions) {
    this.#options = options;
  }

  /** Schedules the first heartbeat in `ms` milliseconds. */
  start(ms: number): void {
    this.stop();
    this.#stopping = new AbortController();
    this.#failures = 0;
    this.#schedule(ms);
  }

  /** Sends a heartbeat immediately, or after the response to the one in flight. */
  hurry(): void {
    if (this.#stopping === undefined) return;
    if (this.#isBeating) this.#isDue = true;
    else this.#schedule(0);
  }

  /** Stops, and aborts a heartbeat in flight. */
  stop(): void {
    this.#timer?.clear();
    const stopping = this.#stopping;
    this.#stopping = undefined;
    this.#isBeating = false;
    this.#isDue = false;
    stopping?.abort();
  }

  #schedule(ms: number): void {
    this.#timer?.clear();
    this.#timer = new Timer(() => this.#beat(), ms);
  }

  async #beat(): Promise<void> {
    const stopping = this.#stopping!;
    this.#isBeating = true;
    let next: number;
    try {
      next = await this.#options.beat(stopping.signal);
      this.#failures = 0;
    } catch (error) {
      if (this.#stopping !== stopping) return;
      if (!isRetriable(error)) {
        this.stop();
        return this.#options.onFailed(error);
      }
      const { initialBackoffMs, maxBackoffMs } = this.#options.client;
      next = backoffMs(++this.#failures, initialBackoffMs, maxBackoffMs);
      this.#options.onRetry(error);
    }
    if (this.#stopping !== stopping) return;
    this.#isBeating = false;
    this.#schedule(this.#isDue ? 0 : next);
    this.#isDue = false;
  }
}
