/**
 * Addresses of brokers: `host:port`, `host`, `[::1]:9092`.
 *
 * @module
 */

import { UsageError } from "../errors.ts";

/** Where a broker listens. */
export interface BrokerAddress {
  /** A host name or IP address. */
  readonly host: string;
  /** A TCP port. */
  readonly port: number;
}

/** The port of an address that names none. */
export const DEFAULT_PORT = 9092;

/**
 * Reads an address.
 *
 * @throws {UsageError} If `text` is not `host:port`, or the port is not 1 to 65535.
 */
export function parseBrokerAddress(text: string): BrokerAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s/]+))(?::(\d+))?$/.exec(text.trim());
  if (match === null) {
    throw new UsageError(`Cannot use "${text}" as a broker's address: it is not host:port`);
  }
  const port = match[3] === undefined ? DEFAULT_PORT : Number(match[3]);
  if (port < 1 || port > 65535) {
    throw new UsageError(`Cannot use "${text}" as a broker's address: port is not 1 to 65535`);
  }
  return { host: match[1] ?? match[2]!, port };
}

/** The address as text: a key to tell addresses apart, and what a person reads. */
export function formatAddress(address: BrokerAddress): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}
