/**
 * The HTTP port of `serve`: its flags, and what happens if it cannot be used.
 *
 * @module
 */

import type { Broker, HostPort, Logger } from "../../../broker/mod.ts";
import { formatHostPort, parseListener } from "../../../broker/settings/listener.ts";
import type { HttpServer } from "../../../broker/http/mod.ts";
import { CommandError } from "../../errors.ts";
import type { Flags } from "../../program/flag.ts";
import { VERSION } from "../version.ts";
import { exposureOf } from "./exposure.ts";

const DEFAULT_ADDRESS: HostPort = { host: "127.0.0.1", port: 8080 };

const GROUP = "HTTP";

/** Flags of the HTTP port. */
export const httpFlags = {
  http: {
    doc:
      "Address for HTTP: console, REST, metrics and health; off for none. If the default is in use, the broker " +
      "starts without it",
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
  readonly httpCorsOrigin: readonly string[] | undefined;
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
  { http, httpHost = [], httpWrites, httpCorsOrigin = [] }: HttpFlagValues,
  logger: Logger,
  defaultAddress: HostPort = DEFAULT_ADDRESS,
): Promise<HttpServer | undefined> {
  if (http === "off") return undefined;
  const { HttpServer } = await import("../../../broker/http/mod.ts");
  const address = http ?? defaultAddress;
  let server: HttpServer;
  try {
    server = HttpServer.start({
      broker,
      address,
      version: VERSION,
      hosts: httpHost,
      corsOrigins: httpCorsOrigin,
      allowsWrites: httpWrites === "on",
    });
  } catch (error) {
    const problem = problemOf(error);
    if (problem === undefined) throw error;
    const text = `Cannot serve HTTP on ${formatHostPort(address)}: ${problem}`;
    if (http !== undefined) throw new CommandError(`${text}; choose another with --http`);
    logger.info(`${text}; continuing without it. Choose another with --http`);
    return undefined;
  }
  const url = `http://${formatHostPort(server.address)}`;
  logger.info("Serving HTTP", { url });
  const exposure = exposureOf(server.address);
  if (exposure !== undefined) logger.warn(exposure, { url });
  return server;
}

function problemOf(error: unknown): string | undefined {
  if (error instanceof Deno.errors.AddrInUse) return "the address is in use";
  if (error instanceof Deno.errors.AddrNotAvailable) return "this machine has no such address";
  if (error instanceof Deno.errors.NotCapable) return "Deno was not allowed to";
  if (error instanceof Deno.errors.PermissionDenied) return "the system does not allow it";
  return undefined;
}

function parseAddress(text: string): HostPort | "off" {
  return text === "off" ? "off" : parseListener(text);
}

function parseOrigin(text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.origin === text) return text;
  throw new Error(`"${text}" is not an origin such as https://example.com`);
}
