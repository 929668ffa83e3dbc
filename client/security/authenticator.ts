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

/**
 * Authenticates a connection.
 *
 * @returns How long the broker accepts requests then, in milliseconds; `Infinity` for ever.
 * @throws {AuthenticationError} If the broker refuses, or does not prove what it has to.
 */
export type Authentication = (exchange: AuthenticationExchange) => Promise<number>;

/** Proves who the client is, on a new connection and each time before its session ends (KIP-368). */
export interface Authenticator {
  /**
   * Gets the credentials, during which a connection can be used.
   *
   * @throws {ConnectionError} If a function of the program fails.
   */
  prepare(): Promise<Authentication>;
  /** The function of the program that has not returned yet, by the name of its option. */
  readonly pending: string | undefined;
}

/** The least time between two authentications: Kafka takes one that is sooner for a mistake. */
const MIN_INTERVAL_MS = 1050;
/** The parts of its life after which a session is renewed, so that not all clients do it at once. */
const RENEWAL = { from: 0.85, to: 0.95 };
/** The part of its life after which a session is not relied on: the broker has a clock of its own. */
const RELIABLE = 0.97;

/** When to renew a session, in milliseconds after its start. */
export function renewalDelayMs(lifetimeMs: number, random: number = Math.random()): number {
  const part = RENEWAL.from + (RENEWAL.to - RENEWAL.from) * random;
  return Math.max(MIN_INTERVAL_MS, lifetimeMs * part);
}

/** Until when requests can be sent in a session, in milliseconds after its start. */
export function reliableMs(lifetimeMs: number): number {
  return lifetimeMs * RELIABLE;
}
