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

/** Why a reader of a stream missed records: see the event `gap`. */
export type GapReason = "slow" | "retention" | "truncated";

/** The readers of streams. */
export class StreamCounters {
  /** Readers now, by the form of their stream. */
  readonly readers: Record<"sse" | "websocket", number> = { sse: 0, websocket: 0 };
  /** Records sent to readers, and read for them. */
  records = 0;
  scanned = 0;
  readonly gaps: Record<GapReason, number> = { slow: 0, retention: 0, truncated: 0 };
  /** Streams that were ended or refused, by reason. */
  readonly closed: Record<"slow" | "stalled" | "limit", number> = { slow: 0, stalled: 0, limit: 0 };
  /** Memory of the records that readers share. */
  ringBytes = 0;
  /** Records produced over WebSocket. */
  produced = 0;
}

/** The requests, by route, method and status. */
export class HttpCounters {
  readonly streams: StreamCounters = new StreamCounters();
  /** Consumers of version 2 of the REST API that live in this broker. */
  consumers = 0;
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
