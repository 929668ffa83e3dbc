/**
 * What is known about the client of a connection: who it is, where it connects from, and how.
 *
 * @module
 */

import { EMBEDDED_NAME, type SecurityProtocol } from "../settings/listener.ts";
import { ANONYMOUS, type Principal } from "./principal.ts";

export type { SecurityProtocol } from "../settings/listener.ts";

/** A listener as connections see it. */
export interface ListenerIdentity {
  /** Its name, such as `INTERNAL`; that of its protocol if it has no other. */
  readonly name: string;
  /** What it demands of connections. */
  readonly protocol: SecurityProtocol;
}

/** A connection's client. Replaced as a whole when the client authenticates again (KIP-368). */
export interface Session {
  /** Who the client is. */
  readonly principal: Principal;
  /** The client's IP address as text, without a port; empty for a connection within this process. */
  readonly host: string;
  /** The listener that it has come by. */
  readonly listener: ListenerIdentity;
  /** Whether the connection is within this process, or comes from this machine. */
  readonly isLocal: boolean;
  /** When the client has to have authenticated again, by the monotonic clock. Default: never. */
  readonly expiresMs?: number;
}

/** The listener of connections within this process. */
export const EMBEDDED_LISTENER: ListenerIdentity = { name: EMBEDDED_NAME, protocol: "PLAINTEXT" };

/** The same for clients from whom nobody on the way can read what they send. */
export const SECURE_EMBEDDED_LISTENER: ListenerIdentity = { name: EMBEDDED_NAME, protocol: "SSL" };

/** The session of a connection within this process. */
export const EMBEDDED_SESSION: Session = {
  principal: ANONYMOUS,
  host: "",
  listener: EMBEDDED_LISTENER,
  isLocal: true,
};
