/**
 * Bounds what clients can occupy that have not authenticated: how many, from one address, for how long,
 * and how much memory. Beyond a limit one of those goes that have the most, the oldest first, never one
 * that has authenticated.
 *
 * @module
 */

import { addressGroup } from "../../protocol/ip_address.ts";
import type { Clock } from "../time/clock.ts";

/** Limits of all connections that have not authenticated. */
export interface UnauthenticatedLimits {
  /** Connections. Default: 4096. */
  readonly maxConnections?: number;
  /** Connections from one address, or network of 64 bits for IPv6. Default: 256. */
  readonly maxPerHost?: number;
  /** Bytes received but not yet processed. Default: 16 MiB. */
  readonly maxBytes?: number;
}

/** Options of {@linkcode UnauthenticatedConnections}. */
export interface UnauthenticatedOptions extends UnauthenticatedLimits {
  readonly clock: Clock;
  /** Milliseconds that a client may take. */
  readonly maxMs: () => number;
  /** Called when a connection is ended. */
  readonly onEnded?: (reason: EndReason) => void;
}

/** Why a connection was ended. */
export type EndReason = "too slow" | "too many" | "too many of its address" | "too much memory";

/** A connection that has not authenticated. */
export interface Visit {
  /** Sets the number of bytes that it holds. */
  hold(bytes: number): void;
  /** Forgets the connection. Can be called twice. */
  leave(): void;
}

interface Entry {
  readonly network: string;
  readonly listener: string;
  readonly deadlineMs: number;
  readonly end: (reason: EndReason) => void;
  bytes: number;
}

/** The connections that have not authenticated. */
export class UnauthenticatedConnections {
  readonly #options: Required<UnauthenticatedOptions>;
  /** The oldest first. */
  readonly #entries: Set<Entry> = new Set();
  readonly #byNetwork: Map<string, Set<Entry>> = new Map();
  #bytes = 0;
  #timer: number | undefined;

  constructor(options: UnauthenticatedOptions) {
    this.#options = {
      maxConnections: 4096,
      maxPerHost: 256,
      maxBytes: 16 * 1024 * 1024,
      onEnded: () => {},
      ...options,
    };
  }

  /** Number of connections. */
  get size(): number {
    return this.#entries.size;
  }

  /** Bytes that all of them hold. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds a connection.
   *
   * @param host The client's IP address.
   * @param end Closes the connection at once.
   * @param listener The listener's name. Default: none.
   */
  enter(host: string, end: (reason: EndReason) => void, listener = ""): Visit {
    const { clock, maxMs, maxConnections, maxPerHost } = this.#options;
    const network = addressGroup(host);
    const ofNetwork = this.#byNetwork.get(network) ?? new Set();
    this.#byNetwork.set(network, ofNetwork);
    if (ofNetwork.size >= maxPerHost) this.#end(oldest(ofNetwork), "too many of its address");
    else if (this.size >= maxConnections) this.#end(this.#oldestOfMost(), "too many");
    const entry = { network, listener, deadlineMs: clock.monotonic() + maxMs(), end, bytes: 0 };
    this.#entries.add(entry);
    // Ending the last one of a network forgets the network.
    this.#byNetwork.set(network, ofNetwork.add(entry));
    this.#schedule();
    return {
      hold: (bytes) => this.#hold(entry, bytes),
      leave: () => this.#leave(entry),
    };
  }

  /**
   * Ends a connection to make room for another; false if there is none.
   *
   * @param listener The name of the listener whose oldest it is. Default: any listener.
   */
  makeRoom(listener?: string): boolean {
    if (this.size === 0) return false;
    const entry = listener === undefined
      ? this.#oldestOfMost()
      : this.#entries.values().find((each) => each.listener === listener);
    if (entry === undefined) return false;
    this.#end(entry, "too many");
    return true;
  }

  /** Ends all. */
  close(): void {
    for (const entry of [...this.#entries]) {
      this.#leave(entry);
      entry.end("too slow");
    }
  }

  #hold(entry: Entry, bytes: number): void {
    if (!this.#entries.has(entry)) return;
    this.#bytes += bytes - entry.bytes;
    entry.bytes = bytes;
    while (this.#bytes > this.#options.maxBytes) this.#end(this.#largest(), "too much memory");
  }

  /** The one that holds the most memory, the oldest of those: others need little, and for a short time. */
  #largest(): Entry {
    let largest = oldest(this.#entries);
    for (const entry of this.#entries) if (entry.bytes > largest.bytes) largest = entry;
    return largest;
  }

  /** The oldest of the address that has the most: who has many must not be in the way of who has one. */
  #oldestOfMost(): Entry {
    let most: ReadonlySet<Entry> = new Set();
    for (const ofNetwork of this.#byNetwork.values()) {
      if (ofNetwork.size > most.size) most = ofNetwork;
    }
    return oldest(most);
  }

  #end(entry: Entry, reason: EndReason): void {
    this.#leave(entry);
    this.#options.onEnded(reason);
    entry.end(reason);
  }

  #leave(entry: Entry): void {
    if (!this.#entries.delete(entry)) return;
    this.#bytes -= entry.bytes;
    const ofNetwork = this.#byNetwork.get(entry.network)!;
    ofNetwork.delete(entry);
    if (ofNetwork.size === 0) this.#byNetwork.delete(entry.network);
    if (this.size > 0 || this.#timer === undefined) return;
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Ends connections in time: the oldest is due first, unless the limit was lowered meanwhile. */
  #schedule(): void {
    if (this.#timer !== undefined || this.size === 0) return;
    const { clock } = this.#options;
    const waitMs = oldest(this.#entries).deadlineMs - clock.monotonic();
    this.#timer = clock.setTimeout(() => {
      this.#timer = undefined;
      const nowMs = clock.monotonic();
      for (const entry of this.#entries) {
        if (entry.deadlineMs > nowMs) break;
        this.#end(entry, "too slow");
      }
      this.#schedule();
    }, waitMs);
  }
}

function oldest(entries: ReadonlySet<Entry>): Entry {
  return entries.values().next().value!;
}
