/**
 * Lets clients of SASL listeners in, once they have authenticated, and keeps account of it.
 *
 * @module
 */

import { FrameSizeError } from "../../../protocol/frames/framing.ts";
import type { ByteDuplex } from "../../../protocol/frames/channel.ts";
import { addressGroup } from "../../../protocol/ip_address.ts";
import type { BrokerContext } from "../../handler.ts";
import type { HandlerTable } from "../../handlers/mod.ts";
import type { SaslAuthenticator } from "../../security/sasl/sasl_authenticator.ts";
import type { SaslIdentity } from "../../security/sasl/sasl_exchange.ts";
import type { SaslFailure } from "../../security/sasl/sasl_server.ts";
import type { Session } from "../../security/session.ts";
import { isClientsFault, isDisconnect } from "../failures.ts";
import { foreignProtocolOf } from "../foreign_protocol.ts";
import { authenticate, type Authenticated } from "./authentication.ts";
import { FailureDelay } from "./failure_delay.ts";
import { OncePerMinute } from "./once_per_minute.ts";
import { Reauthentication } from "./reauthentication.ts";
import { sessionOf } from "./session_of.ts";

/** A connection whose client wants in. */
export interface Applicant {
  readonly socket: ByteDuplex;
  readonly peer: string;
  /** The client before it has authenticated. */
  readonly session: Session;
  /** Called with the bytes of memory that are held. */
  readonly onHeld: (bytes: number) => void;
  /** Aborted when the connection is closed. */
  readonly signal: AbortSignal;
}

/** A client that has authenticated. */
export interface Admitted extends Pick<Authenticated, "unread" | "software"> {
  readonly session: Session;
  readonly reauthentication: Reauthentication;
}

/** The entrance of SASL listeners. */
export class SaslGate {
  readonly #broker: BrokerContext;
  readonly #handlers: HandlerTable;
  readonly #authenticator: SaslAuthenticator;
  readonly #delay: FailureDelay;
  readonly #log: OncePerMinute;

  /** Ends what the gate has started. */
  readonly close: () => void;

  /** @param close Ends what the gate has started. Default: nothing. */
  constructor(
    broker: BrokerContext,
    handlers: HandlerTable,
    authenticator: SaslAuthenticator,
    close: () => void = () => {},
  ) {
    this.close = close;
    const { clock, config } = broker;
    this.#broker = broker;
    this.#handlers = handlers;
    this.#authenticator = authenticator;
    this.#delay = new FailureDelay(
      clock,
      () => config.get("connection.failed.authentication.delay.ms"),
    );
    this.#log = new OncePerMinute(clock);
  }

  /**
   * Resolves when a client has authenticated, with `undefined` if it has not; the connection must then
   * be closed. Never rejects.
   */
  async admit(applicant: Applicant): Promise<Admitted | undefined> {
    try {
      return await this.#admit(applicant);
    } catch (error) {
      if (!applicant.signal.aborted) this.#broke(error, applicant);
      return undefined;
    }
  }

  async #admit(applicant: Applicant): Promise<Admitted | undefined> {
    const { socket, peer, session, onHeld, signal } = applicant;
    const { clock, config } = this.#broker;
    const network = addressGroup(session.host);
    const mechanisms = this.#authenticator.mechanismsOf(session.listener.name, network);
    const delay = this.#delay;
    const onFailure = (failure: SaslFailure, mechanism: string) =>
      this.#failed(failure, mechanism, applicant);
    const authenticated = await authenticate({
      socket,
      peer,
      session,
      broker: this.#broker,
      handlers: this.#handlers,
      mechanisms,
      delay,
      maxFrameSize: config.ofListener(session.listener.name).get("sasl.server.max.receive.size"),
      onHeld,
      signal,
      onFailure,
    });
    if (authenticated === undefined) return undefined;
    const { identity, ...rest } = authenticated;
    const onSuccess = (identity: SaslIdentity) => this.#succeeded(identity, session);
    onSuccess(identity);
    const reauthentication = new Reauthentication({
      identity,
      mechanisms,
      delay,
      clock,
      onFailure,
      onSuccess,
    });
    return { ...rest, session: sessionOf(session, identity), reauthentication };
  }

  /**
   * Calls `listener` when credentials have been changed or deleted.
   *
   * @returns A function that ends it.
   */
  onRevocation(listener: () => void): () => void {
    return this.#authenticator.onRevocation(listener);
  }

  /** Logs why a connection ends without an answer. */
  #broke(error: unknown, { peer, session: { host, listener } }: Applicant): void {
    if (!isClientsFault(error)) {
      if (!isDisconnect(error)) this.#broker.logger.error("Authentication failed", { peer, error });
      return;
    }
    this.#broker.counters.authentications.failed++;
    const before = this.#log.mayLog(host);
    if (before === undefined) return;
    const foreign = error instanceof FrameSizeError ? foreignProtocolOf(error) : undefined;
    this.#broker.logger.warn("Closed connection: client does not authenticate", {
      peer,
      listener: listener.name,
      reason: foreign === undefined ? error.message : `it speaks ${foreign.name}`,
      hint: `set security.protocol=${listener.protocol} in the client`,
      ...(before > 0 ? { notLogged: before } : {}),
    });
  }

  #succeeded(identity: SaslIdentity, before: Session): void {
    const { counters, audit } = this.#broker;
    counters.authentications.succeeded++;
    const session = sessionOf(before, identity);
    audit.record({ event: "authn.ok", session, rule: identity.mechanism });
  }

  #failed({ reason, user }: SaslFailure, mechanism: string, { peer, session }: Applicant): void {
    const { counters, logger, audit } = this.#broker;
    counters.authentications.failed++;
    audit.record({
      event: "authn.fail",
      session,
      rule: `${mechanism}: ${reason}`,
      ...(user === undefined ? {} : { resourceType: "USER", resource: user }),
    });
    const { host, listener } = session;
    const before = this.#log.mayLog(host);
    if (before === undefined) return;
    logger.info("Client failed to authenticate", {
      peer,
      listener: listener.name,
      mechanism: cut(mechanism),
      ...(user === undefined ? {} : { user: cut(user) }),
      reason,
      ...(before > 0 ? { notLogged: before } : {}),
    });
  }
}

const MAX_LOGGED = 256;

/** What a client says is not to fill the log. */
function cut(text: string): string {
  return text.length <= MAX_LOGGED ? text : `${text.slice(0, MAX_LOGGED)}…`;
}
