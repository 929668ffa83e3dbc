/**
 * Warnings that would flood the log when many things fail in the same way.
 *
 * @module
 */

import type { Logger } from "./logger.ts";
import type { Clock } from "./time/clock.ts";

/** Milliseconds between two warnings. */
const INTERVAL_MS = 30_000;

/** Logs one warning in a while, with the number of those left out before it. */
export class RareWarnings {
  readonly #logger: Pick<Logger, "warn">;
  readonly #clock: Pick<Clock, "monotonic">;
  #nextMs = -Infinity;
  #leftOut = 0;

  constructor(logger: Pick<Logger, "warn">, clock: Pick<Clock, "monotonic">) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** Logs a warning, unless there was one within the last 30 s. */
  warn(message: string, fields: Record<string, unknown>): void {
    const nowMs = this.#clock.monotonic();
    if (nowMs < this.#nextMs) {
      this.#leftOut++;
      return;
    }
    this.#logger.warn(message, this.#leftOut === 0 ? fields : { ...fields, since: this.#leftOut });
    this.#nextMs = nowMs + INTERVAL_MS;
    this.#leftOut = 0;
  }
}
