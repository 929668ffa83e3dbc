/**
 * The session of a connection: from one authentication to the next (KIP-368).
 *
 * Requests are sent while the credentials of the next authentication are fetched, which may take as long
 * as a provider of tokens takes. They wait only during the exchange with the broker, and once the session
 * is about to end.
 *
 * @module
 */

import { ConnectionError, type DqueueError, isRetriable } from "../errors.ts";
import {
  type Authentication,
  type AuthenticationExchange,
  type Authenticator,
  reliableMs,
  renewalDelayMs,
} from "../security/authenticator.ts";
import { withTimeout } from "./waiting.ts";

/** The wait after credentials could not be fetched, as long as the session lasts. */
const RETRY_MS = 1000;

/** What a session needs of its connection. */
export interface SessionOptions {
  /** The address of the broker. */
  readonly peer: string;
  readonly authenticator: Authenticator;
  /** How long to wait for credentials that requests wait for. */
  readonly requestTimeoutMs: number;
  /** Resolves when the connection has ended. */
  readonly ended: Promise<DqueueError>;
}

/** Authenticates a connection, and knows when that is due again. */
export class Session {
  readonly #options: SessionOptions;
  #state: "idle" | "preparing" | "exchanging" = "idle";
  /** On the clock of `performance.now()`. */
  #renewAt = Infinity;
  #reliableUntil = Infinity;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Whether to call {@linkcode renew}. */
  get isDue(): boolean {
    return this.#renewAt !== Infinity && this.#state === "idle" &&
      performance.now() >= this.#renewAt;
  }

  /** Whether requests have to wait. */
  get isHolding(): boolean {
    return this.#state === "exchanging" ||
      (this.#state === "preparing" && performance.now() >= this.#reliableUntil);
  }

  /**
   * Authenticates for the first time.
   *
   * @throws {DqueueError} If that fails, or the connection ends.
   */
  async begin(exchange: AuthenticationExchange): Promise<void> {
    await this.#prove(await this.#prepare(), exchange);
  }

  /**
   * Authenticates again.
   *
   * @param exchange Called once the credentials are there.
   * @throws {DqueueError} If the connection cannot be used any more.
   */
  async renew(exchange: () => AuthenticationExchange): Promise<void> {
    this.#state = "preparing";
    try {
      const authentication = await this.#prepareInTime();
      this.#state = "exchanging";
      await this.#prove(authentication, exchange());
    } catch (error) {
      const isEarly = this.#state === "preparing" && performance.now() < this.#reliableUntil;
      if (!isEarly || !isRetriable(error)) throw error;
      this.#renewAt = performance.now() + RETRY_MS;
    } finally {
      this.#state = "idle";
    }
  }

  async #prepareInTime(): Promise<Authentication> {
    const { peer, authenticator, requestTimeoutMs } = this.#options;
    const ms = Math.max(requestTimeoutMs, this.#reliableUntil - performance.now());
    return await withTimeout(this.#prepare(), ms, () =>
      new ConnectionError(
        `Connection to ${peer} was closed: the function "${authenticator.pending ?? "sasl"}" of ` +
          "the client has not returned before the session ended",
        { advice: "Check what the function does" },
      ));
  }

  /** @throws The reason, if the connection ends meanwhile: a function of the program may hang. */
  #prepare(): Promise<Authentication> {
    const { authenticator, ended } = this.#options;
    return Promise.race([
      authenticator.prepare(),
      ended.then((reason): never => {
        throw reason;
      }),
    ]);
  }

  async #prove(authentication: Authentication, exchange: AuthenticationExchange): Promise<void> {
    // The broker's session begins with the last request of the exchange. The first may wait there for what
    // came before it, such as a fetch.
    let startedAt = performance.now();
    const lifetimeMs = await authentication({
      peer: exchange.peer,
      request: (api, body, minVersion) => {
        startedAt = performance.now();
        return exchange.request(api, body, minVersion);
      },
    });
    this.#renewAt = startedAt + renewalDelayMs(lifetimeMs);
    this.#reliableUntil = startedAt + reliableMs(lifetimeMs);
  }
}
