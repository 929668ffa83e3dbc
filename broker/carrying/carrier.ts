/**
 * A connection to another broker that carries connections of clients.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { type FrameChannel, memoryChannels } from "../../protocol/frames/channel.ts";
import { envelope } from "../../protocol/messages/cluster/envelope.ts";
import type { Logger } from "../logger.ts";
import { exchange } from "../peers/peer_login.ts";
import { type PeerNetwork, PeerRefusalError } from "../peers/peer_network.ts";
import type { Peer } from "../peers/peers.ts";
import { encodeCarriedClient } from "../security/forwarded_client.ts";
import type { Session } from "../security/session.ts";
import { formatHostPort } from "../settings/listener.ts";
import type { Clock } from "../time/clock.ts";
import { CarriedKind, carryFrames, deliver, readCarried, writeCarried } from "./carried_frame.ts";

/** What a connection to another broker needs. */
export interface CarrierOptions {
  readonly network: PeerNetwork;
  /** This broker. */
  readonly nodeId: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Time limit of connecting. */
const CONNECT_TIMEOUT_MS = 5000;
/** Interval of the checks whether the other broker is alive. */
const CHECK_MS = 10_000;
/** How long a connection is kept that carries nothing. */
const MAX_IDLE_MS = 60_000;

/** Another broker does not let this one act for its users, until somebody changes that. */
export class CarryingRefusedError extends PeerRefusalError {
  override name = "CarryingRefusedError";
}

/** A connection to one broker. */
export class Carrier {
  readonly #peer: Peer;
  readonly #options: CarrierOptions;
  readonly #onEnd: () => void;
  readonly #ended = new AbortController();
  /** Our ends of clients' connections. */
  readonly #ends: Map<number, FrameChannel> = new Map();
  #channel: FrameChannel | undefined;
  #nextNumber = 1;
  #hasReceived = true;
  #lastUsedMs: number;
  #timer: number | undefined;
  /** Resolves when it can carry connections. */
  readonly opened: Promise<void>;

  /** @param onEnd Called once it has ended. */
  constructor(peer: Peer, options: CarrierOptions, onEnd: () => void) {
    this.#peer = peer;
    this.#options = options;
    this.#onEnd = onEnd;
    this.#lastUsedMs = options.clock.monotonic();
    this.opened = this.#open();
    this.opened.catch(() => {});
  }

  /** Whether connections to a broker at this address can begin here. */
  takesClients({ host, port }: Peer): boolean {
    return !this.#ended.signal.aborted && host === this.#peer.host && port === this.#peer.port &&
      !this.#isOutdated;
  }

  /**
   * Begins a connection that acts for a client, once this one is open.
   *
   * @throws {Deno.errors.ConnectionAborted} If this one has ended.
   */
  open(session: Session): FrameChannel {
    const channel = this.#channel;
    if (channel === undefined || this.#ended.signal.aborted) {
      throw new Deno.errors.ConnectionAborted("The connection to the broker has ended");
    }
    const [clientEnd, ourEnd] = memoryChannels(formatHostPort(this.#peer));
    const number = this.#nextNumber++;
    this.#ends.set(number, ourEnd);
    writeCarried(channel, CarriedKind.open, number, encodeCarriedClient(session));
    carryFrames(ourEnd, channel, number).then(() => {
      this.#lastUsedMs = this.#options.clock.monotonic();
      if (this.#ends.delete(number)) writeCarried(channel, CarriedKind.close, number);
    });
    return clientEnd;
  }

  /** Ends it, with all connections that it carries. */
  abort(reason: Error = new Deno.errors.ConnectionAborted("The connection has ended")): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort(reason);
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#channel?.abort();
    const ends = [...this.#ends.values()];
    this.#ends.clear();
    for (const end of ends) end.abort();
    this.#onEnd();
  }

  /** Whether the other end wants another login: what is carried may end at any time. */
  get #isOutdated(): boolean {
    const { network, clock } = this.#options;
    if (this.#channel === undefined) return false;
    return clock.monotonic() >= (network.endMs?.(this.#channel) ?? Infinity);
  }

  async #open(): Promise<void> {
    const { network, clock } = this.#options;
    const late = new Deno.errors.TimedOut(`It does not answer within ${CONNECT_TIMEOUT_MS} ms`);
    const timer = clock.setTimeout(() => this.abort(late), CONNECT_TIMEOUT_MS);
    const { signal } = this.#ended;
    let channel: FrameChannel | undefined;
    const stop = () => channel?.abort();
    signal.addEventListener("abort", stop);
    try {
      channel = await network.connect(this.#peer, signal);
      signal.throwIfAborted();
      await this.#begin(channel);
      signal.throwIfAborted();
    } catch (error) {
      channel?.abort();
      const reason = signal.aborted ? signal.reason : error;
      this.abort();
      throw reason;
    } finally {
      clock.clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
    this.#channel = channel;
    this.#receive(channel);
    this.#scheduleCheck();
  }

  /** @throws {CarryingRefusedError} If the other broker takes no connections of users from this one. */
  async #begin(channel: FrameChannel): Promise<void> {
    const { nodeId, logger } = this.#options;
    const { errorCode } = await exchange(channel, `broker-${nodeId}`, envelope, 0, {
      requestData: new Uint8Array(0),
      requestPrincipal: null,
      clientHostAddress: new Uint8Array(0),
      carriesConnections: true,
    });
    if (errorCode === ErrorCode.NONE) return;
    const reason = errorCode === ErrorCode.CLUSTER_AUTHORIZATION_FAILED
      ? "the principal of this broker has no CLUSTER_ACTION there; add it to super.users, or allow it"
      : "it does not know how to, as an older version does not";
    logger.warn("Another broker does not let this one act for users of HTTP", {
      brokerId: this.#peer.id,
      reason,
    });
    throw new CarryingRefusedError(`it does not let this broker act for its users: ${reason}`);
  }

  async #receive(channel: FrameChannel): Promise<void> {
    try {
      for (let frame = await channel.next(); frame !== null; frame = await channel.next()) {
        this.#hasReceived = true;
        const { kind, number, content } = readCarried(frame);
        const end = this.#ends.get(number);
        if (kind === CarriedKind.data && end !== undefined) deliver(end, content);
        else if (kind === CarriedKind.close && this.#ends.delete(number)) end!.abort();
        channel.recycle(frame);
      }
    } catch {
      // Whatever ended it, the clients learn of it.
    }
    this.abort();
  }

  #scheduleCheck(): void {
    if (this.#ended.signal.aborted) return;
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#check(this.#channel!);
      this.#scheduleCheck();
    }, CHECK_MS);
  }

  /** A connection that was dropped in silence, or is of no use, is ended. */
  #check(channel: FrameChannel): void {
    if (this.#ends.size === 0) {
      const idleMs = this.#options.clock.monotonic() - this.#lastUsedMs;
      this.#hasReceived = true;
      if (idleMs >= MAX_IDLE_MS || this.#isOutdated) this.abort();
      return;
    }
    if (!this.#hasReceived) return this.abort();
    this.#hasReceived = false;
    writeCarried(channel, CarriedKind.ping, 0);
  }
}
