/**
 * Which requests are let in, by their `Host` and `Origin`.
 *
 * A page that a user visits can make the browser send requests to this machine. The browser says where
 * they come from, so that they can be told apart:
 *
 * - While only this machine can connect, `Host` must be one of its names. A page whose own name was
 *   made to point here (DNS rebinding) has another.
 * - Requests that change something, and WebSockets, must not come from another origin, unless that is
 *   allowed. No cookie is used, so there is nothing else to abuse.
 * - Other origins read answers only if they are allowed (CORS).
 *
 * @module
 */

import type { HostPort } from "../settings/listener.ts";
import { HttpError } from "./http_error.ts";

/** Who may send requests. */
export interface GuardOptions {
  /** The bound address. */
  readonly address: HostPort;
  /** Further names that clients use for this machine. */
  readonly hosts?: readonly string[];
  /** Origins whose pages may use everything, such as `https://example.com`. */
  readonly corsOrigins?: readonly string[];
}

/** Methods that change nothing. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
const PREFLIGHT_SECONDS = "600";

/** Headers of every answer. */
const HEADERS = { "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" };

/** Decides about requests. */
export class RequestGuard {
  readonly #origins: ReadonlySet<string>;
  /** The accepted names; undefined if all are. */
  readonly #hosts: ReadonlySet<string> | undefined;

  constructor({ address, hosts = [], corsOrigins = [] }: GuardOptions) {
    this.#origins = new Set(corsOrigins);
    this.#hosts = isLoopback(address.host)
      ? new Set(["localhost", "127.0.0.1", "[::1]", inUrl(address.host), ...hosts])
      : undefined;
  }

  /**
   * Checks a request.
   *
   * @returns The answer, if the request is only a question about what is allowed.
   * @throws {HttpError} 403 or 421, if it is refused.
   */
  check({ method, headers, url }: Request): Response | undefined {
    const { hostname } = new URL(url);
    if (this.#hosts !== undefined && !this.#hosts.has(hostname)) {
      throw new HttpError(
        421,
        `Requests for "${hostname}" are not answered; allow the name with --http-host`,
      );
    }
    const origin = headers.get("origin");
    const isAllowed = origin !== null && this.#origins.has(origin);
    const isPreflight = method === "OPTIONS" && headers.has("access-control-request-method");
    if (isPreflight) return this.#preflight(headers, isAllowed);
    if (isAllowed || (SAFE.has(method) && !headers.has("upgrade"))) return undefined;
    const isForeign = origin !== null && !isSame(origin, headers.get("host"));
    if (isForeign || headers.get("sec-fetch-site") === "cross-site") {
      throw new HttpError(
        403,
        `Requests from pages of ${origin ?? "another site"} are not allowed; ` +
          "allow them with --http-cors-origin",
      );
    }
    return undefined;
  }

  /** Adds the headers of every answer, and those that let an allowed origin read it. */
  decorate(request: Request, response: Response): Response {
    const { headers } = response;
    for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
    if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
    if (this.#origins.size === 0) return response;
    headers.append("vary", "Origin");
    const origin = request.headers.get("origin");
    if (origin !== null && this.#origins.has(origin)) {
      headers.set("access-control-allow-origin", origin);
    }
    return response;
  }

  #preflight(headers: Headers, isAllowed: boolean): Response {
    if (!isAllowed) throw new HttpError(403, "No other origin is allowed; see --http-cors-origin");
    return new Response(null, {
      status: 204,
      headers: {
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": headers.get("access-control-request-headers") ?? "",
        "access-control-max-age": PREFLIGHT_SECONDS,
      },
    });
  }
}

/** Whether only this machine can connect to a host. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function inUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host.toLowerCase();
}

/** Whether an origin is that of the `Host` itself, over HTTP or HTTPS. */
function isSame(origin: string, host: string | null): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}
