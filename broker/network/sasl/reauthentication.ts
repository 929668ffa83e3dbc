/**
 * The authentication of a connection after the first one: when it is due, and how it goes (KIP-368).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type {
  SaslAuthenticateRequest,
  SaslAuthenticateResponse,
} from "../../../protocol/messages/security/sasl_authenticate.ts";
import { saslAuthenticate } from "../../../protocol/messages/security/sasl_authenticate.ts";
import type {
  SaslHandshakeRequest,
  SaslHandshakeResponse,
} from "../../../protocol/messages/security/sasl_handshake.ts";
import { saslHandshake } from "../../../protocol/messages/security/sasl_handshake.ts";
import type { Api } from "../../../protocol/schema/schema.ts";
import { ApiError } from "../../api_error.ts";
import type { Reauthenticator } from "../../handler.ts";
import {
  SaslExchange,
  type SaslIdentity,
  type SaslMechanisms,
} from "../../security/sasl/sasl_exchange.ts";
import type { SaslFailure } from "../../security/sasl/sasl_server.ts";
import type { Clock } from "../../time/clock.ts";
import type { FailureDelay } from "./failure_delay.ts";

/** A client that authenticates again sooner is refused, as in Kafka. */
const MIN_INTERVAL_MS = 1000;

/** What re-authentication needs. */
export interface ReauthenticationOptions {
  /** Who the client is. */
  readonly identity: SaslIdentity;
  readonly mechanisms: SaslMechanisms;
  readonly delay: FailureDelay;
  readonly clock: Clock;
  readonly onFailure: (failure: SaslFailure, mechanism: string) => void;
  readonly onSuccess: (identity: SaslIdentity) => void;
}

/** The re-authentication of one connection. */
export class Reauthentication implements Reauthenticator {
  readonly #options: ReauthenticationOptions;
  #identity: SaslIdentity;
  #exchange: SaslExchange | undefined;
  #lastStartMs = -Infinity;
  #hasFailed = false;
  /** Called with who the client is after each success. */
  onRenewed: (identity: SaslIdentity) => void = () => {};

  constructor(options: ReauthenticationOptions) {
    this.#options = options;
    this.#identity = options.identity;
  }

  /** Whether the connection must be closed once all its requests are answered. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Whether the client's credential is still what it was when the client authenticated. */
  get isCurrent(): boolean {
    return this.#identity.isCurrent?.() ?? true;
  }

  /** Whether a request comes too late: all but the one that begins a re-authentication. */
  isLate(apiKey: number): boolean {
    const { expiresMs } = this.#identity;
    return expiresMs !== undefined && this.#exchange === undefined &&
      apiKey !== saslHandshake.key && this.#options.clock.monotonic() >= expiresMs;
  }

  /** Refuses a request that comes instead of a token, after a delay; undefined if it is welcome. */
  refuse({ key, name }: Api, signal: AbortSignal): Promise<never> | undefined {
    if (this.#exchange === undefined || key === saslAuthenticate.key) return undefined;
    this.#hasFailed = true;
    const reason = `it sent ${name} instead of a token`;
    this.#options.onFailure({ type: "failure", reason }, this.#exchange.mechanism ?? "");
    return this.#options.delay.wait(signal).then(() => {
      throw new ApiError(
        ErrorCode.ILLEGAL_SASL_STATE,
        `Unexpected ${name} request during SASL authentication`,
      );
    });
  }

  /** Begins; undefined if the client need not authenticate again, or has done so just now. */
  handshake(
    { mechanism }: SaslHandshakeRequest,
    signal: AbortSignal,
  ): SaslHandshakeResponse | Promise<SaslHandshakeResponse> | undefined {
    const { mechanisms, clock, delay, onFailure } = this.#options;
    const nowMs = clock.monotonic();
    if (this.#identity.expiresMs === undefined) return undefined;
    if (nowMs - this.#lastStartMs < MIN_INTERVAL_MS) return undefined;
    this.#lastStartMs = nowMs;
    const exchange = new SaslExchange(mechanisms, clock, this.#identity);
    const answer = exchange.handshake(mechanism);
    if (answer.errorCode === ErrorCode.NONE) {
      this.#exchange = exchange;
      return answer;
    }
    this.#hasFailed = true;
    onFailure({ type: "failure", reason: "the mechanism is not enabled" }, mechanism);
    return delay.wait(signal).then(() => answer);
  }

  /** Takes a token; undefined if no exchange has begun. */
  authenticate(
    { authBytes }: SaslAuthenticateRequest,
    signal: AbortSignal,
  ): Promise<SaslAuthenticateResponse> | undefined {
    return this.#exchange === undefined ? undefined : this.#take(this.#exchange, authBytes, signal);
  }

  async #take(
    exchange: SaslExchange,
    token: Uint8Array,
    signal: AbortSignal,
  ): Promise<SaslAuthenticateResponse> {
    const { response, outcome } = await exchange.authenticate(token);
    if (outcome.type === "failure") {
      this.#hasFailed = true;
      this.#options.onFailure(outcome.failure, exchange.mechanism ?? "");
      await this.#options.delay.wait(signal);
    } else if (outcome.type === "success") {
      this.#exchange = undefined;
      this.#identity = outcome.identity;
      // The credential may have changed while it was checked.
      if (!this.isCurrent) this.#hasFailed = true;
      this.#options.onSuccess(outcome.identity);
      this.onRenewed(outcome.identity);
    }
    return response;
  }
}
