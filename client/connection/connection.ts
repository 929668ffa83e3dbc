/**
 * A connection to a broker: requests are pipelined, with many in flight.
 *
 * A broker answers the requests of a connection in order, so a request without a response blocks
 * all later ones. Therefore a request that times out closes the connection: the later ones fail
 * with a retriable `ConnectionError` and are retried on a new connection. After an aborted request
 * the connection stays open, and the late response is discarded.
 *
 * While the broker throttles the client, requests are queued until the throttle time is over
 * (KIP-219), in order.
 *
 * @module
 */

import type { FrameChannel } from "../../protocol/frames/channel.ts";
import { type Codec, codec } from "../../protocol/schema/codec.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { readResponseHeaderTags, writeRequestHeader } from "../../protocol/frames/headers.ts";
import { apiVersions } from "../../protocol/messages/cluster/api_versions.ts";
import { Reader } from "../../protocol/primitives/reader.ts";
import type { Api, DecodedFields, EncodableFields, Fields } from "../../protocol/schema/schema.ts";
import { ApiVersionTable, clientThrottles } from "./api_version_table.ts";
import {
  asDqueueError,
  ClosedError,
  ConnectionError,
  describeError,
  type DqueueError,
  KafkaError,
  ProtocolError,
  SerializationError,
  TimeoutError,
} from "../errors.ts";
import { CLIENT_SOFTWARE_NAME, CLIENT_SOFTWARE_VERSION } from "./version.ts";
import type { AuthenticationExchange, Authenticator } from "../security/authenticator.ts";
import { receiveFailure } from "./receive_failure.ts";
import { Session } from "./session.ts";
import { Timer } from "./timer.ts";

/**
 * The version of ApiVersions to start with. Version 5 only adds the expected broker (KIP-1242),
 * which is unknown for a bootstrap address.
 */
const API_VERSIONS_VERSION = 4;

/** Correlation ids wrap around after the highest int32. */
const CORRELATION_ID_MASK = 0x7fffffff;

/** Options of a connection. */
export interface ConnectionOptions {
  /** The client id in request headers. */
  readonly clientId: string;
  /** The default time limit of a request, in milliseconds. */
  readonly requestTimeoutMs: number;
  /**
   * Called every second while the broker does not respond, not counting the time for which it may
   * hold a response back.
   */
  readonly onSilence?: (() => void) | undefined;
  /** Proves who the client is, before the first request and before its session ends. */
  readonly authenticator?: Authenticator | undefined;
}

/** A broker that has not responded for so long may be gone. */
export const SILENCE_MS = 1000;
/** Interval of the checks: the cluster gives a silent broker up soon after the first of them. */
const SILENCE_CHECK_MS = 250;

/** Options of a request. */
export interface RequestOptions {
  /** Aborts the wait for the response. */
  readonly signal?: AbortSignal | undefined;
  /** The time limit of the request, in milliseconds. */
  readonly timeoutMs?: number | undefined;
  /** The highest version that can represent the request. */
  readonly maxVersion?: number | undefined;
  /** The lowest version that can represent it. */
  readonly minVersion?: number | undefined;
}

/** A request body, or a function that creates it for the version that is sent. */
export type RequestBody<Req extends Fields> =
  | EncodableFields<Req>
  | ((version: number) => EncodableFields<Req>);

interface PendingRequest {
  readonly api: Api;
  readonly version: number;
  readonly timeoutMs: number;
  deadline: number;
  readonly codec: Codec;
  /** Undefined once the request was aborted. */
  settle: { resolve(response: unknown): void; reject(error: unknown): void } | undefined;
}

/** A feature that the cluster has finalized. */
interface FinalizedFeature {
  readonly name: string;
  readonly maxVersionLevel: number;
}

interface HeldRequest {
  write(): void;
  reject(error: unknown): void;
}

/** A connection whose API versions are negotiated. */
export class BrokerConnection {
  readonly #channel: FrameChannel;
  readonly #options: ConnectionOptions;
  readonly #pending = new Map<number, PendingRequest>();
  readonly #receiving: Promise<void>;
  #versions!: ApiVersionTable;
  #features: readonly FinalizedFeature[] = [];
  #nextCorrelationId = 1;
  readonly #ending = Promise.withResolvers<DqueueError>();
  #ended: DqueueError | undefined;
  #timer: Timer | undefined;
  #silenceTimer: Timer | undefined;
  #timerDeadline = Infinity;
  /** Requests queued until the throttle time or a renewal is over, in order. */
  #held: HeldRequest[] = [];
  #heldUntil = 0;
  #heldTimer: Timer | undefined;
  /** Undefined for a client that does not authenticate. */
  readonly #session: Session | undefined;
  /** Whether a request after the negotiation was answered. */
  #hasAnswered = false;
  #isClosedByPeer = false;

  private constructor(channel: FrameChannel, options: ConnectionOptions) {
    this.#channel = channel;
    this.#options = options;
    const { authenticator, requestTimeoutMs } = options;
    if (authenticator !== undefined) {
      const { peer } = channel;
      this.#session = new Session({ peer, authenticator, requestTimeoutMs, ended: this.ended });
    }
    this.#receiving = this.#receive();
  }

  /**
   * Takes a channel, requests the broker's API versions (KIP-35), and authenticates.
   *
   * @throws {ConnectionError} If the broker closes the channel.
   * @throws {KafkaError} If the broker answers with an error.
   * @throws {AuthenticationError} If the broker does not accept the credentials.
   * @throws {ProtocolError} If the peer is not a Kafka broker.
   */
  static async negotiate(
    channel: FrameChannel,
    options: ConnectionOptions,
    timeoutMs: number = options.requestTimeoutMs,
    signal?: AbortSignal,
  ): Promise<BrokerConnection> {
    const connection = new BrokerConnection(channel, options);
    const onAbort = () => connection.abort(signal!.reason);
    signal?.addEventListener("abort", onAbort);
    try {
      signal?.throwIfAborted();
      await connection.#negotiate(timeoutMs);
    } catch (error) {
      connection.abort(new ClosedError(`Connection to ${channel.peer} was aborted`));
      await connection.#receiving;
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
    return connection;
  }

  /** The address of the broker. */
  get peer(): string {
    return this.#channel.peer;
  }

  /** Whether requests can be sent. */
  get isOpen(): boolean {
    return this.#ended === undefined;
  }

  /** Whether the broker has closed the connection instead of answering the first request. */
  get wasRejected(): boolean {
    return this.#isClosedByPeer && !this.#hasAnswered;
  }

  /** Resolves with the reason when the connection has ended. */
  get ended(): Promise<DqueueError> {
    return this.#ending.promise;
  }

  /** The number of requests in flight. */
  get inFlight(): number {
    return this.#pending.size;
  }

  /** The API versions of the broker. */
  get versions(): ApiVersionTable {
    return this.#versions;
  }

  /** The level of a feature that the cluster has finalized, when the connection was opened (KIP-584); 0 if none. */
  finalizedLevel(feature: string): number {
    return this.#features.find(({ name }) => name === feature)?.maxVersionLevel ?? 0;
  }

  /**
   * Sends a request and waits for its response. Requests may overlap.
   *
   * @throws {ConnectionError} If the connection is lost before the response.
   * @throws {TimeoutError} If the request times out, which also closes the connection.
   * @throws {UnsupportedVersionError} If the broker and this client support no common version.
   */
  request<Req extends Fields, Res extends Fields>(
    api: Api<Req, Res>,
    body: RequestBody<Req>,
    options: RequestOptions = {},
  ): Promise<DecodedFields<Res>> {
    return new Promise<DecodedFields<Res>>((resolve, reject) => {
      const { signal } = options;
      if (signal?.aborted) return reject(signal.reason);
      if (this.#ended !== undefined) return reject(this.#ended);
      const version = this.#versions.pick(api, options.maxVersion, options.minVersion);
      const pending: PendingRequest = {
        api,
        version,
        timeoutMs: options.timeoutMs ?? this.#options.requestTimeoutMs,
        deadline: Infinity,
        codec: codec(api.response, version),
        settle: { resolve: resolve as (response: unknown) => void, reject },
      };
      if (signal !== undefined) listen(signal, pending);
      this.#transmit({
        write: () => {
          if (pending.settle !== undefined) this.#write(api, version, body, pending);
        },
        reject: (error) => pending.settle?.reject(error),
      });
    });
  }

  /**
   * Sends a request that has no response.
   *
   * @throws {ConnectionError} If the connection is closed.
   * @throws {UnsupportedVersionError} If the broker and this client support no common version.
   */
  send<Req extends Fields>(
    api: Api<Req>,
    body: RequestBody<Req>,
    options: RequestOptions = {},
  ): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      const version = this.#versions.pick(api, options.maxVersion, options.minVersion);
      const write = () => {
        try {
          this.#encode(api, version, body, this.#correlationId());
          this.#channel.drained().then(resolve);
        } catch (error) {
          reject(error);
        }
      };
      this.#transmit({ write, reject });
    });
  }

  /** Closes the connection. Pending requests fail. Calling it again has no effect. */
  async close(): Promise<void> {
    this.#end(new ClosedError(`Connection to ${this.peer} was closed`));
    await this.#channel.close();
    await this.#receiving;
  }

  /** Closes the connection immediately with a reason. */
  abort(reason: DqueueError): void {
    this.#end(reason);
    this.#channel.abort();
  }

  async #negotiate(timeoutMs: number): Promise<void> {
    let version = API_VERSIONS_VERSION;
    for (;;) {
      const response = await this.#askVersions(version, timeoutMs);
      if (response.errorCode === ErrorCode.NONE) {
        this.#versions = new ApiVersionTable(this.peer, response.apiKeys);
        this.#features = response.finalizedFeatures;
        await this.#session?.begin(this.#exchange(timeoutMs));
        this.#hasAnswered = false;
        return;
      }
      const own = response.apiKeys.find(({ apiKey }) => apiKey === apiVersions.key);
      const next = Math.min(own?.maxVersion ?? 0, version - 1);
      if (response.errorCode !== ErrorCode.UNSUPPORTED_VERSION || next < 0) {
        throw new KafkaError(`ask ${this.peer} for its API versions`, response.errorCode);
      }
      version = next;
    }
  }

  #askVersions(
    version: number,
    timeoutMs: number,
  ): Promise<DecodedFields<typeof apiVersions.response.fields>> {
    const body = {
      clientSoftwareName: CLIENT_SOFTWARE_NAME,
      clientSoftwareVersion: CLIENT_SOFTWARE_VERSION,
    };
    return this.#ask(apiVersions, version, body, timeoutMs);
  }

  /** Sends a request of the negotiation, which does not wait for anything. */
  #ask<Req extends Fields, Res extends Fields>(
    api: Api<Req, Res>,
    version: number,
    body: RequestBody<Req>,
    timeoutMs: number,
  ): Promise<DecodedFields<Res>> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      this.#write(api, version, body, {
        api,
        version,
        timeoutMs,
        deadline: Infinity,
        codec: codec(api.response, version),
        settle: { resolve: resolve as (response: unknown) => void, reject },
      });
    });
  }

  #exchange(timeoutMs: number): AuthenticationExchange {
    return {
      peer: this.peer,
      request: (api, body, minVersion) =>
        this.#ask(api, this.#versions.pick(api, undefined, minVersion), body, timeoutMs),
    };
  }

  /** Authenticates again (KIP-368), after what is in flight and before any other request. */
  #renew(session: Session): void {
    const exchange = () => {
      const now = performance.now();
      let longestMs = 0;
      for (const { deadline } of this.#pending.values()) {
        longestMs = Math.max(longestMs, deadline - now);
      }
      return this.#exchange(longestMs + this.#options.requestTimeoutMs);
    };
    session.renew(exchange).then(
      () => this.#release(),
      (error) => this.abort(asDqueueError("authenticate again", error)),
    );
  }

  #correlationId(): number {
    const id = this.#nextCorrelationId;
    this.#nextCorrelationId = (id + 1) & CORRELATION_ID_MASK;
    return id;
  }

  /** Writes a request, now or when the throttle time or a renewal is over. */
  #transmit(request: HeldRequest): void {
    const session = this.#session;
    if (session?.isDue) this.#renew(session);
    if (this.#heldTimer === undefined && !session?.isHolding) request.write();
    else this.#held.push(request);
  }

  #release(): void {
    const held = this.#held;
    this.#held = [];
    for (const request of held) this.#transmit(request);
  }

  #write<Req extends Fields>(
    api: Api<Req>,
    version: number,
    body: RequestBody<Req>,
    pending: PendingRequest,
  ): void {
    const correlationId = this.#correlationId();
    try {
      this.#encode(api, version, body, correlationId);
    } catch (error) {
      pending.settle?.reject(error);
      return;
    }
    pending.deadline = performance.now() + pending.timeoutMs;
    this.#pending.set(correlationId, pending);
    if (pending.deadline < this.#timerDeadline) this.#watch(pending.deadline);
    if (this.#silenceTimer === undefined) this.#watchSilence();
  }

  /** Looks from time to time, which costs requests nothing. */
  #watchSilence(): void {
    const { onSilence, requestTimeoutMs } = this.#options;
    if (onSilence === undefined) return;
    this.#silenceTimer = new Timer(() => {
      this.#silenceTimer = undefined;
      // Responses come in the order of the requests.
      const [oldest] = this.#pending.values();
      if (oldest === undefined) return;
      this.#watchSilence();
      // A longer time limit than usual includes the time that the broker may wait.
      const dueMs = oldest.deadline - Math.min(oldest.timeoutMs, requestTimeoutMs);
      if (performance.now() - dueMs >= SILENCE_MS) onSilence();
    }, SILENCE_CHECK_MS);
  }

  #encode<Req extends Fields>(
    api: Api<Req>,
    version: number,
    body: RequestBody<Req>,
    correlationId: number,
  ): void {
    const { out } = this.#channel;
    const value = typeof body === "function" ? body(version) : body;
    out.beginFrame();
    try {
      writeRequestHeader(out, api, {
        apiKey: api.key,
        apiVersion: version,
        correlationId,
        clientId: this.#options.clientId,
      });
      codec(api.request, version).encode(out, value);
    } catch (error) {
      out.abandonFrame();
      throw new SerializationError(
        `Cannot send ${api.name} version ${version} to ${this.peer}: ${describeError(error)}`,
        { cause: error },
      );
    }
    out.endFrame();
    this.#channel.flush();
  }

  async #receive(): Promise<void> {
    const channel = this.#channel;
    try {
      for (;;) {
        const frame = channel.buffered() ?? await channel.next();
        if (frame === null) break;
        this.#accept(frame);
      }
      this.#isClosedByPeer = this.#ended === undefined;
      this.#end(new ConnectionError(`Connection to ${this.peer} was closed by the broker`));
    } catch (error) {
      this.#isClosedByPeer = this.#ended === undefined;
      this.#end(receiveFailure(this.peer, error));
    }
    channel.abort();
  }

  #accept(frame: Uint8Array): void {
    const reader = new Reader(frame);
    const correlationId = reader.int32();
    const pending = this.#pending.get(correlationId);
    if (pending === undefined) {
      throw new ProtocolError(
        `Cannot use response of ${this.peer}: no request has correlation id ${correlationId}`,
      );
    }
    this.#pending.delete(correlationId);
    this.#hasAnswered = true;
    if (this.#pending.size === 0) this.#stopWatching();
    try {
      readResponseHeaderTags(reader, pending.api, pending.version);
      const decoder: Codec = pending.api === apiVersions && isUnsupported(frame)
        ? codec(apiVersions.response, 0)
        : pending.codec;
      const response = decoder.decode(reader) as { throttleTimeMs?: number };
      const throttleTimeMs = response.throttleTimeMs ?? 0;
      if (throttleTimeMs > 0 && clientThrottles(pending.api, pending.version)) {
        this.#hold(throttleTimeMs);
      }
      pending.settle?.resolve(response);
    } catch (error) {
      pending.settle?.reject(
        new ProtocolError(
          `Cannot read ${pending.api.name} response of ${this.peer}: ${describeError(error)}`,
          { cause: error },
        ),
      );
    }
  }

  #hold(ms: number): void {
    const until = performance.now() + ms;
    if (until <= this.#heldUntil) return;
    this.#heldUntil = until;
    this.#heldTimer?.clear();
    this.#heldTimer = new Timer(() => {
      this.#heldTimer = undefined;
      this.#release();
    }, ms);
  }

  /** A single timer serves all requests: it is set to the earliest deadline. */
  #watch(deadline: number): void {
    this.#timer?.clear();
    this.#timerDeadline = deadline;
    this.#timer = new Timer(() => this.#expire(), Math.ceil(deadline - performance.now()));
  }

  #stopWatching(): void {
    this.#timer?.clear();
    this.#timer = undefined;
    this.#timerDeadline = Infinity;
  }

  #expire(): void {
    const now = performance.now();
    let earliest = Infinity;
    let late: PendingRequest | undefined;
    for (const pending of this.#pending.values()) {
      // An aborted request still blocks those after it.
      if (pending.deadline <= now) late ??= pending;
      else if (pending.deadline < earliest) earliest = pending.deadline;
    }
    if (late === undefined) {
      this.#stopWatching();
      if (earliest < Infinity) this.#watch(earliest);
      return;
    }
    late.settle?.reject(
      new TimeoutError(`Cannot wait longer for ${this.peer} to answer ${late.api.name}`),
    );
    late.settle = undefined;
    this.abort(
      new ConnectionError(
        `Connection to ${this.peer} was closed: it did not answer ${late.api.name} in time`,
      ),
    );
  }

  #end(error: DqueueError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#ending.resolve(error);
    this.#stopWatching();
    this.#silenceTimer?.clear();
    this.#heldTimer?.clear();
    this.#heldTimer = undefined;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { settle } of pending) settle?.reject(error);
    const held = this.#held;
    this.#held = [];
    for (const request of held) request.reject(error);
  }
}

function listen(signal: AbortSignal, pending: PendingRequest): void {
  const { resolve, reject } = pending.settle!;
  const onAbort = () => {
    pending.settle = undefined;
    reject(signal.reason);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  pending.settle = {
    resolve(response) {
      signal.removeEventListener("abort", onAbort);
      resolve(response);
    },
    reject(error) {
      signal.removeEventListener("abort", onAbort);
      reject(error);
    },
  };
}

/**
 * A broker that does not support the version answers in version 0. All versions start with the
 * error code.
 */
function isUnsupported(frame: Uint8Array): boolean {
  return frame.length >= 6 && (frame[4]! << 8 | frame[5]!) === ErrorCode.UNSUPPORTED_VERSION;
}
