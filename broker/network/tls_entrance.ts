/**
 * Lets clients of TLS listeners in: completes the handshake, and says why it fails, at most once a minute
 * for each address.
 *
 * @module
 */

import type { BrokerContext } from "../handler.ts";
import { USER_TYPE } from "../security/principal.ts";
import type { Session } from "../security/session.ts";
import { OncePerMinute } from "./sasl/once_per_minute.ts";
import type { SecureConn, TlsHandshakeError } from "./tls/secure_listener.ts";

/** The entrance of TLS listeners. */
export class TlsEntrance {
  readonly #broker: BrokerContext;
  readonly #log: OncePerMinute;

  constructor(broker: BrokerContext) {
    this.#broker = broker;
    this.#log = new OncePerMinute(broker.clock);
  }

  /**
   * Resolves when a handshake is complete, to the session of the client: that of the user in its
   * certificate, if it has one. Resolves to `undefined` if it failed; the connection is closed then.
   * Never rejects.
   */
  async admit(conn: SecureConn, peer: string, session: Session): Promise<Session | undefined> {
    const { counters } = this.#broker;
    try {
      const { principalName } = await conn.handshake();
      // The user of the others is the one that logs in.
      if (session.listener.protocol !== "SSL") return session;
      counters.authentications.succeeded++;
      if (principalName === undefined) return session;
      return { ...session, principal: { type: USER_TYPE, name: principalName } };
    } catch (error) {
      this.#failed(error as Error, peer, session);
      return undefined;
    }
  }

  #failed(error: Error, peer: string, { host, listener: { name: listener } }: Session): void {
    const { counters, logger } = this.#broker;
    // The class is in a room that is loaded on demand.
    const kind = error.name === "TlsHandshakeError" ? (error as TlsHandshakeError).kind : undefined;
    if (kind === undefined) return logger.error("TLS handshake failed", { peer, listener, error });
    // Health checks connect, and leave without a word.
    if (kind === "gone") return;
    counters.authentications.failed++;
    const before = this.#log.mayLog(host);
    if (before === undefined) return;
    logger.warn("Closed connection before the end of its TLS handshake", {
      peer,
      listener,
      reason: error.message,
      ...(before > 0 ? { notLogged: before } : {}),
    });
  }
}
