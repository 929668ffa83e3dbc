/**
 * What clients have pushed about themselves (KIP-714): the last gauges of each client, and sums over all.
 *
 * Its memory is bounded: so many names, so many clients, and a number for each name of each client.
 *
 * @module
 */

import type { PushedMetric } from "./otlp_metrics.ts";

/** Most names of metrics. */
const MAX_NAMES = 400;
/** Most clients; those that pushed last stay. */
const MAX_CLIENTS = 1000;
/** A client that has not pushed for so many intervals has gone. */
const MAX_MISSED = 3;
/** Of what a client says about itself. */
const MAX_TEXT = 100;

/** A client's software, from its ApiVersions request (KIP-511). */
export interface ClientSoftware {
  readonly name: string;
  readonly version: string;
}

/** A client that pushes. */
export interface TelemetryClient {
  readonly instanceId: string;
  readonly clientId: string;
  readonly address: string;
  readonly software: ClientSoftware;
  readonly intervalMs: number;
  /** When it last asked for its subscription, and last pushed, by `Clock.monotonic()`. */
  readonly subscribedMs: number;
  readonly pushedMs: number;
}

interface Client extends TelemetryClient {
  subscribedMs: number;
  pushedMs: number;
  intervalMs: number;
  /** By the index of the name; NaN for what it has not pushed. Undefined before its first push. */
  gauges: Float64Array | undefined;
  cumulative: Float64Array | undefined;
}

/** A metric over all clients. */
export interface ClientMetric {
  readonly name: string;
  /** What all clients have added; undefined if it is a gauge. */
  readonly total: number | undefined;
  /** Of the clients that are there now; undefined if none has it. */
  readonly gauge:
    | { readonly max: number; readonly mean: number; readonly count: number }
    | undefined;
}

const UNKNOWN: ClientSoftware = { name: "unknown", version: "unknown" };

/** Keeps what clients push. */
export class ClientTelemetry {
  readonly #names: Map<string, number> = new Map();
  readonly #totals: Float64Array = new Float64Array(MAX_NAMES).fill(NaN);
  readonly #clients: Map<string, Client> = new Map();
  /** By the signal of the client's connection. */
  readonly #software: WeakMap<AbortSignal, ClientSoftware> = new WeakMap();
  /** Pushes, by whether they were accepted. */
  readonly pushes = { accepted: 0, rejected: 0 };
  /** Metrics left out because there are too many names. */
  dropped = 0;

  /** Notes which software is at the other end of a connection. */
  noteSoftware(connection: AbortSignal, name: string, version: string): void {
    this.#software.set(connection, { name: cut(name), version: cut(version) });
  }

  softwareOf(connection: AbortSignal): ClientSoftware {
    return this.#software.get(connection) ?? UNKNOWN;
  }

  /** The client with an instance id; undefined if it is not known. */
  client(instanceId: string): TelemetryClient | undefined {
    return this.#clients.get(instanceId);
  }

  /** Notes that a client has its subscription. */
  subscribed(client: Omit<TelemetryClient, "pushedMs">): void {
    const known = this.#clients.get(client.instanceId);
    this.#clients.delete(client.instanceId);
    this.#clients.set(client.instanceId, {
      ...client,
      clientId: cut(client.clientId),
      pushedMs: known?.pushedMs ?? -Infinity,
      gauges: known?.gauges,
      cumulative: known?.cumulative,
    });
    for (const id of this.#clients.keys()) {
      if (this.#clients.size <= MAX_CLIENTS) break;
      this.#clients.delete(id);
    }
  }

  /** Takes what a client pushed; it must be known. */
  pushed(
    instanceId: string,
    metrics: readonly PushedMetric[],
    isLast: boolean,
    nowMs: number,
  ): void {
    const client = this.#clients.get(instanceId)!;
    client.pushedMs = nowMs;
    client.gauges ??= new Float64Array(MAX_NAMES).fill(NaN);
    for (const { name, value, kind } of metrics) {
      const index = this.#indexOf(name);
      if (index === undefined) this.dropped++;
      else if (kind === "gauge") client.gauges[index] = value;
      else this.#add(index, kind === "delta" ? value : this.#increase(client, index, value));
    }
    if (isLast) this.#clients.delete(instanceId);
  }

  /** The clients that are there now. */
  clients(nowMs: number): readonly TelemetryClient[] {
    for (const [id, { pushedMs, subscribedMs, intervalMs }] of this.#clients) {
      const lastMs = Math.max(pushedMs, subscribedMs);
      if (nowMs - lastMs > MAX_MISSED * intervalMs) this.#clients.delete(id);
    }
    return [...this.#clients.values()].filter(({ gauges }) => gauges !== undefined);
  }

  /** The last gauges of a client, by name. */
  gaugesOf(instanceId: string): Map<string, number> {
    const gauges = this.#clients.get(instanceId)?.gauges;
    const named = new Map<string, number>();
    for (const [name, index] of this.#names) {
      const value = gauges?.[index] ?? NaN;
      if (!Number.isNaN(value)) named.set(name, value);
    }
    return named;
  }

  /** All metrics, over the clients that are there now. */
  *metrics(nowMs: number): Generator<ClientMetric, void> {
    this.clients(nowMs);
    for (const [name, index] of this.#names) {
      const total = this.#totals[index]!;
      let max = -Infinity;
      let sum = 0;
      let count = 0;
      for (const { gauges } of this.#clients.values()) {
        const value = gauges?.[index] ?? NaN;
        if (Number.isNaN(value)) continue;
        if (value > max) max = value;
        sum += value;
        count++;
      }
      yield {
        name,
        total: Number.isNaN(total) ? undefined : total,
        gauge: count === 0 ? undefined : { max, mean: sum / count, count },
      };
    }
  }

  #indexOf(name: string): number | undefined {
    let index = this.#names.get(name);
    if (index === undefined && this.#names.size < MAX_NAMES) {
      this.#names.set(name, index = this.#names.size);
    }
    return index;
  }

  #add(index: number, value: number): void {
    const before = this.#totals[index]!;
    this.#totals[index] = (Number.isNaN(before) ? 0 : before) + Math.max(0, value);
  }

  /** By how much a sum since the client's start has risen. */
  #increase(client: Client, index: number, value: number): number {
    client.cumulative ??= new Float64Array(MAX_NAMES);
    const before = client.cumulative[index]!;
    client.cumulative[index] = value;
    return value >= before ? value - before : value;
  }
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text;
}
