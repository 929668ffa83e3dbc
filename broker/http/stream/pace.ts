/**
 * Limits the records that a stream sends in a second.
 *
 * @module
 */

import type { Clock } from "../../time/clock.ts";
import { pause } from "../../time/pause.ts";

/** Portions in a second, if the rate allows. */
const PORTIONS = 20;

/** The pace of one stream. */
export class Pace {
  readonly #msPerRecord: number;
  readonly #clock: Clock;
  /** When the next record may be sent. */
  #nextMs: number;
  /** Most records to send together. */
  readonly portion: number;

  /** @param rate Most records in a second. */
  constructor(rate: number, clock: Clock) {
    this.portion = Math.ceil(rate / PORTIONS);
    this.#msPerRecord = 1000 / rate;
    this.#clock = clock;
    this.#nextMs = clock.monotonic();
  }

  /** Waits until `count` records may be sent. Time in which none were sent is not made up for. */
  async wait(count: number, signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonic();
    const startMs = Math.max(nowMs, this.#nextMs);
    this.#nextMs = startMs + count * this.#msPerRecord;
    if (startMs > nowMs) await pause(this.#clock, startMs - nowMs, signal);
  }
}
