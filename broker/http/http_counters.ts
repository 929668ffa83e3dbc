/**
 * Counts requests to the HTTP port.
 *
 * @module
 */

import { DurationHistogram } from "../metrics/histogram.ts";

/** Requests with one outcome. */
interface Outcome {
  /** The pattern of the route, never a path, of which clients could invent many. */
  readonly route: string;
  readonly method: string;
  readonly status: number;
  count: number;
}

/** The requests, by route, method and status. */
export class HttpCounters {
  readonly #outcomes: Map<string, Outcome> = new Map();
  readonly #durations: Map<string, DurationHistogram> = new Map();

  /** Counts a request. */
  answered(route: string, method: string, status: number, ms: number): void {
    const known = METHODS.has(method) ? method : "other";
    const key = `${route} ${known} ${status}`;
    let outcome = this.#outcomes.get(key);
    if (outcome === undefined) {
      this.#outcomes.set(key, outcome = { route, method: known, status, count: 0 });
    }
    outcome.count++;
    let durations = this.#durations.get(route);
    if (durations === undefined) this.#durations.set(route, durations = new DurationHistogram());
    durations.observe(ms);
  }

  /** All outcomes with their counts. */
  requests(): Iterable<Readonly<Outcome>> {
    return this.#outcomes.values();
  }

  /** Time until the head of the answer, by route. */
  get durations(): ReadonlyMap<string, DurationHistogram> {
    return this.#durations;
  }
}

const METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
]);
