/**
 * Limits what clients can make a broker log: once a minute for each address.
 *
 * @module
 */

import type { Clock } from "../../time/clock.ts";

const PERIOD_MS = 60_000;
/** Most addresses that are remembered. */
const MAX_HOSTS = 1000;

interface Logged {
  readonly untilMs: number;
  /** Events since that were not logged. */
  skipped: number;
}

/** Decides which events are logged. */
export class OncePerMinute {
  readonly #clock: Clock;
  readonly #logged: Map<string, Logged> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Whether an event of an address is to be logged.
   *
   * @returns The number of its events that were not logged before this one; undefined if this one is not
   * to be logged either.
   */
  mayLog(host: string): number | undefined {
    const nowMs = this.#clock.monotonic();
    const logged = this.#logged.get(host);
    if (logged !== undefined && nowMs < logged.untilMs) {
      logged.skipped++;
      return undefined;
    }
    this.#logged.delete(host);
    if (this.#logged.size >= MAX_HOSTS) this.#logged.delete(this.#logged.keys().next().value!);
    this.#logged.set(host, { untilMs: nowMs + PERIOD_MS, skipped: 0 });
    return logged?.skipped ?? 0;
  }
}
