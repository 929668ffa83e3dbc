/**
 * The REST API for each user: with clients, consumers and streams that act for that user alone.
 *
 * @module
 */

import { formatPrincipal, type Principal } from "../security/principal.ts";
import { EMBEDDED_LISTENER, SECURE_EMBEDDED_LISTENER, type Session } from "../security/session.ts";
import type { Clock } from "../time/clock.ts";
import type { HttpIdentity } from "./authentication.ts";
import { HttpError } from "./http_error.ts";
import type { RequestSource } from "./request_source.ts";
import type { RestApi } from "./rest/api.ts";

/** What the APIs depend on. */
export interface UserApisOptions {
  /** Opens the API of a user. `identity` is what it has shown the last time. */
  readonly open: (session: Session, identity: () => HttpIdentity) => Promise<RestApi>;
  readonly clock: Clock;
  /** Whether nobody on the way can read what is sent, as it is by HTTPS. Default: false. */
  readonly isSecure?: boolean;
}

/** The API of a user at an address. */
interface UserApi {
  readonly api: Promise<RestApi>;
  /** The same, once it is there. */
  opened: RestApi | undefined;
  identity: HttpIdentity;
  /** Requests in progress. */
  inProgress: number;
  lastMs: number;
  /** Set if the identity ends by itself. */
  timer: number | undefined;
}

/** Most users and addresses at the same time. */
const MAX_APIS = 256;
/** Most addresses of one user at the same time. */
const MAX_OF_USER = 64;
/** How long a user's API is kept without requests: longer than its consumers live without any. */
const IDLE_MS = 10 * 60_000;
/** Longest time of a timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Keeps the APIs of users that send requests. */
export class UserApis {
  readonly #options: UserApisOptions;
  readonly #apis: Map<string, UserApi> = new Map();
  /** Those that are being closed. */
  readonly #closing: Set<Promise<void>> = new Set();

  constructor(options: UserApisOptions) {
    this.#options = options;
  }

  /**
   * Lets the API of a user answer a request.
   *
   * @throws {HttpError} 503 if too many users send requests.
   */
  async use<T>(
    identity: HttpIdentity,
    source: RequestSource,
    answer: (api: RestApi) => Promise<T>,
  ): Promise<T> {
    const of = this.#apiOf(identity, source);
    of.inProgress++;
    try {
      return await answer(await of.api);
    } finally {
      of.inProgress--;
      of.lastMs = this.#options.clock.monotonic();
    }
  }

  /** Closes those of users whose credentials have been changed or deleted. */
  endRevoked(): void {
    for (const [key, { identity }] of this.#apis) if (!identity.isCurrent()) this.#end(key);
  }

  /** Ends streams, and closes all clients. */
  async close(): Promise<void> {
    for (const key of this.#apis.keys()) this.#end(key);
    await Promise.all(this.#closing);
  }

  #apiOf(identity: HttpIdentity, { address, isOwn }: RequestSource): UserApi {
    const { principal, expiresAtMs } = identity;
    // What has begun with a password ends with it, and does not live on by a token.
    const kind = expiresAtMs === undefined ? "password" : "token";
    const key = `${formatPrincipal(principal)}\0${address}\0${isOwn}\0${kind}`;
    const { clock, open, isSecure = false } = this.#options;
    const known = this.#apis.get(key);
    if (known !== undefined) {
      // In order of use.
      this.#apis.delete(key);
      this.#apis.set(key, known);
      // A client may have several tokens.
      if (expiresAtMs === undefined || expiresAtMs > known.identity.expiresAtMs!) {
        known.identity = identity;
      }
      return known;
    }
    this.#makeRoom(principal);
    const session: Session = {
      principal,
      host: address,
      listener: isSecure ? SECURE_EMBEDDED_LISTENER : EMBEDDED_LISTENER,
      isLocal: isOwn,
    };
    const api = open(session, () => created.identity);
    const created: UserApi = {
      api,
      opened: undefined,
      identity,
      inProgress: 0,
      lastMs: clock.monotonic(),
      timer: undefined,
    };
    this.#apis.set(key, created);
    api.then((opened) => created.opened = opened, () => {});
    this.#endInTime(key, created);
    return created;
  }

  /** Ends an API when the tokens of its user have expired: streams do not outlive them. */
  #endInTime(key: string, of: UserApi): void {
    const { clock } = this.#options;
    const { expiresAtMs } = of.identity;
    if (expiresAtMs === undefined) return;
    const waitMs = Math.min(MAX_TIMER_MS, Math.max(1, Math.ceil(expiresAtMs - clock.now())));
    of.timer = clock.setTimeout(() => {
      if (of.identity.isCurrent()) this.#endInTime(key, of);
      else this.#end(key);
    }, waitMs);
  }

  #makeRoom(principal: Principal): void {
    const idleMs = this.#options.clock.monotonic() - IDLE_MS;
    for (const [key, of] of this.#apis) if (isIdle(of) && of.lastMs < idleMs) this.#end(key);
    // A user with many addresses ends its own streams, not those of others.
    const user = formatPrincipal(principal);
    const own = [...this.#apis].filter(([, of]) => formatPrincipal(of.identity.principal) === user);
    if (own.length >= MAX_OF_USER) this.#end((own.find(([, of]) => isIdle(of)) ?? own[0]!)[0]);
    if (this.#apis.size < MAX_APIS) return;
    const [idle] = [...this.#apis].find(([, of]) => isIdle(of)) ?? [];
    if (idle === undefined) throw new HttpError(503, "Too many users send requests");
    this.#end(idle);
  }

  #end(key: string): void {
    const { api, timer } = this.#apis.get(key)!;
    if (timer !== undefined) this.#options.clock.clearTimeout(timer);
    this.#apis.delete(key);
    const closing = api.then((api) => api.close()).catch(() => {});
    this.#closing.add(closing);
    closing.finally(() => this.#closing.delete(closing));
  }
}

function isIdle({ inProgress, opened }: UserApi): boolean {
  return inProgress === 0 && opened?.hasStreams !== true;
}
