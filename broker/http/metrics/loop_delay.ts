/**
 * Measures how late timers fire, which tells how long the event loop was busy.
 *
 * @module
 */

import type { Clock } from "../../time/clock.ts";
import { DurationHistogram } from "../../metrics/histogram.ts";

const INTERVAL_MS = 20;
/** How long to measure after the last scrape. */
const ATTENTION_MS = 5 * 60 * 1000;

/** The delay of the event loop, measured while somebody looks. */
export class LoopDelay {
  readonly delays: DurationHistogram = new DurationHistogram();
  readonly #clock: Clock;
  #timer: number | undefined;
  #untilMs = 0;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Measures for the next five minutes. */
  watch(): void {
    this.#untilMs = this.#clock.monotonic() + ATTENTION_MS;
    if (this.#timer === undefined && !this.#isClosed) this.#schedule();
  }

  /** Stops measuring. */
  close(): void {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    const dueMs = this.#clock.monotonic() + INTERVAL_MS;
    this.#timer = this.#clock.setTimeout(() => {
      const nowMs = this.#clock.monotonic();
      this.delays.observe(nowMs - dueMs);
      this.#timer = undefined;
      if (nowMs < this.#untilMs) this.#schedule();
    }, INTERVAL_MS);
  }
}
