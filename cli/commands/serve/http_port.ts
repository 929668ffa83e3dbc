/**
 * The HTTP port of `serve`: its flags, and what happens if it cannot be used.
 *
 * @module
 */

import type { Broker, HostPort, Logger } from "../../../broker/mod.ts";
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
      "Address for HTTP: console, REST, metrics and health; off for none. If the default is in use, the broker " +
      "starts without it. Brokers of --workers have the ports after it",
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

/** Values of {@linkcode httpFlags}. */
export interface HttpFlagValues {
  readonly http: HostPort | "off" | undefined;
  readonly httpHost: readonly string[] | undefined;
  readonly httpWrites: string;
  readonly httpStreamRate: number | undefined;
  readonly httpCorsOrigin: readonly string[] | undefined;
  /** Whether metrics are exported by OpenTelemetry, too. */
  readonly exportsMetrics?: boolean;
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
  defaultAddress: HostPort = DEFAULT_ADDRESS,
): Promise<HttpServer | undefined> {
  const { http } = flags;
  if (http === "off") return undefined;
  const { HttpServer, bindProblem } = await import("../../../broker/http/mod.ts");
  const address = http ?? defaultAddress;
  let server: HttpServer;
  try {
    server = HttpServer.start({ broker, ...settingsOf(flags, address) });
  } catch (error) {
    const problem = bindProblem(error);
    if (problem === undefined) throw error;
    notServing(address, problem, http !== undefined, logger);
    return undefined;
  }
  logServing(server.address, broker.nodeId, logger);
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
  defaultAddress: HostPort = DEFAULT_ADDRESS,
): Promise<void> {
  if (flags.http === "off") return;
  const settings = settingsOf(flags, flags.http ?? defaultAddress);
  for (const { broker, wanted, bound } of await brokers.serveHttp(settings)) {
    if (typeof bound !== "string") logServing(bound, broker, logger);
    else notServing(wanted, bound, flags.http !== undefined, logger);
  }
}

function settingsOf(
  flags: HttpFlagValues,
  address: HostPort,
): HttpSettings {
  const { httpHost = [], httpWrites, httpStreamRate, httpCorsOrigin = [] } = flags;
  const { exportsMetrics = false } = flags;
  return {
    address,
    version: VERSION,
    hosts: httpHost,
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

function logServing(address: HostPort, nodeId: number, logger: Logger): void {
  const url = `http://${formatHostPort(address)}`;
  logger.info("Serving HTTP", { url, nodeId });
  const exposure = httpExposureOf(address);
  if (exposure !== undefined) logger.warn(exposure, { url });
}

function parseAddress(text: string): HostPort | "off" {
  return text === "off" ? "off" : parseListener(text);
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
