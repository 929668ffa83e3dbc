/**
 * The state of a client's connections, as reported to the program.
 *
 * A client has several connections to a broker, one for each lane. The program is interested in the
 * broker, so it gets the first connection that opens and the last one that ends.
 *
 * @module
 */

import { type BrokerAddress, formatAddress } from "./address.ts";
import { ClosedError, type DqueueError } from "../errors.ts";

/**
 * The state of a client's connections to one broker.
 *
 * - `connected`: at least one is open
 * - `disconnected`: the last one has ended; the client connects again when it needs the broker
 * - `unreachable`: the last attempt to connect has failed
 */
export type ConnectionState = "connected" | "disconnected" | "unreachable";

/** The status of a client's connections to one broker. */
export interface ConnectionStatus {
  /** The address of the broker, `host:port`. */
  readonly broker: string;
  /** The state. */
  readonly state: ConnectionState;
  /** The time of the last change, in milliseconds since 1970. */
  readonly since: number;
  /**
   * Why the last connection was lost, or the last attempt has failed; undefined while connected, and
   * if the client itself closed the connection.
   */
  readonly error: DqueueError | undefined;
}

/** Receives the changes of connections. */
export interface ConnectionObserver {
  /** Called when a connection is open. */
  onOpen(address: BrokerAddress): void;
  /** Called when an open connection has ended. */
  onEnd(address: BrokerAddress, reason: DqueueError): void;
  /** Called when an attempt to connect has failed. */
  onFailure(address: BrokerAddress, error: DqueueError): void;
}

/** Combines the connections to each broker, and reports changes. */
export class ConnectionMonitor implements ConnectionObserver {
  readonly #onStatus: ((status: ConnectionStatus) => void) | undefined;
  readonly #open = new Map<string, number>();
  readonly #statuses = new Map<string, ConnectionStatus>();

  /** @param onStatus The program's callback. */
  constructor(onStatus: ((status: ConnectionStatus) => void) | undefined) {
    this.#onStatus = onStatus;
  }

  /** The status of each broker that the client is connected to, or has lost. */
  get statuses(): readonly ConnectionStatus[] {
    return [...this.#statuses.values()];
  }

  onOpen(address: BrokerAddress): void {
    const broker = formatAddress(address);
    const open = this.#open.get(broker) ?? 0;
    this.#open.set(broker, open + 1);
    if (open === 0) this.#set(broker, "connected");
  }

  onEnd(address: BrokerAddress, reason: DqueueError): void {
    const broker = formatAddress(address);
    const open = this.#open.get(broker)! - 1;
    if (open > 0) {
      this.#open.set(broker, open);
      return;
    }
    this.#open.delete(broker);
    const isLost = !(reason instanceof ClosedError);
    this.#set(broker, "disconnected", isLost ? reason : undefined);
    // Brokers come and go over the years of a client.
    if (!isLost) this.#statuses.delete(broker);
  }

  onFailure(address: BrokerAddress, error: DqueueError): void {
    const broker = formatAddress(address);
    if (!this.#open.has(broker)) this.#set(broker, "unreachable", error);
  }

  #set(broker: string, state: ConnectionState, error?: DqueueError): void {
    const status = { broker, state, since: Date.now(), error };
    this.#statuses.set(broker, status);
    try {
      this.#onStatus?.(status);
    } catch (error) {
      // As for an event listener: the connection has nothing to do with it.
      reportError(error);
    }
  }
}
