/**
 * Connections for one purpose, at most one per broker.
 *
 * Responses come in the order of the requests, so slow requests get a lane of their own: a
 * consumer's fetches wait for data and must not block other requests. A lane opens connections on
 * demand, reopens lost ones, and backs off after failed attempts.
 *
 * @module
 */

import { type BrokerAddress, formatAddress } from "./address.ts";
import { backoffMs } from "./backoff.ts";
import { BrokerConnection, SILENCE_MS } from "./connection.ts";
import type { ConnectionObserver } from "./connection_status.ts";
import type { Dialer, Progress } from "./dialer.ts";
import type { Authenticator } from "../security/authenticator.ts";
import { ClosedError, ConnectionError, DqueueError, isRetriable, TimeoutError } from "../errors.ts";
import { abortable, delay } from "./waiting.ts";
import { Timer } from "./timer.ts";

/** Options of a lane. */
export interface ConnectionLaneOptions {
  readonly dialer: Dialer;
  /** Proves who the client is, on each connection. */
  readonly authenticator?: Authenticator | undefined;
  readonly clientId: string;
  /** The default time limit of a request. */
  readonly requestTimeoutMs: number;
  /** The time limit for connecting and negotiating API versions. */
  readonly connectTimeoutMs: number;
  /** The wait after the first failed attempt. */
  readonly initialBackoffMs: number;
  /** The maximum wait between attempts. */
  readonly maxBackoffMs: number;
  /** Receives the changes of the connections. */
  readonly observer?: ConnectionObserver;
  /** Called every second while a broker does not respond, or cannot be connected to. */
  readonly onSilence?: (address: BrokerAddress) => void;
}

interface Peer {
  readonly address: BrokerAddress;
  connection: BrokerConnection | undefined;
  opening: Promise<BrokerConnection> | undefined;
  /** Ends an attempt to connect. */
  dialing: AbortController | undefined;
  /** The number of consecutive failed attempts. */
  failures: number;
  /** The earliest time of the next attempt. */
  retryAt: number;
  /** Whether a connection was ever open. */
  hasConnected: boolean;
  /** Whether the broker closed the last connection instead of answering the first request. */
  wasRejected: boolean;
}

/** A set of connections, at most one per broker, opened on demand. */
export class ConnectionLane {
  readonly #options: ConnectionLaneOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(options: ConnectionLaneOptions) {
    this.#options = options;
  }

  /** The open connection to a broker, if any. */
  existing(address: BrokerAddress): BrokerConnection | undefined {
    const connection = this.#peers.get(formatAddress(address))?.connection;
    return connection?.isOpen ? connection : undefined;
  }

  /**
   * Returns the open connection to a broker, or opens one.
   *
   * @throws {ConnectionError} If the broker cannot be reached.
   * @throws {TimeoutError} If connecting times out.
   * @throws {ClosedError} If the lane is closed.
   */
  connection(address: BrokerAddress, signal?: AbortSignal): Promise<BrokerConnection> {
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason);
    const key = formatAddress(address);
    let peer = this.#peers.get(key);
    if (peer === undefined) {
      peer = {
        address,
        connection: undefined,
        opening: undefined,
        dialing: undefined,
        failures: 0,
        retryAt: 0,
        hasConnected: false,
        wasRejected: false,
      };
      this.#peers.set(key, peer);
    }
    if (peer.connection?.isOpen) return Promise.resolve(peer.connection);
    peer.opening ??= this.#open(peer);
    return abortable(peer.opening, signal);
  }

  /** Ends the connection to a broker, or the attempt to connect, with a reason. */
  leave(address: BrokerAddress, reason: DqueueError): void {
    const peer = this.#peers.get(formatAddress(address));
    peer?.connection?.abort(reason);
    peer?.dialing?.abort(reason);
  }

  /** Closes all connections. Calling it again has no effect. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#closing.abort(new ClosedError("The connections were closed"));
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
      peer.hasConnected = true;
      this.#observe(peer, connection);
      return connection;
    } catch (error) {
      if (!closing.aborted && error instanceof DqueueError) {
        this.#options.observer?.onFailure(peer.address, error);
      }
      // A permanent failure, such as a missing permission, needs no back-off.
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

  #observe(peer: Peer, connection: BrokerConnection): void {
    const { observer } = this.#options;
    observer?.onOpen(peer.address);
    connection.ended.then((reason) => {
      peer.wasRejected = connection.wasRejected;
      observer?.onEnd(peer.address, reason);
    });
  }

  /** @throws {DqueueError} If the broker expects other connections, so that trying again is no use. */
  async #explain(peer: Peer, after: Progress, signal: AbortSignal): Promise<void> {
    const explained = await explainClose(this.#options.dialer, peer, after, signal);
    if (explained !== undefined) throw explained;
    peer.wasRejected = false;
  }

  async #dial(peer: Peer, closing: AbortSignal): Promise<BrokerConnection> {
    const { dialer, clientId, requestTimeoutMs, connectTimeoutMs, authenticator } = this.#options;
    const late = new AbortController();
    peer.dialing = late;
    const onSilence = () => this.#options.onSilence?.(peer.address);
    const silence = Timer.every(SILENCE_MS, onSilence);
    const startedAt = performance.now();
    const expire = () => {
      late.abort(timeout(peer, connectTimeoutMs, dialer.pending ?? authenticator?.pending));
    };
    const timer = new Timer(expire, connectTimeoutMs);
    const onClose = () => late.abort(closing.reason);
    closing.addEventListener("abort", onClose);
    try {
      closing.throwIfAborted();
      if (peer.wasRejected) await this.#explain(peer, "versions", late.signal);
      const dialing = dialer.dial(peer.address, late.signal);
      // Close a channel that opens after the time limit.
      dialing.then((channel) => late.signal.aborted && channel.abort(), () => {});
      const channel = await abortable(dialing, late.signal);
      try {
        return await BrokerConnection.negotiate(
          channel,
          { clientId, requestTimeoutMs, onSilence, authenticator },
          Math.max(1, connectTimeoutMs - (performance.now() - startedAt)),
          late.signal,
        );
      } catch (error) {
        // One that has worked before is the right port, and the broker has failed.
        if (error instanceof ConnectionError && error.retriable && !peer.hasConnected) {
          await this.#explain(peer, "nothing", late.signal);
        }
        throw error;
      }
    } finally {
      timer.clear();
      silence.clear();
      peer.dialing = undefined;
      closing.removeEventListener("abort", onClose);
    }
  }
}

/** Asks the dialer, which may not know. */
async function explainClose(
  dialer: Dialer,
  { address }: Peer,
  after: Progress,
  signal: AbortSignal,
): Promise<DqueueError | undefined> {
  if (dialer.explainClose === undefined || signal.aborted) return undefined;
  try {
    return await dialer.explainClose(address, after, signal);
  } catch {
    // The broker cannot be reached any more.
    return undefined;
  }
}

/** @param pending The function of the program that has not returned. */
function timeout(peer: Peer, ms: number, pending: string | undefined): TimeoutError {
  const what = `Cannot connect to ${formatAddress(peer.address)} within ${ms} ms`;
  if (pending === undefined) return new TimeoutError(what);
  return new TimeoutError(`${what}: the function "${pending}" of the client has not returned`, {
    advice: `Check what the function "${pending}" does`,
  });
}
