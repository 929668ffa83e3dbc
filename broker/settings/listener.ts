/**
 * Addresses to listen on and to announce, as written in settings.
 *
 * @module
 */

import { SettingValueError } from "./setting.ts";

/** The name that connections within a broker have instead of a listener's. */
export const EMBEDDED_NAME = "EMBEDDED";

/** A host and a port. */
export interface HostPort {
  /** A host name or IP address; IPv6 without brackets. */
  readonly host: string;
  /** 0 lets the system choose a port. */
  readonly port: number;
}

/** What a listener demands of connections, by Kafka's names. */
export type SecurityProtocol = "PLAINTEXT" | "SSL" | "SASL_PLAINTEXT" | "SASL_SSL";

/** The protocols of listeners. */
export const SECURITY_PROTOCOLS: readonly SecurityProtocol[] = [
  "PLAINTEXT",
  "SSL",
  "SASL_PLAINTEXT",
  "SASL_SSL",
];

/** Whether connections are encrypted. */
export function hasTls(protocol: SecurityProtocol): boolean {
  return protocol === "SSL" || protocol === "SASL_SSL";
}

/** Whether clients log in. */
export function hasSasl(protocol: SecurityProtocol): boolean {
  return protocol === "SASL_PLAINTEXT" || protocol === "SASL_SSL";
}

/** An address with the listener that it belongs to. */
export interface NamedAddress extends HostPort {
  /** The listener's name, in capitals. */
  readonly name: string;
}

/** The name of listeners whose address is written without one. */
const DEFAULT_NAME = "PLAINTEXT";

const NAME = /^[A-Za-z0-9_-]+$/;

/**
 * Parses `HOST:PORT`, `[IPV6]:PORT` or, as in Kafka's config files, `NAME://HOST:PORT`. Without a name
 * it is PLAINTEXT. An empty host stands for all interfaces.
 *
 * @throws {SettingValueError} If the text has another form.
 */
export function parseNamedAddress(text: string): NamedAddress {
  const [, name = DEFAULT_NAME, address] = /^(?:([^:]*):\/\/)?(.*)$/.exec(text)!;
  if (!NAME.test(name)) {
    throw new SettingValueError(
      `"${text}" is not of the form NAME://HOST:PORT, with a name of letters, digits, _ and -`,
    );
  }
  return { name: name.toUpperCase(), ...parseHostPort(address!, text) };
}

/**
 * Parses `HOST:PORT`, `[IPV6]:PORT` or `PLAINTEXT://HOST:PORT`. An empty host stands for all
 * interfaces.
 *
 * @throws {SettingValueError} If the text has another form.
 */
export function parseListener(text: string): HostPort {
  const { name, host, port } = parseNamedAddress(text);
  if (name === DEFAULT_NAME) return { host, port };
  throw new SettingValueError(`"${text}" requests ${name}, only PLAINTEXT is supported`);
}

function parseHostPort(address: string, text: string): HostPort {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/[\]]*)):(\d{1,5})$/.exec(address);
  if (match === null) throw new SettingValueError(`"${text}" is not of the form HOST:PORT`);
  const host = match[1] ?? match[2]!;
  const port = Number(match[3]);
  if (port > 65535) throw new SettingValueError(`"${text}" has port ${port}, the maximum is 65535`);
  return { host: host === "" ? "0.0.0.0" : host, port };
}

/**
 * Normalizes an address to the form with a name that Kafka's settings use.
 *
 * @throws {SettingValueError} If the text is not an address.
 */
export function normalizeListener(text: string): string {
  const { name } = parseNamedAddress(text);
  return text.includes("://") ? text.replace(/^[^:]+/, name) : `${name}://${text}`;
}

/** Whether an address to listen on stands for all interfaces. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || /^[0:]*:[0:]*$/.test(host);
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

/** Formats an address with its listener's name, as Kafka's settings have it. */
export function formatNamedAddress(address: NamedAddress): string {
  return `${address.name}://${formatHostPort(address)}`;
}
