/**
 * Connections for one purpose, at most one to each broker.
 *
 * Answers come in the order of the requests, so whoever asks what takes long has a lane of its own: a
 * consumer's fetches wait for data and must not hold up anybody else's requests. A lane opens
 * connections when they are needed, opens them again when they were lost, and waits longer after each
 * attempt that failed.
 *
 * @module
 */

import { type BrokerAddress, formatAddress } from "./address.ts";
import { backoffMs } from "./backoff.ts";
import { BrokerConnection } from "./connection.ts";
import type { Dialer } from "./dialer.ts";
import { ClosedError, isRetriable, TimeoutError } from "../errors.ts";
import { abortable, delay } from "./waiting.ts";
import { Timer } from "./timer.ts";

/** How a lane opens its connections. */
export interface ConnectionLaneOptions {
  readonly dialer: Dialer;
  readonly clientId: string;
  /** How long a request may take unless it says otherwise. */
  readonly requestTimeoutMs: number;
  /** How long it may take to reach a broker and learn what it speaks. */
  readonly connectTimeoutMs: number;
  /** The wait after the first attempt that failed. */
  readonly initialBackoffMs: number;
  /** The longest wait between attempts. */
  readonly maxBackoffMs: number;
}

interface Peer {
  readonly address: BrokerAddress;
  connection: BrokerConnection | undefined;
  opening: Promise<BrokerConnection> | undefined;
  /** Attempts in a row that failed. */
  failures: number;
  /** When the next attempt may be made. */
  retryAt: number;
}

/** At most one connection to each broker, opened when needed. */
export class ConnectionLane {
  readonly #options: ConnectionLaneOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(options: ConnectionLaneOptions) {
    this.#options = options;
  }

  /** The open connection to a broker, if there is one. */
  existing(address: BrokerAddress): BrokerConnection | undefined {
    const connection = this.#peers.get(formatAddress(address))?.connection;
    return connection?.isOpen ? connection : undefined;
  }

  /**
   * The open connection to a broker; opens one if there is none.
   *
   * @throws {ConnectionError} If the broker cannot be reached.
   * @throws {TimeoutError} If that takes too long.
   * @throws {ClosedError} If the lane is closed.
   */
  connection(address: BrokerAddress, signal?: AbortSignal): Promise<BrokerConnection> {
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason);
    const key = formatAddress(address);
    let peer = this.#peers.get(key);
    if (peer === undefined) {
      peer = { address, connection: undefined, opening: undefined, failures: 0, retryAt: 0 };
      this.#peers.set(key, peer);
    }
    if (peer.connection?.isOpen) return Promise.resolve(peer.connection);
    peer.opening ??= this.#open(peer);
    return abortable(peer.opening, signal);
  }

  /** Closes all connections. Safe to call again. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#closing.abort(new ClosedError("Connections were closed"));
    const peers = [...this.#peers.values()];
    await Promise.all(peers.map((peer) => peer.opening?.catch(() => {})));
    await Promise.all(peers.map((peer) => peer.connection?.close()));
  }

  async #open(peer: Peer): Promise<BrokerConnection> {
    const closing = this.#closing.signal;
    try {
      const wait = peer.retryAt - performance.now();
      if (wait > 0) await delay(wait, closing);
      const connection = await this.#dial(peer, closing);
      peer.failures = 0;
      peer.connection = connection;
      return connection;
    } catch (error) {
      // What fails for good, as without a permission, need not be waited for to fail again.
      if (!isRetriable(error)) throw error;
      peer.failures++;
      peer.retryAt = performance.now() + backoffMs(
        peer.failures,
        this.#options.initialBackoffMs,
        this.#options.maxBackoffMs,
      );
      throw error;
    } finally {
      peer.opening = undefined;
    }
  }

  async #dial(peer: Peer, closing: AbortSignal): Promise<BrokerConnection> {
    const { dialer, clientId, requestTimeoutMs, connectTimeoutMs } = this.#options;
    const late = new AbortController();
    const startedAt = performance.now();
    const timer = new Timer(() => late.abort(timeout(peer, connectTimeoutMs)), connectTimeoutMs);
    const onClose = () => late.abort(closing.reason);
    closing.addEventListener("abort", onClose);
    try {
      closing.throwIfAborted();
      const dialing = dialer.dial(peer.address, late.signal);
      // A channel that opens after all is not left open.
      dialing.then((channel) => late.signal.aborted && channel.abort(), () => {});
      const channel = await abortable(dialing, late.signal);
      return await BrokerConnection.negotiate(
        channel,
        { clientId, requestTimeoutMs },
        Math.max(1, connectTimeoutMs - (performance.now() - startedAt)),
        late.signal,
      );
    } finally {
      timer.clear();
      closing.removeEventListener("abort", onClose);
    }
  }
}

function timeout(peer: Peer, ms: number): TimeoutError {
  return new TimeoutError(`Cannot connect to ${formatAddress(peer.address)} within ${ms} ms`);
}
