/**
 * Addresses to listen on and to announce, as written in settings.
 *
 * @module
 */

import { SettingValueError } from "./setting.ts";

/** A host and a port. */
export interface HostPort {
  /** A host name or IP address; IPv6 without brackets. */
  readonly host: string;
  /** 0 lets the system choose a port. */
  readonly port: number;
}

/**
 * Parses `HOST:PORT`, `[IPV6]:PORT` or, as in Kafka's config files, `PLAINTEXT://HOST:PORT`. An
 * empty host stands for all interfaces.
 *
 * @throws {SettingValueError} If the text has another form.
 */
export function parseListener(text: string): HostPort {
  const [, protocol, address] = /^(?:([A-Za-z_]+):\/\/)?(.*)$/.exec(text)!;
  if (protocol !== undefined && protocol.toUpperCase() !== "PLAINTEXT") {
    throw new SettingValueError(`"${text}" requests ${protocol}, only PLAINTEXT is supported`);
  }
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/[\]]*)):(\d{1,5})$/.exec(address!);
  if (match === null) throw new SettingValueError(`"${text}" is not of the form HOST:PORT`);
  const host = match[1] ?? match[2]!;
  const port = Number(match[3]);
  if (port > 65535) throw new SettingValueError(`"${text}" has port ${port}, the maximum is 65535`);
  return { host: host === "" ? "0.0.0.0" : host, port };
}

/**
 * Normalizes an address to the form with a protocol that Kafka's settings use.
 *
 * @throws {SettingValueError} If the text is not an address.
 */
export function normalizeListener(text: string): string {
  parseListener(text);
  return text.includes("://")
    ? text.replace(/^[^:]+/, (name) => name.toUpperCase())
    : `PLAINTEXT://${text}`;
}

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" ||
    /^(?:::ffff:)?127\.\d+\.\d+\.\d+$/.test(host);
}

/** Formats an address so that {@linkcode parseListener} accepts it. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
