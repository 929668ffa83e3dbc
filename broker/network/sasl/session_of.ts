/**
 * The session of a client that has authenticated.
 *
 * @module
 */

import type { SaslIdentity } from "../../security/sasl/sasl_exchange.ts";
import type { Session } from "../../security/session.ts";

/** Returns the session that replaces the one that a connection had before. */
export function sessionOf(before: Session, { principal, expiresMs }: SaslIdentity): Session {
  const { host, listener, isLocal } = before;
  return {
    principal,
    host,
    listener,
    isLocal,
    ...(expiresMs === undefined ? {} : { expiresMs }),
  };
}
