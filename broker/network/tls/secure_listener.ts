/**
 * What TLS offers to the server: listeners whose connections have to complete a handshake.
 *
 * @module
 */

import type { ByteDuplex } from "../../../protocol/frames/channel.ts";
import type { ListenerIdentity } from "../../security/session.ts";
import type { HostPort } from "../../settings/listener.ts";
import type { TlsConfig } from "../../settings/tls_settings.ts";
import type { Logger } from "../../logger.ts";
import type { Clock } from "../../time/clock.ts";

/** Options of {@linkcode openTlsListener}. */
export interface TlsListenerOptions {
  /** The address to bind. */
  readonly address: HostPort;
  /** The listener, for log lines and metrics. */
  readonly identity: ListenerIdentity;
  /** The settings as this listener has them. */
  readonly config: TlsConfig;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Who is at the other end of a connection whose handshake is complete. */
export interface TlsPeer {
  /**
   * The name in the client's certificate after `ssl.principal.mapping.rules`; undefined if the client has
   * none, which `ssl.client.auth=required` does not let happen.
   */
  readonly principalName: string | undefined;
}

/** An accepted connection. Its streams can be used once `handshake()` has resolved. */
export interface SecureConn extends ByteDuplex {
  /** Where the client connects from. */
  readonly remoteAddr: Deno.NetAddr;
  /**
   * Completes the handshake. Calling it again returns the same promise.
   *
   * @throws {TlsHandshakeError} If the peer does not speak TLS, has no acceptable certificate, or takes
   * too long; the connection is closed then.
   */
  handshake(): Promise<TlsPeer>;
}

/** The certificate that a listener shows. */
export interface ShownCertificate {
  /** The listener's name. */
  readonly listener: string;
  /** The certificate's name. */
  readonly name: string;
  /** When it expires, in milliseconds since the epoch. */
  readonly notAfterMs: number;
  /** Whether its file has changed to something that cannot be used. */
  readonly isStale: boolean;
}

/** Listens for connections by TLS; the counterpart of `Deno.TcpListener`. */
export interface SecureListener {
  /** The bound address. */
  readonly addr: Deno.NetAddr;
  /** The certificates of new connections. */
  readonly certificates: readonly ShownCertificate[];
  /** Returns the next connection, before its handshake. @throws {Deno.errors.BadResource} Once closed. */
  accept(): Promise<SecureConn>;
  /** Stops listening and closes connections whose handshake is not complete. */
  close(): void;
}

/** Why a handshake failed. */
export type HandshakeFailure =
  /** The peer speaks another protocol. */
  | "foreign"
  /** The peer's certificate is missing, not trusted or not acceptable. */
  | "certificate"
  /** It took too long. */
  | "overdue"
  /** The peer has left. */
  | "gone"
  /** The peer does not trust this side, or the two have no version or cipher in common. */
  | "other";

/** A handshake failed. */
export class TlsHandshakeError extends Error {
  override name = "TlsHandshakeError";
  readonly kind: HandshakeFailure;

  constructor(kind: HandshakeFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
