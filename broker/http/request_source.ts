/**
 * Where requests come from. Behind a proxy the other end of the connection is the proxy: it tells the
 * client's address in `X-Forwarded-For`, to which clients themselves can add anything before it.
 *
 * @module
 */

import { parseAddress } from "../../protocol/ip_address.ts";
import { isOwnRequest } from "./own_request.ts";

/** Where a request comes from. */
export interface RequestSource {
  /** The client's IP address. */
  readonly address: string;
  /** Whether it is a program of this machine, as far as can be told. */
  readonly isOwn: boolean;
}

const FORWARDED_FOR = "x-forwarded-for";
/** Proxies one after the other that are looked at. */
const MAX_PROXIES = 16;

/** Tells where requests come from. */
export class RequestSources {
  readonly #proxies: ReadonlySet<string>;

  /** @param proxies The IP addresses of proxies, which are believed. */
  constructor(proxies: readonly string[] = []) {
    this.#proxies = new Set(proxies.map(keyOf));
  }

  /** Whether a connection with an address is that of a proxy. */
  isProxy(address: string): boolean {
    return this.#proxies.size > 0 && this.#proxies.has(keyOf(address));
  }

  /** @param peer The IP address of the other end of the connection. */
  of(request: Request, peer: string): RequestSource {
    if (!this.isProxy(peer)) return { address: peer, isOwn: isOwnRequest(request, peer) };
    // What a proxy passes on is never this machine's own, also if it does not say where it is from.
    const hops = (request.headers.get(FORWARDED_FOR) ?? "").split(",").slice(-MAX_PROXIES);
    let address = peer;
    for (const hop of hops.map((text) => text.trim()).reverse()) {
      if (parseAddress(hop) === undefined) break;
      address = hop;
      if (!this.isProxy(hop)) break;
    }
    return { address, isOwn: false };
  }
}

/** One text for all forms of an address. */
function keyOf(address: string): string {
  return parseAddress(address)?.join(".") ?? address;
}
