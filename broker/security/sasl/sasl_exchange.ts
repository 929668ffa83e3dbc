/**
 * What a broker answers to SaslHandshake and SaslAuthenticate, for a connection that authenticates for
 * the first time or again (KIP-43, KIP-152, KIP-368).
 *
 * It knows nothing of frames or sockets. After a failure the connection must be closed.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { SaslAuthenticateResponse } from "../../../protocol/messages/security/sasl_authenticate.ts";
import type { SaslHandshakeResponse } from "../../../protocol/messages/security/sasl_handshake.ts";
import type { Clock } from "../../time/clock.ts";
import type { Principal } from "../principal.ts";
import { NOTHING, type SaslFailure, type SaslLogin, type SaslServer } from "./sasl_server.ts";

/** The mechanisms of a listener. */
export interface SaslMechanisms {
  /** Their names. */
  readonly enabled: readonly string[];
  /** Milliseconds after which clients must authenticate again (KIP-368); 0 for never. */
  maxReauthMs(mechanism: string): number;
  /** Starts an exchange; undefined if the mechanism is not enabled. */
  start(mechanism: string): SaslServer | undefined;
}

/** A login that has succeeded. */
export interface SaslIdentity extends SaslLogin {
  readonly mechanism: string;
  /** When the client must have authenticated again, by the monotonic clock. Default: never. */
  readonly expiresMs?: number;
}

/** The outcome of an exchange. */
export type SaslOutcome =
  | { readonly type: "continue" }
  | { readonly type: "success"; readonly identity: SaslIdentity }
  | { readonly type: "failure"; readonly failure: SaslFailure };

/** An answer, and the outcome so far. */
export interface SaslAnswer {
  readonly response: SaslAuthenticateResponse;
  readonly outcome: SaslOutcome;
}

const CONTINUE: SaslOutcome = { type: "continue" };

/** One exchange. */
export class SaslExchange {
  readonly #mechanisms: SaslMechanisms;
  readonly #clock: Clock;
  readonly #previous: SaslIdentity | undefined;
  #server: SaslServer | undefined;

  /** @param previous Who the client was, if it authenticates again. */
  constructor(mechanisms: SaslMechanisms, clock: Clock, previous?: SaslIdentity) {
    this.#mechanisms = mechanisms;
    this.#clock = clock;
    this.#previous = previous;
  }

  /** The mechanism that was selected, if any. */
  get mechanism(): string | undefined {
    return this.#server?.mechanism;
  }

  /** Selects a mechanism. */
  handshake(mechanism: string): SaslHandshakeResponse {
    this.#server = this.#mechanisms.start(mechanism);
    return {
      errorCode: this.#server === undefined ? ErrorCode.UNSUPPORTED_SASL_MECHANISM : ErrorCode.NONE,
      mechanisms: this.#mechanisms.enabled,
    };
  }

  /** Takes a message of the mechanism. Call it after a successful handshake. */
  async authenticate(message: Uint8Array): Promise<SaslAnswer> {
    const server = this.#server!;
    const refusal = this.#refusalOfMechanism(server.mechanism);
    if (refusal !== undefined) return this.#refused(refusal);
    const step = await server.evaluate(message);
    switch (step.type) {
      case "challenge":
        return { response: accepted(step.bytes, 0), outcome: CONTINUE };
      case "failure":
        return this.#refused(step);
      case "success":
        return this.#succeeded(step.login, step.bytes, server.mechanism);
    }
  }

  #succeeded(login: SaslLogin, bytes: Uint8Array, mechanism: string): SaslAnswer {
    const before = this.#previous && textOf(this.#previous.principal);
    const now = textOf(login.principal);
    if (before !== undefined && before !== now) {
      const message = `Cannot change principals during re-authentication from ${before}: ${now}`;
      return this.#refused({ type: "failure", message, reason: message });
    }
    const lifetimeMs = this.#lifetimeOf(login, mechanism);
    const identity: SaslIdentity = {
      ...login,
      mechanism,
      ...(lifetimeMs === undefined ? {} : { expiresMs: this.#clock.monotonic() + lifetimeMs }),
    };
    return {
      response: accepted(bytes, lifetimeMs ?? 0),
      outcome: { type: "success", identity },
    };
  }

  /** How long the client may stay, in whole milliseconds; undefined if for ever. */
  #lifetimeOf({ expiresAtMs }: SaslLogin, mechanism: string): number | undefined {
    const maxReauthMs = this.#mechanisms.maxReauthMs(mechanism);
    const limits: number[] = [];
    if (maxReauthMs > 0) limits.push(maxReauthMs);
    if (expiresAtMs !== undefined) limits.push(expiresAtMs - this.#clock.now());
    if (limits.length === 0) return undefined;
    // A token may say that it never expires with a number that int64 does not have.
    return Math.max(0, Math.floor(Math.min(Number.MAX_SAFE_INTEGER, ...limits)));
  }

  #refusalOfMechanism(mechanism: string): SaslFailure | undefined {
    const previous = this.#previous?.mechanism;
    if (previous === undefined || previous === mechanism) return undefined;
    const message =
      `Cannot change mechanisms during re-authentication from ${previous}: ${mechanism}`;
    return { type: "failure", message, reason: message };
  }

  #refused(failure: SaslFailure): SaslAnswer {
    const when = this.#previous === undefined ? "authentication" : "re-authentication";
    const errorMessage = failure.message ??
      `Authentication failed during ${when} due to invalid credentials with SASL mechanism ` +
        this.mechanism;
    return {
      response: {
        errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED,
        errorMessage,
        authBytes: failure.bytes ?? NOTHING,
        sessionLifetimeMs: 0,
      },
      outcome: { type: "failure", failure },
    };
  }
}

/** A principal as Kafka writes it here, with a dot. */
function textOf({ type, name }: Principal): string {
  return `${type}.${name}`;
}

function accepted(authBytes: Uint8Array, sessionLifetimeMs: number): SaslAuthenticateResponse {
  return { errorCode: ErrorCode.NONE, errorMessage: "", authBytes, sessionLifetimeMs };
}
