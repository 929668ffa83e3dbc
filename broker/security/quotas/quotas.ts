/**
 * Limits what clients may do in a second: bytes produced and fetched, time of requests, changes of
 * topics, new connections (KIP-13, KIP-124, KIP-546, KIP-599, KIP-612).
 *
 * Each broker counts for itself. A client over its limit is told to wait (`throttleTimeMs`), and its
 * connection is not read meanwhile (KIP-219). Where Kafka measures samples of a second, a token bucket
 * lets the rate through evenly.
 *
 * @module
 */

import type { Clock } from "../../time/clock.ts";
import { ANONYMOUS } from "../principal.ts";
import { EMBEDDED_LISTENER, type Session } from "../session.ts";
import { Buckets } from "./buckets.ts";
import type { ClientQuota } from "./quota_entity.ts";
import type { QuotaView } from "./quota_view.ts";

/** Who does something. */
export interface Requester {
  readonly session: Session;
  /** The client id; empty if the client sent none. */
  readonly clientId: string;
}

/** The answer to changes of topics. */
export interface MutationResult {
  /** Whether they may be done now. */
  readonly isAllowed: boolean;
  /** Milliseconds to wait before the next. */
  readonly throttleMs: number;
}

/** How long unused bytes and time can be saved up. */
const BURST_MS = 250;
/** Longest throttle for the time of requests, as in Kafka. */
const MAX_TIME_THROTTLE_MS = 1000;
/** Changes of topics can be saved up as long as Kafka's samples cover. */
const MUTATION_BURST_MS = 11_000;
const CONNECTION_BURST_MS = 1000;
/** A fetch takes no more than the limit of so much time. */
const FETCH_MS = 1000;

/** Longest time that a response can tell. */
const MAX_THROTTLE_MS = 2 ** 31 - 1;

const UNLIMITED: MutationResult = { isAllowed: true, throttleMs: 0 };

/** The quotas of a broker. */
export class Quotas {
  readonly #view: QuotaView;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #buckets: Readonly<Record<ClientQuota, Buckets>> = {
    "producer_byte_rate": new Buckets(BURST_MS),
    "consumer_byte_rate": new Buckets(BURST_MS),
    "request_percentage": new Buckets(BURST_MS),
    "controller_mutation_rate": new Buckets(MUTATION_BURST_MS),
  };
  readonly #connections = new Buckets(CONNECTION_BURST_MS);

  constructor(view: QuotaView, clock: Pick<Clock, "monotonic">) {
    this.#view = view;
    this.#clock = clock;
  }

  /** The quotas that are set. */
  get view(): QuotaView {
    return this.#view;
  }

  /** Whether any client has quotas. */
  get isActive(): boolean {
    return this.#view.hasClientQuotas;
  }

  /** Counts bytes of a Produce request, and returns the milliseconds to wait. */
  produced(requester: Requester, bytes: number): number {
    return this.#take("producer_byte_rate", requester, bytes);
  }

  /** Counts bytes of records in a Fetch response, and returns the milliseconds to wait. */
  fetched(requester: Requester, bytes: number): number {
    return this.#take("consumer_byte_rate", requester, bytes);
  }

  /** Milliseconds until a client may fetch; 0 for now. */
  fetchDelayMs(requester: Requester): number {
    return this.#take("consumer_byte_rate", requester, 0);
  }

  /** Most bytes of one fetch. */
  fetchLimit(requester: Requester): number {
    const quota = this.#of("consumer_byte_rate", requester);
    return quota === undefined ? Infinity : quota.limit * FETCH_MS / 1000;
  }

  /** Counts time that a request took of the event loop, and returns the milliseconds to wait. */
  used(requester: Requester, ms: number): number {
    // 100 is one core: 1000 milliseconds per second.
    return Math.min(MAX_TIME_THROTTLE_MS, this.#take("request_percentage", requester, ms, 10));
  }

  /**
   * Counts changes of topics, one for each partition that is created or deleted.
   *
   * @param isStrict Whether they must not be done while the limit is exceeded (KIP-599). Changes that
   * are not done are not counted.
   */
  mutated(requester: Requester, count: number, isStrict: boolean): MutationResult {
    if (!this.isActive) return UNLIMITED;
    const delayMs = isStrict ? this.#take("controller_mutation_rate", requester, 0) : 0;
    if (delayMs > 0) return { isAllowed: false, throttleMs: Math.ceil(delayMs) };
    const throttleMs = this.#take("controller_mutation_rate", requester, count);
    return { isAllowed: true, throttleMs: isStrict ? 0 : Math.ceil(throttleMs) };
  }

  /**
   * Counts a new connection.
   *
   * @returns Milliseconds after which to close it, because its address opens too many; 0 if it may stay.
   */
  connected(host: string): number {
    if (!this.#view.hasAddressQuotas) return 0;
    const quota = this.#view.ofAddress(host);
    if (quota === undefined) return 0;
    const nowMs = this.#clock.monotonic();
    const bucket = this.#connections.get(quota.bucket, quota.limit, nowMs);
    const debtMs = bucket.debtMs(nowMs);
    if (debtMs === 0) bucket.take(1, nowMs);
    return debtMs;
  }

  #take(quota: ClientQuota, requester: Requester, tokens: number, factor = 1): number {
    const effective = this.#of(quota, requester);
    if (effective === undefined) return 0;
    const nowMs = this.#clock.monotonic();
    const { bucket, limit } = effective;
    const throttleMs = this.#buckets[quota].get(bucket, limit * factor, nowMs).take(tokens, nowMs);
    return Math.min(MAX_THROTTLE_MS, throttleMs);
  }

  #of(quota: ClientQuota, { session, clientId }: Requester) {
    const { principal, listener } = session;
    // What this process does on its own account.
    if (listener === EMBEDDED_LISTENER && principal === ANONYMOUS) return undefined;
    return this.#view.of(quota, principal.name, clientId);
  }
}
