/**
 * Connections of this broker to the others of its cluster: one to each broker it has sent a request
 * to.
 *
 * Requests are pipelined, and matched to responses by correlation id. A request that could not be
 * sent fails with `PeerUnreachableError` and can be sent again; one whose response is lost fails
 * with `PeerAnswerLostError` and may have been carried out. A connection on which a response is late
 * is given up, with all its requests.
 *
 * @module
 */

import type { FrameChannel } from "../../protocol/frames/channel.ts";
import { readResponseHeaderTags, writeRequestHeader } from "../../protocol/frames/headers.ts";
import { Reader } from "../../protocol/primitives/reader.ts";
import { codec } from "../../protocol/schema/codec.ts";
import type { Api, RequestTo, ResponseOf } from "../../protocol/schema/schema.ts";
import { formatHostPort, type HostPort } from "../settings/listener.ts";
import type { Clock } from "../time/clock.ts";
import type { PeerNetwork } from "./peer_network.ts";

/** Options of connections to other brokers. */
export interface PeersOptions {
  readonly network: PeerNetwork;
  readonly nodeId: number;
  readonly clock: Clock;
  /** Called when a connection that was made has ended, unless this broker has ended it. */
  readonly onLost?: (peerId: number) => void;
}

/** Another broker. */
export interface Peer extends HostPort {
  readonly id: number;
}

/** Time limit of connecting. */
const CONNECT_TIMEOUT_MS = 1000;
/** Idle time after which the other end may be about to close a connection. */
const MAX_IDLE_MS = 60_000;

/** A request could not be sent. */
export class PeerUnreachableError extends Error {
  override name = "PeerUnreachableError";
}

/** A request was sent, but its response was lost. */
export class PeerAnswerLostError extends Error {
  override name = "PeerAnswerLostError";
}

/** The connections to other brokers. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #connections: Map<number, PeerConnection> = new Map();
  /** Connections that others have replaced, with responses due. */
  readonly #retired: Set<PeerConnection> = new Set();
  readonly #closing = new AbortController();

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /**
   * Sends a request and returns its response.
   *
   * @param timeoutMs Milliseconds to wait for the response.
   * @throws {PeerUnreachableError} If it was not sent.
   * @throws {PeerAnswerLostError} If it was sent and no response arrived.
   */
  async request<A extends Api>(
    peer: Peer,
    api: A,
    apiVersion: number,
    request: RequestTo<A>,
    timeoutMs: number,
  ): Promise<ResponseOf<A>> {
    const connection = this.#connection(peer);
    await connection.opened;
    return await connection.request(api, apiVersion, request, timeoutMs);
  }

  /** Closes the connection to a broker. Pending requests fail. */
  disconnect(peerId: number): void {
    this.#connections.get(peerId)?.abort();
    for (const connection of this.#retired) if (connection.peerId === peerId) connection.abort();
  }

  /** Closes all connections. Pending requests fail. */
  close(): void {
    this.#closing.abort();
    for (const connection of [...this.#connections.values(), ...this.#retired]) connection.abort();
    this.#connections.clear();
  }

  #connection(peer: Peer): PeerConnection {
    if (this.#closing.signal.aborted) {
      throw new PeerUnreachableError(`Cannot connect to broker ${peer.id}: this one is closing`);
    }
    const known = this.#connections.get(peer.id);
    if (known?.canCarry(peer) === true) return known;
    if (known !== undefined) {
      this.#retired.add(known);
      known.retire();
    }
    const connection: PeerConnection = new PeerConnection(peer, this.#options, () => {
      if (this.#connections.get(peer.id) === connection) this.#connections.delete(peer.id);
      this.#retired.delete(connection);
    });
    this.#connections.set(peer.id, connection);
    return connection;
  }
}

/** A connection to one broker. */
class PeerConnection {
  readonly #peer: Peer;
  readonly #options: PeersOptions;
  readonly #onEnd: () => void;
  readonly #ended = new AbortController();
  /** Pending responses by correlation id. */
  readonly #due: Map<number, PromiseWithResolvers<Uint8Array>> = new Map();
  #channel: FrameChannel | undefined;
  #nextId = 1;
  #isRetired = false;
  #lastUsedMs: number;
  /** Resolves when requests can be sent. */
  readonly opened: Promise<void>;

  constructor(peer: Peer, options: PeersOptions, onEnd: () => void) {
    this.#peer = peer;
    this.#options = options;
    this.#onEnd = onEnd;
    this.#lastUsedMs = options.clock.monotonic();
    this.opened = this.#open();
    this.opened.catch(() => {});
  }

  /** The broker at the other end. */
  get peerId(): number {
    return this.#peer.id;
  }

  /** Whether a request to a broker at this address can use this connection. */
  canCarry({ host, port }: Peer): boolean {
    if (host !== this.#peer.host || port !== this.#peer.port) return false;
    const nowMs = this.#options.clock.monotonic();
    if (nowMs >= this.#endMs) return false;
    return this.#due.size > 0 || nowMs - this.#lastUsedMs < MAX_IDLE_MS;
  }

  /** When the other end wants another login, by the monotonic clock. */
  get #endMs(): number {
    if (this.#channel === undefined) return Infinity;
    return this.#options.network.endMs?.(this.#channel) ?? Infinity;
  }

  /** Ends the connection when the last response has arrived, unless it is of no use any more. */
  retire(): void {
    this.#isRetired = true;
    if (this.#due.size === 0 || this.#options.clock.monotonic() < this.#endMs) this.abort();
  }

  async request<A extends Api>(
    api: A,
    apiVersion: number,
    request: RequestTo<A>,
    timeoutMs: number,
  ): Promise<ResponseOf<A>> {
    const channel = this.#channel;
    if (channel === undefined || this.#ended.signal.aborted) throw this.#unreachable();
    const { clock, nodeId } = this.#options;
    const correlationId = this.#nextId++;
    const { out } = channel;
    out.beginFrame();
    try {
      const header = { apiKey: api.key, apiVersion, correlationId, clientId: `broker-${nodeId}` };
      writeRequestHeader(out, api, header);
      codec(api.request, apiVersion).encode(out, request);
      out.endFrame();
    } catch (error) {
      out.abandonFrame();
      throw error;
    }
    const answered = Promise.withResolvers<Uint8Array>();
    this.#due.set(correlationId, answered);
    const timer = clock.setTimeout(() => {
      answered.reject(this.#lost(`none arrived within ${timeoutMs} ms`));
      // A connection that was dropped in silence would keep all later requests from arriving.
      this.abort();
    }, timeoutMs);
    channel.flush();
    try {
      const reader = new Reader(await answered.promise);
      reader.int32();
      readResponseHeaderTags(reader, api, apiVersion);
      return codec(api.response, apiVersion).decode(reader) as ResponseOf<A>;
    } finally {
      clock.clearTimeout(timer);
      this.#due.delete(correlationId);
      this.#lastUsedMs = clock.monotonic();
      if (this.#isRetired && this.#due.size === 0) this.abort();
    }
  }

  abort(): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#channel?.abort();
    for (const { reject } of this.#due.values()) reject(this.#lost("the connection has ended"));
    this.#onEnd();
  }

  async #open(): Promise<void> {
    const { network, clock } = this.#options;
    const timer = clock.setTimeout(() => this.abort(), CONNECT_TIMEOUT_MS);
    try {
      this.#channel = await network.connect(this.#peer, this.#ended.signal);
    } catch (error) {
      this.abort();
      throw this.#unreachable(error);
    } finally {
      clock.clearTimeout(timer);
    }
    if (this.#ended.signal.aborted) {
      this.#channel.abort();
      throw this.#unreachable();
    }
    this.#read(this.#channel);
  }

  async #read(channel: FrameChannel): Promise<void> {
    try {
      for (;;) {
        const frame = await channel.next();
        if (frame === null) break;
        this.#due.get(new Reader(frame).int32())?.resolve(frame);
      }
    } catch {
      // Whatever ended it, those who wait learn of it.
    }
    if (this.#ended.signal.aborted) return;
    this.abort();
    this.#options.onLost?.(this.#peer.id);
  }

  #unreachable(cause?: unknown): PeerUnreachableError {
    const { id } = this.#peer;
    const address = formatHostPort(this.#peer);
    return new PeerUnreachableError(`Cannot connect to broker ${id} at ${address}`, { cause });
  }

  #lost(reason: string): PeerAnswerLostError {
    return new PeerAnswerLostError(`Lost the response of broker ${this.#peer.id}: ${reason}`);
  }
}
