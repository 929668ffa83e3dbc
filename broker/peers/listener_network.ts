/**
 * Connections between brokers by the listener that is for them.
 *
 * What another broker refuses is logged, once a minute for each: those that wait for the connection only
 * learn that there is none.
 *
 * @module
 */

import type { FrameChannel } from "../../protocol/frames/channel.ts";
import type { Logger } from "../logger.ts";
import { formatHostPort, type HostPort } from "../settings/listener.ts";
import type { Clock } from "../time/clock.ts";
import { type PeerNetwork, PeerRefusalError } from "./peer_network.ts";

/** A connection that can be used. */
export interface OpenedConnection {
  readonly channel: FrameChannel;
  /** Milliseconds after which the other end wants another login; 0 for never. */
  readonly lifetimeMs: number;
}

/** Options of a network. */
export interface ListenerNetworkOptions {
  /** The name of the listener for other brokers. */
  readonly name: string;
  /** Connects to an address, and completes what the listener demands. */
  readonly open: (address: HostPort, signal: AbortSignal) => Promise<OpenedConnection>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const LOG_INTERVAL_MS = 60_000;
/** The part of the time until another login is due for which a connection is used. */
const USED_PART = 0.85;
/** Errors of connecting that say nothing about the broker. */
const UNREACHED: readonly string[] = [
  "AbortError",
  "ConnectionRefused",
  "ConnectionReset",
  "TimedOut",
];

/** Connects by the listener for other brokers. */
export class ListenerNetwork implements PeerNetwork {
  readonly #options: ListenerNetworkOptions;
  readonly #endMs: WeakMap<FrameChannel, number> = new WeakMap();
  /** When a failure was last logged, by address. */
  readonly #loggedMs: Map<string, number> = new Map();

  constructor(options: ListenerNetworkOptions) {
    this.#options = options;
  }

  async connect(address: HostPort, signal: AbortSignal): Promise<FrameChannel> {
    const { name, open, clock } = this.#options;
    try {
      if (address.host === "") {
        throw new PeerRefusalError(
          `it has no listener ${name}; give all brokers a listener of that name`,
        );
      }
      const { channel, lifetimeMs } = await open(address, signal);
      if (lifetimeMs > 0) this.#endMs.set(channel, clock.monotonic() + lifetimeMs * USED_PART);
      this.#loggedMs.delete(formatHostPort(address));
      return channel;
    } catch (error) {
      const isRefusal = error instanceof Error && !UNREACHED.includes(error.name);
      if (isRefusal && !signal.aborted) this.#log(address, error);
      throw error;
    }
  }

  endMs(channel: FrameChannel): number {
    return this.#endMs.get(channel) ?? Infinity;
  }

  #log(address: HostPort, error: Error): void {
    const { clock, logger } = this.#options;
    const peer = formatHostPort(address);
    const nowMs = clock.monotonic();
    const lastMs = this.#loggedMs.get(peer) ?? -Infinity;
    if (nowMs - lastMs < LOG_INTERVAL_MS) return;
    this.#loggedMs.set(peer, nowMs);
    const details = error instanceof PeerRefusalError ? { reason: error.message } : { error };
    logger.error("Cannot connect to another broker", { address: peer, ...details });
  }
}
