/**
 * Sessions of users of the console, and tickets for WebSockets.
 *
 * A page that has shown who its user is gets a token in exchange, so that it need not keep the password. It
 * sends `Authorization: Session TOKEN`, which no other site can make a browser do, as it could with a cookie.
 * The token ends with what it was given for: when the password changes, or the other token expires.
 *
 * A page cannot send that header with a WebSocket. It gets a ticket, which is valid once and for half a
 * minute, and sends it among the subprotocols, as `ticket.TICKET`: addresses are written to logs.
 *
 * @module
 */

import { formatPrincipal } from "../security/principal.ts";
import { isLoopback } from "../settings/listener.ts";
import type { Clock } from "../time/clock.ts";
import type { HttpIdentity } from "./authentication.ts";

/** What a client is given, and how long it is valid. */
export interface Grant {
  readonly token: string;
  readonly validMs: number;
}

interface Entry {
  readonly identity: HttpIdentity;
  /** The address of the client: a token is no use elsewhere. */
  readonly address: string;
  readonly user: string;
  expiresMs: number;
}

/** How long a session lives without requests. */
const IDLE_MS = 60 * 60_000;
const TICKET_MS = 30_000;
/** Most sessions, and most tickets, of all users and of one. Beyond that the oldest end. */
const MAX_ENTRIES = 5000;
const MAX_OF_USER = 200;
const TOKEN_BYTES = 32;

const SCHEME = /^Session +([\w-]{20,100})$/i;
const TICKET = /(?:^|[\s,])ticket\.([\w-]{20,100})(?=$|[\s,])/;

/** Keeps sessions and tickets of one broker. */
export class Sessions {
  readonly #clock: Clock;
  readonly #sessions: Map<string, Entry> = new Map();
  readonly #tickets: Map<string, Entry> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins a session. */
  open(identity: HttpIdentity, address: string): Grant {
    return this.#grant(this.#sessions, identity, address, IDLE_MS);
  }

  /** Makes a ticket. */
  ticket(identity: HttpIdentity, address: string): Grant {
    return this.#grant(this.#tickets, identity, address, TICKET_MS);
  }

  /** Ends the session that a request belongs to, if it belongs to one. */
  end(headers: Headers): void {
    this.#sessions.delete(tokenOf(headers) ?? "");
  }

  /** Who sends a request, if it has a session or a ticket that is valid. */
  identify({ headers }: Request, address: string): HttpIdentity | undefined {
    const nowMs = this.#clock.monotonic();
    const token = tokenOf(headers);
    if (token !== undefined) {
      const entry = this.#valid(this.#sessions, token, address, nowMs);
      if (entry === undefined) return undefined;
      // In order of use.
      this.#sessions.delete(token);
      this.#sessions.set(token, entry);
      entry.expiresMs = nowMs + IDLE_MS;
      return entry.identity;
    }
    if (headers.get("upgrade")?.toLowerCase() !== "websocket") return undefined;
    const [, ticket] = TICKET.exec(headers.get("sec-websocket-protocol") ?? "") ?? [];
    if (ticket === undefined) return undefined;
    const entry = this.#valid(this.#tickets, ticket, address, nowMs);
    this.#tickets.delete(ticket);
    return entry?.identity;
  }

  #valid(
    entries: Map<string, Entry>,
    token: string,
    address: string,
    nowMs: number,
  ): Entry | undefined {
    const entry = entries.get(token);
    if (entry === undefined || entry.address !== placeOf(address)) return undefined;
    if (entry.expiresMs > nowMs && entry.identity.isCurrent()) return entry;
    entries.delete(token);
    return undefined;
  }

  #grant(
    entries: Map<string, Entry>,
    identity: HttpIdentity,
    address: string,
    validMs: number,
  ): Grant {
    const nowMs = this.#clock.monotonic();
    const user = formatPrincipal(identity.principal);
    let oldest: string | undefined;
    let count = 0;
    for (const [token, entry] of entries) {
      if (entry.expiresMs <= nowMs || !entry.identity.isCurrent()) entries.delete(token);
      else if (entry.user === user) {
        oldest ??= token;
        count++;
      }
    }
    if (count >= MAX_OF_USER) entries.delete(oldest!);
    else if (entries.size >= MAX_ENTRIES) entries.delete(entries.keys().next().value!);
    const token = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES))
      .toBase64({ alphabet: "base64url", omitPadding: true });
    entries.set(token, {
      identity,
      address: placeOf(address),
      user,
      expiresMs: nowMs + validMs,
    });
    return { token, validMs };
  }
}

/** An address; one for all of this machine, where a browser may connect by another the next time. */
function placeOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  return isLoopback(plain) ? "localhost" : plain;
}

function tokenOf(headers: Headers): string | undefined {
  return SCHEME.exec(headers.get("authorization") ?? "")?.[1];
}
