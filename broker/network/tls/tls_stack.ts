/**
 * What the runtime's two implementations of TLS have in common: `node:tls`, and `Deno.listenTls` where
 * that cannot listen, as in Deno 2.6.
 *
 * @module
 */

import type { TLS_VERSIONS } from "../../settings/tls_settings.ts";
import type { Clock } from "../../time/clock.ts";
import type { ClientCertificates } from "./client_certificates.ts";
import type { TlsCredentials } from "./credentials.ts";
import type { SecureConn } from "./secure_listener.ts";

/** A version of TLS. */
export type TlsVersion = typeof TLS_VERSIONS[number];

/** How a stack serves a listener. */
export interface TlsServing {
  readonly clock: Clock;
  /** Versions that clients may use. */
  readonly versions: readonly TlsVersion[];
  /** Whether clients need a certificate. */
  readonly isClientAuthRequired: boolean;
  /** Decides about certificates of clients; undefined if they are not asked for one. */
  readonly clients: ClientCertificates | undefined;
}

/** A listener of a stack. */
export interface TlsStackListener {
  readonly addr: Deno.NetAddr;
  accept(): Promise<SecureConn>;
  /** Uses other credentials for new connections. */
  use(credentials: TlsCredentials): void;
  close(): void;
}

/** Time from accepting a connection to the end of its handshake. */
export const HANDSHAKE_MS = 10_000;

/** The error of `accept()` after `close()`. */
export function closedListener(): Error {
  return new Deno.errors.BadResource("Listener has been closed");
}
