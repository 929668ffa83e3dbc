/**
 * Addresses to listen on and to be reached at, as settings write them.
 *
 * @module
 */

import { SettingValueError } from "./setting.ts";

/** A host and a port. */
export interface HostPort {
  /** A name or address, an IPv6 one without brackets. */
  readonly host: string;
  /** 0 for one that the system chooses. */
  readonly port: number;
}

/**
 * Reads `HOST:PORT`, `[IPV6]:PORT` or, as in Kafka's own files, `PLAINTEXT://HOST:PORT`. An empty
 * host stands for all addresses of the machine.
 *
 * @throws {SettingValueError} If the text is none of these.
 */
export function parseListener(text: string): HostPort {
  const [, protocol, address] = /^(?:([A-Za-z_]+):\/\/)?(.*)$/.exec(text)!;
  if (protocol !== undefined && protocol.toUpperCase() !== "PLAINTEXT") {
    throw new SettingValueError(`"${text}" asks for ${protocol}, only PLAINTEXT is supported`);
  }
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/[\]]*)):(\d{1,5})$/.exec(address!);
  if (match === null) throw new SettingValueError(`"${text}" is not of the form HOST:PORT`);
  const host = match[1] ?? match[2]!;
  const port = Number(match[3]);
  if (port > 65535) throw new SettingValueError(`"${text}" has port ${port}, the last is 65535`);
  return { host: host === "" ? "0.0.0.0" : host, port };
}

/**
 * Writes what {@linkcode parseListener} reads with its protocol, as Kafka's settings have it.
 *
 * @throws {SettingValueError} If the text is not an address.
 */
export function normalizeListener(text: string): string {
  parseListener(text);
  return text.includes("://")
    ? text.replace(/^[^:]+/, (name) => name.toUpperCase())
    : `PLAINTEXT://${text}`;
}

/** Writes an address as {@linkcode parseListener} reads it. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
