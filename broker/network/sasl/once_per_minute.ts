/**
 * Limits what clients can make a broker log: once a minute for each address, or a few times.
 *
 * @module
 */

import type { Clock } from "../../time/clock.ts";

const PERIOD_MS = 60_000;
/** Most addresses that are remembered. */
const MAX_HOSTS = 1000;

interface Logged {
  readonly untilMs: number;
  /** Events since that were logged. */
  count: number;
  /** Events since that were not logged. */
  skipped: number;
}

/** Decides which events are logged. */
export class OncePerMinute {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #logged: Map<string, Logged> = new Map();

  /** @param most Events of an address that are logged in a minute. Default: 1. */
  constructor(clock: Clock, most = 1) {
    this.#clock = clock;
    this.#most = most;
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
      if (logged.count < this.#most) {
        logged.count++;
        return 0;
      }
      logged.skipped++;
      return undefined;
    }
    this.#logged.delete(host);
    if (this.#logged.size >= MAX_HOSTS) this.#logged.delete(this.#logged.keys().next().value!);
    this.#logged.set(host, { untilMs: nowMs + PERIOD_MS, count: 1, skipped: 0 });
    return logged?.skipped ?? 0;
  }
}
