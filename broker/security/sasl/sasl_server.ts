/**
 * The server's side of one SASL exchange.
 *
 * @module
 */

import type { Principal } from "../principal.ts";

/** Who has authenticated, and until when. */
export interface SaslLogin {
  readonly principal: Principal;
  /** When what was shown expires, in milliseconds since the epoch. Default: never. */
  readonly expiresAtMs?: number;
  /** Whether what was shown is still valid: its end ends the connection. Default: it always is. */
  readonly isCurrent?: () => boolean;
}

/** The answer to a message of the client. */
export type SaslStep =
  | { readonly type: "challenge"; readonly bytes: Uint8Array }
  | { readonly type: "success"; readonly bytes: Uint8Array; readonly login: SaslLogin }
  | SaslFailure;

/** The client has not shown who it is. */
export interface SaslFailure {
  readonly type: "failure";
  /** What the client is told. Default: that its credentials are invalid. */
  readonly message?: string;
  /** What the mechanism itself says about it. Default: nothing. */
  readonly bytes?: Uint8Array;
  /** What is logged. It has no part of a secret. */
  readonly reason: string;
  /** Who the client claims to be, if it said so. */
  readonly user?: string;
}

/** One exchange. */
export interface SaslServer {
  /** The name of the mechanism. */
  readonly mechanism: string;
  /** Takes a message of the client. Never throws for what the client sent. */
  evaluate(message: Uint8Array): SaslStep | Promise<SaslStep>;
}

/** A failure whose client is told no more than that its credentials are invalid. */
export function failure(reason: string, user?: string): SaslFailure {
  return { type: "failure", reason, ...(user === undefined ? {} : { user }) };
}

/** Nothing to send. */
export const NOTHING: Uint8Array = new Uint8Array(0);
