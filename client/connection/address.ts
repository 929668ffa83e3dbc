/**
 * Broker addresses: `host:port`, `host`, `[::1]:9092`.
 *
 * @module
 */

import { UsageError } from "../errors.ts";

/** The address of a broker. */
export interface BrokerAddress {
  /** A host name or IP address. */
  readonly host: string;
  /** A TCP port. */
  readonly port: number;
}

/** The port of an address without one. */
const DEFAULT_PORT = 9092;

/**
 * Parses an address.
 *
 * @throws {UsageError} If `text` is not `host:port`, or the port is not 1 to 65535.
 */
export function parseBrokerAddress(text: string): BrokerAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s/]+))(?::(\d+))?$/.exec(text.trim());
  if (match === null) {
    throw new UsageError(`Cannot use "${text}" as a broker's address: it must be host:port`);
  }
  const port = match[3] === undefined ? DEFAULT_PORT : Number(match[3]);
  if (port < 1 || port > 65535) {
    throw new UsageError(`Cannot use "${text}" as a broker's address: the port must be 1 to 65535`);
  }
  return { host: match[1] ?? match[2]!, port };
}

/** Formats an address, as a map key and for messages. */
export function formatAddress(address: BrokerAddress): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}
