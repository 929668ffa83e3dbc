/**
 * How a connection proves who the client is.
 *
 * @module
 */

import type { Api, DecodedFields, EncodableFields, Fields } from "../../protocol/schema/schema.ts";

/** The connection as an authenticator sees it. */
export interface AuthenticationExchange {
  /** The address of the broker. */
  readonly peer: string;
  /** Sends a request before all that wait. */
  request<Req extends Fields, Res extends Fields>(
    api: Api<Req, Res>,
    body: EncodableFields<Req>,
    minVersion: number,
  ): Promise<DecodedFields<Res>>;
}

/** Proves who the client is, on a new connection and each time before its session ends (KIP-368). */
export interface Authenticator {
  /**
   * Authenticates.
   *
   * @returns How long the broker accepts requests then, in milliseconds; `Infinity` for ever.
   * @throws {AuthenticationError} If the broker refuses, or does not prove what it has to.
   */
  authenticate(exchange: AuthenticationExchange): Promise<number>;
}

/** The least time between two authentications: Kafka takes one that is sooner for a mistake. */
const MIN_INTERVAL_MS = 1050;
/** The parts of its life after which a session is renewed, so that not all clients do it at once. */
const RENEWAL = { from: 0.85, to: 0.95 };

/** When to renew a session, in milliseconds after its start. */
export function renewalDelayMs(lifetimeMs: number, random: number = Math.random()): number {
  const part = RENEWAL.from + (RENEWAL.to - RENEWAL.from) * random;
  return Math.max(MIN_INTERVAL_MS, lifetimeMs * part);
}
