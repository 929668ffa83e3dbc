/**
 * The HTTP port of `serve`: its flags, and what happens if it cannot be used.
 *
 * @module
 */

import type { Broker, HostPort, Logger } from "../../../broker/mod.ts";
import { parseAddress as parseIpAddress } from "../../../protocol/ip_address.ts";
import { ConfigError } from "../../../broker/settings/config.ts";
import { formatHostPort, parseListener } from "../../../broker/settings/listener.ts";
import type { HttpServer, HttpSettings } from "../../../broker/http/mod.ts";
import type { ProcessBrokers } from "../../../broker/workers/mod.ts";
import { CommandError } from "../../errors.ts";
import type { Flags } from "../../program/flag.ts";
import { VERSION } from "../about.ts";
import { httpExposureOf } from "./exposure.ts";

const DEFAULT_ADDRESS: HostPort = { host: "127.0.0.1", port: 8080 };

const GROUP = "HTTP";

/** Flags of the HTTP port. */
export const httpFlags = {
  http: {
    doc:
      "Address for HTTP: console, REST, metrics and health; off for none; https://HOST:PORT for TLS with the keys " +
      "of --ssl-keystore-location, or --listener-name-http-ssl-keystore-location. If the default is in use, the " +
      "broker starts without it. Brokers of --workers have the ports after it",
    parse: parseAddress,
    value: "HOST:PORT",
    fallback: formatHostPort(DEFAULT_ADDRESS),
    group: GROUP,
  },
  httpHost: {
    doc: "Further host names to answer, while only this machine can connect",
    value: "NAME",
    separator: ",",
    group: GROUP,
  },
  httpTrustedProxies: {
    doc:
      "IP addresses of proxies: X-Forwarded-For tells where their clients are, who are never taken for " +
      "programs of this machine",
    parse: parseProxy,
    value: "ADDRESS",
    separator: ",",
    group: GROUP,
  },
  httpWrites: {
    doc: "Whether HTTP requests may change something: on, or off",
    choices: ["on", "off"],
    default: "on",
    group: GROUP,
  },
  httpStreamRate: {
    doc: "Most records that one stream over HTTP gets in a second; readers can ask for less",
    parse: parseRate,
    value: "N",
    fallback: "no limit",
    group: GROUP,
  },
  httpCorsOrigin: {
    doc: "Origins whose web pages may use the HTTP port, such as https://example.com",
    parse: parseOrigin,
    value: "ORIGIN",
    separator: ",",
    group: GROUP,
  },
} as const satisfies Flags;

/** Where to serve HTTP. */
export interface HttpAddress extends HostPort {
  /** Whether to serve HTTPS. Default: false. */
  readonly isSecure?: boolean;
}

/** Values of {@linkcode httpFlags}. */
export interface HttpFlagValues {
  readonly http: HttpAddress | "off" | undefined;
  readonly httpHost: readonly string[] | undefined;
  readonly httpTrustedProxies?: readonly string[] | undefined;
  readonly httpWrites: string;
  readonly httpStreamRate: number | undefined;
  readonly httpCorsOrigin: readonly string[] | undefined;
  /** Whether metrics are exported by OpenTelemetry, too. */
  readonly exportsMetrics?: boolean;
  /** Whether everyone may do everything. Default: true. */
  readonly isOpen?: boolean;
}

/**
 * Opens the HTTP port.
 *
 * @param defaultAddress Where to serve if nothing else is asked for.
 * @returns The server; undefined if there is to be none, or the default port is in use.
 * @throws {CommandError} If the address that was asked for cannot be used.
 */
export async function openHttp(
  broker: Broker,
  flags: HttpFlagValues,
  logger: Logger,
  defaultAddress: HttpAddress = DEFAULT_ADDRESS,
): Promise<HttpServer | undefined> {
  const { http } = flags;
  if (http === "off") return undefined;
  const { HttpServer, bindProblem } = await import("../../../broker/http/mod.ts");
  const address = http ?? defaultAddress;
  let server: HttpServer;
  try {
    server = await HttpServer.open({ broker, ...settingsOf(flags, address) });
  } catch (error) {
    if (error instanceof ConfigError) throw new CommandError(error.message);
    const problem = bindProblem(error);
    if (problem === undefined) throw error;
    notServing(address, problem, http !== undefined, logger);
    return undefined;
  }
  logServing(server.address, broker.nodeId, flags, logger);
  return server;
}

/**
 * Opens the HTTP ports of the brokers in workers, after that of the first one.
 *
 * @throws {CommandError} If an address that was asked for cannot be used.
 */
export async function openWorkersHttp(
  brokers: Pick<ProcessBrokers, "serveHttp">,
  flags: HttpFlagValues,
  logger: Logger,
  defaultAddress: HttpAddress = DEFAULT_ADDRESS,
): Promise<void> {
  if (flags.http === "off") return;
  const settings = settingsOf(flags, flags.http ?? defaultAddress);
  for (const { broker, wanted, bound } of await brokers.serveHttp(settings)) {
    if (typeof bound !== "string") logServing(bound, broker, flags, logger);
    else notServing(wanted, bound, flags.http !== undefined, logger);
  }
}

function settingsOf(
  flags: HttpFlagValues,
  { isSecure = false, ...address }: HttpAddress,
): HttpSettings {
  const { httpHost = [], httpWrites, httpStreamRate, httpCorsOrigin = [] } = flags;
  const { exportsMetrics = false, httpTrustedProxies = [] } = flags;
  return {
    address,
    isSecure,
    version: VERSION,
    hosts: httpHost,
    trustedProxies: httpTrustedProxies,
    corsOrigins: httpCorsOrigin,
    allowsWrites: httpWrites === "on",
    ...(httpStreamRate === undefined ? {} : { streamRate: httpStreamRate }),
    exportsMetrics,
  };
}

function notServing(address: HostPort, problem: string, isNamed: boolean, logger: Logger): void {
  const text = `Cannot serve HTTP on ${formatHostPort(address)}: ${problem}`;
  if (isNamed) throw new CommandError(`${text}; choose another with --http`);
  logger.info(`${text}; continuing without it. Choose another with --http`);
}

function logServing(
  address: HostPort,
  nodeId: number,
  { http, isOpen = true }: HttpFlagValues,
  logger: Logger,
): void {
  const isSecure = typeof http === "object" && http.isSecure === true;
  const url = `${isSecure ? "https" : "http"}://${formatHostPort(address)}`;
  logger.info("Serving HTTP", { url, nodeId });
  const exposure = httpExposureOf({ address, isSecure, isOpen });
  if (exposure !== undefined) logger.warn(exposure, { url });
}

function parseAddress(text: string): HttpAddress | "off" {
  if (text === "off") return "off";
  const [, scheme, address] = /^(https?):\/\/(.*?)\/?$/i.exec(text) ?? [];
  const isSecure = scheme?.toLowerCase() === "https";
  return { ...parseListener(address ?? text), ...(isSecure ? { isSecure } : {}) };
}

function parseProxy(text: string): string {
  if (parseIpAddress(text) !== undefined) return text;
  throw new Error(`"${text}" is not an IP address`);
}

function parseRate(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new Error(`"${text}" is not a number of at least 1`);
  return Number(text);
}

function parseOrigin(text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.origin === text) return text;
  throw new Error(`"${text}" is not an origin such as https://example.com`);
}
