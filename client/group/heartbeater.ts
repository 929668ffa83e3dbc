/**
 * Does something again and again in the background, as a member of a group that tells that it is alive.
 *
 * @module
 */

import { backoffMs } from "../connection/backoff.ts";
import type { ResolvedClientOptions } from "../client_options.ts";
import { isRetriable } from "../errors.ts";
import { Timer } from "../connection/timer.ts";

/** What a heartbeater does and tells. */
export interface HeartbeaterOptions {
  readonly client: ResolvedClientOptions;
  /** Tells that the member is alive. Returns when to do so again, in milliseconds. */
  beat(signal: AbortSignal): Promise<number>;
  /** Told when a beat failed and will be tried again. */
  onRetry(error: unknown): void;
  /** Told when a beat failed for good; there are no more then. */
  onFailed(error: unknown): void;
}

/** Beats until it is stopped, whatever the program does meanwhile. */
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

  /** Beats for the first time after `ms` milliseconds. */
  start(ms: number): void {
    this.stop();
    this.#stopping = new AbortController();
    this.#failures = 0;
    this.#schedule(ms);
  }

  /** Beats at once, or as soon as the beat under way is answered. */
  hurry(): void {
    if (this.#stopping === undefined) return;
    if (this.#isBeating) this.#isDue = true;
    else this.#schedule(0);
  }

  /** Beats no more; what is on its way is given up. */
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
