/**
 * Limits the connections of all listeners and of each: how many are open (`max.connections`), and how many
 * are accepted in a second (`max.connection.creation.rate`, KIP-612).
 *
 * Clients must not keep brokers out. If brokers have a listener of their own, a tenth of the connections is
 * reserved for it. It may also have more than are left: only its own limits hold it, as in Kafka.
 *
 * @module
 */

import type { BrokerContext } from "../handler.ts";
import { TokenBucket } from "../security/quotas/token_bucket.ts";
import type { ListenerIdentity } from "../security/session.ts";
import { UNLIMITED } from "../settings/connection_settings.ts";

/** A listener whose connections are limited. */
export interface LimitedListener extends ListenerIdentity {
  /** Whether brokers reach each other by it. Default: false. */
  readonly isInterBroker?: boolean;
}

/** Whose limit is reached. */
export type ReachedLimit = "listener" | "broker";

/** The part of `max.connections` that is reserved for brokers. */
const RESERVED_PART = 0.1;
const RATE_BURST_MS = 1000;

/** The connections of a server by listener. */
export class ListenerLimits {
  readonly #broker: Pick<BrokerContext, "config" | "clock">;
  /** Names of the listeners of open connections. */
  readonly #listeners: Map<object, string> = new Map();
  readonly #counts: Map<string, number> = new Map();
  readonly #rates: Map<string, TokenBucket> = new Map();
  #rate: TokenBucket | undefined;
  #reserved: string | undefined;

  constructor(broker: Pick<BrokerContext, "config" | "clock">) {
    this.#broker = broker;
  }

  /** Number of open connections. */
  get count(): number {
    return this.#listeners.size;
  }

  /** Sets the listeners that there are. */
  use(listeners: readonly LimitedListener[]): void {
    const [interBroker] = listeners.filter(({ isInterBroker }) => isInterBroker);
    const isAlone = listeners.every(({ name }) => name === interBroker?.name);
    this.#reserved = isAlone ? undefined : interBroker?.name;
  }

  /** Whether brokers have a listener of their own. */
  get hasReserved(): boolean {
    return this.#reserved !== undefined;
  }

  /** Whether this is the listener that brokers have of their own. */
  isReserved({ name }: LimitedListener): boolean {
    return name === this.#reserved;
  }

  /**
   * The limit that leaves no room for another connection of a listener; undefined if there is room.
   *
   * The broker's limit does not hold the listener that brokers have of their own, but clients that are not
   * known yet make room for it.
   */
  reached(listener: LimitedListener): ReachedLimit | undefined {
    const { config } = this.#broker;
    const { name } = listener;
    const own = config.ofListener(name).own("max.connections");
    if (own !== undefined && this.#countOf(name) >= own) return "listener";
    const max = config.get("max.connections");
    if (this.count >= max) return "broker";
    if (this.#reserved === undefined || this.isReserved(listener)) return undefined;
    const ofClients = max - Math.min(Math.ceil(max * RESERVED_PART), max - 1);
    return this.count - this.#countOf(this.#reserved) >= ofClients ? "broker" : undefined;
  }

  /** Counts a connection. */
  enter(socket: object, { name }: LimitedListener): void {
    this.#listeners.set(socket, name);
    this.#counts.set(name, this.#countOf(name) + 1);
  }

  /** Notes that a connection has ended. Can be called twice. */
  leave(socket: object): void {
    const name = this.#listeners.get(socket);
    if (name === undefined) return;
    this.#listeners.delete(socket);
    this.#counts.set(name, this.#countOf(name) - 1);
  }

  /** Counts a connection that was accepted, and returns the milliseconds to wait before the next. */
  pace(listener: LimitedListener): number {
    const { config, clock } = this.#broker;
    const { name } = listener;
    const nowMs = clock.monotonic();
    const ownRate = config.ofListener(name).own("max.connection.creation.rate");
    let waitMs = 0;
    if (ownRate !== undefined && ownRate !== UNLIMITED) {
      let bucket = this.#rates.get(name);
      if (bucket === undefined) {
        this.#rates.set(name, bucket = new TokenBucket(ownRate, RATE_BURST_MS, nowMs));
      }
      waitMs = take(bucket, ownRate, nowMs);
    }
    const rate = config.get("max.connection.creation.rate");
    if (rate === UNLIMITED || this.isReserved(listener)) return waitMs;
    this.#rate ??= new TokenBucket(rate, RATE_BURST_MS, nowMs);
    return Math.max(waitMs, take(this.#rate, rate, nowMs));
  }

  #countOf(name: string): number {
    return this.#counts.get(name) ?? 0;
  }
}

function take(bucket: TokenBucket, rate: number, nowMs: number): number {
  bucket.setRate(rate, nowMs);
  return bucket.take(1, nowMs);
}
