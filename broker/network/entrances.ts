/**
 * The connections that are not known yet: in a handshake of TLS, or before their login.
 *
 * If brokers have a listener of their own, a tenth of what such connections may occupy is reserved for it,
 * and clients cannot push brokers out: those that come, and what makes room for them, are kept apart.
 *
 * @module
 */

import {
  UnauthenticatedConnections,
  type UnauthenticatedOptions,
  type Visit,
} from "./unauthenticated_connections.ts";

/** Options of {@linkcode Entrances}. */
export interface EntrancesOptions
  extends Pick<UnauthenticatedOptions, "clock" | "maxMs" | "onEnded"> {
  /** Whether brokers have a listener of their own. */
  readonly hasReserved: boolean;
}

/** A stage before a connection is known. */
export type Stage = "handshake" | "login";

const MAX_CONNECTIONS = 4096;
const MAX_BYTES = 16 * 1024 * 1024;
/**
 * Connections of one address in each stage. Many clients may come back at once, and a handshake takes a
 * millisecond of one core.
 */
const MAX_PER_HOST: Readonly<Record<Stage, number>> = { handshake: 2048, login: 256 };
/** The part of all limits that is reserved for brokers. */
const RESERVED_PART = 0.1;

type Stages = Readonly<Record<Stage, UnauthenticatedConnections>>;

/** The connections of a server that are not known yet. */
export class Entrances {
  readonly #ofClients: Stages;
  readonly #ofBrokers: Stages;

  constructor({ hasReserved, ...options }: EntrancesOptions) {
    const stages = (part: number): Stages => {
      const limits = (stage: Stage) => ({
        ...options,
        maxConnections: Math.floor(MAX_CONNECTIONS * part),
        maxPerHost: MAX_PER_HOST[stage],
        maxBytes: Math.floor(MAX_BYTES * part),
      });
      return {
        handshake: new UnauthenticatedConnections(limits("handshake")),
        login: new UnauthenticatedConnections(limits("login")),
      };
    };
    this.#ofClients = stages(hasReserved ? 1 - RESERVED_PART : 1);
    this.#ofBrokers = hasReserved ? stages(RESERVED_PART) : this.#ofClients;
  }

  /** Number of connections. */
  get size(): number {
    return this.#all.reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * Adds a connection to a stage.
   *
   * @param isReserved Whether it came by the listener that brokers have of their own.
   * @param listener The listener's name.
   * @param host The client's IP address.
   * @param end Closes the connection at once.
   */
  enter(
    stage: Stage,
    isReserved: boolean,
    listener: string,
    host: string,
    end: () => void,
  ): Visit {
    return (isReserved ? this.#ofBrokers : this.#ofClients)[stage].enter(host, end, listener);
  }

  /** Ends the oldest connection of a client, of one listener or of all; false if there is none. */
  makeRoom(listener?: string): boolean {
    return makeRoom(this.#ofClients, listener);
  }

  /** Ends the oldest connection of the listener that brokers have of their own; false if there is none. */
  makeReservedRoom(): boolean {
    return makeRoom(this.#ofBrokers);
  }

  /** Ends all. */
  close(): void {
    for (const each of this.#all) each.close();
  }

  get #all(): readonly UnauthenticatedConnections[] {
    return [...new Set([this.#ofClients, this.#ofBrokers])]
      .flatMap(({ handshake, login }) => [handshake, login]);
  }
}

function makeRoom({ handshake, login }: Stages, listener?: string): boolean {
  return handshake.makeRoom(listener) || login.makeRoom(listener);
}
