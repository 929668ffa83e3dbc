/**
 * One client connection: reads requests, calls handlers, and sends responses in request order.
 *
 * Kafka answers the requests of a connection in order, and clients rely on it. The synchronous part
 * of each handler also runs in that order. Produce requests may start while earlier ones wait for a
 * flush, so pipelined requests share it; they may also start while an earlier Fetch waits for data.
 * Any other request starts only after all earlier responses are ready, and blocks later requests
 * until its own response is ready. Each request therefore observes the changes made by earlier
 * ones, as in Kafka, which processes one request of a connection at a time.
 *
 * Requests and responses with very many elements are decoded and encoded in time slices. Later
 * requests wait for that too.
 *
 * Back-pressure: the connection stops reading its socket while too many responses are pending or
 * the client does not read them. Unread responses count against the memory budget that all
 * connections share.
 *
 * A request that fails, or whose response cannot be encoded, gets an error response. Only a
 * protocol violation by the client closes the connection.
 *
 * @module
 */

import type { FrameChannel } from "../../protocol/frames/channel.ts";
import { codec, slicedCodec } from "../../protocol/schema/codec.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { FrameSizeError } from "../../protocol/frames/framing.ts";
import {
  readRequestHeader,
  readRequestHeaderTags,
  type RequestHeader,
} from "../../protocol/frames/headers.ts";
import { Reader, TooManyElementsError } from "../../protocol/primitives/reader.ts";
import type { Api, RequestOf } from "../../protocol/schema/schema.ts";
import { inRange } from "../../protocol/schema/version_range.ts";
import { runSliced } from "../../storage/time_slice.ts";
import { apiVersions } from "../../protocol/messages/cluster/api_versions.ts";
import { envelope } from "../../protocol/messages/cluster/envelope.ts";
import { fetch } from "../../protocol/messages/records/fetch.ts";
import { produce } from "../../protocol/messages/records/produce.ts";
import { apiKeyOf, isLarge, memoryFor } from "./frame_memory.ts";
import type { ApiHandler, BrokerContext, HandlerResult, TakenConnection } from "../handler.ts";
import { unsupportedApiVersions } from "../handlers/cluster/api_versions.ts";
import { logClosed, unservedApi } from "./failures.ts";
import { type ForeignProtocol, foreignProtocolOf, isFirstMeeting } from "./foreign_protocol.ts";
import type { HandlerTable } from "../handlers/mod.ts";
import { PendingRequest } from "./pending_request.ts";
import type { Reauthentication } from "./sasl/reauthentication.ts";
import { sessionOf } from "./sasl/session_of.ts";
import type { Session } from "../security/session.ts";
import { ProtocolViolationError } from "../protocol_violation_error.ts";
import { LONG, ResponseQueue, ROUNDS } from "./response_queue.ts";
import { Stall } from "./stall.ts";
import { Throttling } from "./throttling.ts";
import { Share } from "./turns.ts";

/** What the connections of a server have in common. */
export interface ConnectionOptions {
  /** Maximum number of requests that wait for their response. */
  readonly maxInFlight: number;
  /** Bytes of unsent responses above which the connection stops reading requests. */
  readonly maxBacklog: number;
  /** Opens a connection within this process that acts for a client. */
  readonly open: (session: Session) => FrameChannel;
}

/** Serves one channel until either side closes it. */
export class Connection {
  readonly #channel: FrameChannel;
  readonly #broker: BrokerContext;
  readonly #handlers: HandlerTable;
  readonly #options: ConnectionOptions;
  #session: Session;
  readonly #reauthentication: Reauthentication | undefined;
  readonly #ended = new AbortController();
  readonly #share = new Share();
  readonly #stall = new Stall();
  readonly #throttling: Throttling;
  #hasEnded = false;
  readonly #queue: ResponseQueue;
  #lastRequestMs: number;
  #acquiredForNext = 0;
  #ahead: Promise<Uint8Array | null> | undefined;

  constructor(
    channel: FrameChannel,
    broker: BrokerContext,
    handlers: HandlerTable,
    options: ConnectionOptions,
    session: Session,
    reauthentication?: Reauthentication,
  ) {
    this.#session = session;
    this.#reauthentication = reauthentication;
    if (reauthentication !== undefined) {
      reauthentication.onRenewed = (identity) => {
        this.#session = sessionOf(this.#session, identity);
      };
    }
    this.#channel = channel;
    this.#broker = broker;
    this.#handlers = handlers;
    this.#options = options;
    this.#throttling = new Throttling(broker);
    this.#queue = new ResponseQueue({
      channel,
      broker,
      onError: (error) => this.#fail(error),
      throttling: this.#throttling,
    });
    this.#lastRequestMs = broker.clock.monotonic();
  }

  /** When the last request arrived or response was sent, by the monotonic clock. */
  get lastActiveMs(): number {
    return Math.max(
      this.#lastRequestMs,
      this.#queue.lastResponseMs,
      this.#throttling.mutedUntilMs,
    );
  }

  /** Whether any request is waiting for its response. */
  get isBusy(): boolean {
    return this.#queue.length > 0;
  }

  /** Aborted when the connection ends. */
  readonly ended: AbortSignal = this.#ended.signal;

  /**
   * Acquires memory for a large frame before it is read. Returns a promise if the memory is not
   * available yet.
   *
   * @param head The first bytes of the frame, at least two.
   * @throws {FrameSizeError} If the size is only allowed for Produce requests.
   */
  admit(size: number, head: Uint8Array): Promise<void> | undefined {
    const needed = memoryFor(size, apiKeyOf(head));
    const waiting = this.#broker.requestMemory.acquire(needed, this.ended);
    if (waiting === undefined) this.#acquiredForNext = needed;
    return waiting?.then(() => {
      if (this.ended.aborted) this.#broker.requestMemory.release(needed);
      else this.#acquiredForNext = needed;
    });
  }

  /**
   * Serves requests until the client closes the connection or violates the protocol, or `close()`
   * is called.
   */
  async serve(): Promise<void> {
    const channel = this.#channel;
    const queue = this.#queue;
    const { turns } = this.#broker;
    try {
      while (!this.#hasEnded) {
        if (this.#throttling.isMuted) await this.#unmuted();
        // Do not wait while frames are buffered: responses to pipelined requests are then sent
        // together.
        let frame = this.#ahead === undefined ? channel.buffered() : undefined;
        if (frame === undefined) {
          if (!queue.hasAhead) queue.stopWork();
          if (this.#ahead === undefined) turns.rested(this.#share);
          const next = await (this.#ahead ?? channel.next());
          this.#ahead = undefined;
          queue.hasAhead = false;
          if (next === null) break;
          frame = next;
          // An earlier request was answered meanwhile. What holds memory is served rather than kept.
          if (this.#throttling.isMuted && this.#acquiredForNext === 0) await this.#unmuted();
        }
        if (this.#mustFollow(frame)) await queue.allAnswered();
        const isUntimed = isCheap(frame) && turns.mayGoUntimed();
        if (!isUntimed && !turns.mayGo(this.#share)) {
          queue.stopWork();
          await turns.wait(this.#share);
        }
        if (this.#hasEnded) break;
        queue.beginWork();
        const accepted = this.#accept(frame);
        if (!isUntimed) turns.used(this.#share);
        if (accepted !== undefined) {
          queue.stopWork();
          turns.rested(this.#share);
          await accepted;
        }
        if (this.#mustPause()) await this.#pause();
        if (this.#reauthentication?.hasFailed === true) {
          await queue.allAnswered();
          break;
        }
      }
      queue.stopWork();
      await channel.close();
    } catch (error) {
      const foreign = error instanceof FrameSizeError ? foreignProtocolOf(error) : undefined;
      if (foreign !== undefined) return await this.#refuse(foreign);
      this.#logEnd(error);
      // Write earlier responses as far as the socket accepts them without waiting.
      queue.stopWork();
      for (let round = 0; round < ROUNDS; round++) await undefined;
      channel.abort();
    } finally {
      this.#end();
    }
  }

  /**
   * Closes the connection. Waiting requests are aborted; responses already encoded are still sent.
   */
  async close(): Promise<void> {
    this.#end();
    await this.#channel.close();
  }

  /** Closes the connection if the credential of its client was changed or deleted. */
  endIfRevoked(): void {
    if (this.#reauthentication?.isCurrent !== false) return;
    const { principal } = this.#session;
    this.#broker.logger.info("Closed connection: the credential of its user was changed", {
      peer: this.#channel.peer,
      user: principal.name,
    });
    this.abort();
  }

  /** Closes the connection if its client holds memory but neither sends nor reads any more data. */
  endIfStalled(): void {
    const { requestMemory, responseMemory, clock, logger } = this.#broker;
    const { peer, backlog } = this.#channel;
    // A client that is not read cannot send.
    const heldAt = this.#throttling.isMuted ? undefined : this.#channel.heldAt;
    const isShort = requestMemory.isShort || responseMemory.isShort;
    if (!this.#stall.isOver(heldAt, isShort, clock.monotonic())) return;
    const reason = backlog > 0
      ? "does not read its responses"
      : "does not send the rest of a request";
    logger.warn(`Closed connection: client ${reason}`, { peer });
    this.abort();
  }

  /** Closes the connection immediately, discarding unsent responses. */
  abort(): void {
    this.#end();
    this.#channel.abort();
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#queue.stop();
    this.#ended.abort(new DOMException("The connection has ended", "AbortError"));
    this.#broker.requestMemory.release(this.#acquiredForNext);
    this.#acquiredForNext = 0;
    this.#queue.end();
  }

  /** Waits until the client may go on, as its quotas have it. */
  async #unmuted(): Promise<void> {
    this.#queue.stopWork();
    await this.#throttling.unmuted(this.ended);
  }

  /** Starts a request. Returns a promise if the next request must wait for it. */
  #accept(frame: Uint8Array): Promise<unknown> | undefined {
    this.#lastRequestMs = this.#broker.clock.monotonic();
    const reader = new Reader(frame, LONG);
    const header = readRequestHeader(reader);
    const handler = this.#handlers.get(header.apiKey);
    if (this.#reauthentication?.isLate(header.apiKey) === true) return this.#expire();
    if (handler === undefined) throw new ProtocolViolationError(unservedApi(header.apiKey));
    if (!inRange(header.apiVersion, handler.api.versions)) {
      this.#refuseVersion(handler, header);
      return undefined;
    }
    // A large frame of few elements can also take long to decode.
    if (isLarge(frame, header.apiKey)) return this.#acceptLong(frame, handler);
    readRequestHeaderTags(reader, handler.api, header.apiVersion);
    let request: RequestOf<Api>;
    try {
      request = codec(handler.api.request, header.apiVersion).decode(reader);
    } catch (error) {
      if (!(error instanceof TooManyElementsError)) throw error;
      return this.#acceptLong(frame, handler);
    }
    return this.#handle(handler, header, request, frame);
  }

  /** Decodes and handles a request with very many elements. */
  async #acceptLong(frame: Uint8Array, handler: ApiHandler): Promise<void> {
    const reader = new Reader(frame, MAX_ELEMENTS);
    const header = readRequestHeader(reader);
    readRequestHeaderTags(reader, handler.api, header.apiVersion);
    let request: RequestOf<Api>;
    try {
      request = await runSliced(slicedCodec(handler.api.request, header.apiVersion).decode(reader));
    } catch (error) {
      if (!(error instanceof TooManyElementsError)) throw error;
      const { message: errorMessage } = error;
      const pending = this.#enqueue(handler, header, undefined);
      this.#queue.answerError(pending, { errorCode: ErrorCode.INVALID_REQUEST, errorMessage });
      return;
    }
    if (!this.#hasEnded) await this.#handle(handler, header, request, frame);
  }

  #handle(
    handler: ApiHandler,
    header: RequestHeader,
    request: RequestOf<Api>,
    frame: Uint8Array,
  ): Promise<unknown> | undefined {
    const pending = this.#enqueue(handler, header, request);
    pending.isLarge = isLarge(frame, header.apiKey);
    const { isActive } = this.#broker.quotas;
    if (isActive) this.#throttling.begin(pending, frame.length, this.#lastRequestMs);
    let result: HandlerResult<Api> | Promise<HandlerResult<Api>>;
    try {
      result = this.#reauthentication?.refuse(handler.api, this.ended) ??
        handler.handle(request, pending);
    } catch (error) {
      this.#queue.answerFailure(pending, error);
      return undefined;
    }
    // Appended records have been copied, so the frame's buffer can be reused.
    if (header.apiKey === produce.key && !pending.keepsFrame) this.#channel.recycle(frame);
    if (result instanceof Promise) {
      if (isActive) this.#throttling.suspend(pending);
      this.#queue.answerLater(pending, result);
    } else this.#queue.answer(pending, result);
    if (pending.successor !== undefined) return this.#handOver(pending.successor);
    return pending.heldBack;
  }

  /** Lets something else serve the connection, which ends with it. */
  async #handOver(serve: (taken: TakenConnection) => Promise<void>): Promise<void> {
    await this.#queue.allAnswered();
    this.#queue.stopWork();
    await serve({
      channel: this.#channel,
      next: () => this.#nextTaken(),
      open: this.#options.open,
    });
    this.#end();
  }

  async #nextTaken(): Promise<Uint8Array | null> {
    this.#broker.requestMemory.release(this.#acquiredForNext);
    this.#acquiredForNext = 0;
    const frame = this.#hasEnded ? null : await this.#channel.next();
    this.#lastRequestMs = this.#broker.clock.monotonic();
    if (frame === null || this.#reauthentication?.isLate(envelope.key) !== true) return frame;
    this.#expire();
    return null;
  }

  /**
   * Answers ApiVersions in version 0, which every client can read (KIP-511). Other APIs are a
   * violation.
   */
  #refuseVersion(handler: ApiHandler, header: RequestHeader): void {
    if (handler.api.key !== apiVersions.key) {
      const { name, versions: { min, max } } = handler.api;
      throw new ProtocolViolationError(
        `${name} has no version ${header.apiVersion} here, only ${min} to ${max}`,
      );
    }
    const pending = this.#enqueue(handler, { ...header, apiVersion: 0 }, undefined);
    this.#queue.answer(pending, unsupportedApiVersions(handler.advertised));
  }

  #enqueue(
    handler: ApiHandler,
    header: RequestHeader,
    request: RequestOf<Api> | undefined,
  ): PendingRequest {
    const pending = new PendingRequest(
      handler,
      header,
      request,
      this.#acquiredForNext,
      this.#channel.peer,
      this.#session,
      this.#reauthentication,
      this.ended,
      this.#broker,
      this.#lastRequestMs,
    );
    this.#acquiredForNext = 0;
    this.#queue.push(pending);
    return pending;
  }

  /** Closes the connection of a client that has not authenticated again in time. */
  #expire(): undefined {
    const { counters, logger } = this.#broker;
    counters.authentications.expired++;
    const { principal } = this.#session;
    logger.info("Closed connection: the client has not authenticated again in time", {
      peer: this.#channel.peer,
      user: principal.name,
    });
    this.#end();
  }

  /** Whether the request may depend on the effects of pending ones. */
  #mustFollow(frame: Uint8Array): boolean {
    if (this.#queue.length === 0) return false;
    const apiKey = apiKeyOf(frame);
    if (apiKey === produce.key) return false;
    return apiKey !== fetch.key || !this.#queue.hasOnly(fetch.key);
  }

  #mustPause(): boolean {
    const { length, lastApiKey } = this.#queue;
    if (length >= this.#options.maxInFlight) return true;
    if (lastApiKey !== undefined && !PIPELINED.has(lastApiKey)) return true;
    const { backlog } = this.#channel;
    return backlog > MAX_BACKLOG_IF_SHORT &&
      (backlog > this.#options.maxBacklog || this.#broker.responseMemory.isShort);
  }

  /** Waits until responses have been sent. Reads one frame ahead to detect a disconnect. */
  async #pause(): Promise<void> {
    this.#ahead = this.#channel.next();
    this.#ahead.then(
      (frame) => frame === null ? this.#end() : this.#queue.hasAhead = true,
      (error) => this.#fail(error),
    );
    while (this.#mustPause() && !this.ended.aborted) {
      if (this.#queue.length > 0) await this.#queue.answered();
      else {
        this.#queue.stopWork();
        await this.#channel.drained();
      }
    }
  }

  /** Answers a client of another protocol in that protocol, where possible. */
  async #refuse(foreign: ForeignProtocol): Promise<void> {
    const { name, hint, answer } = foreign;
    const { logger } = this.#broker;
    if (isFirstMeeting(this.#broker, foreign)) {
      logger.warn(`Closed connection: client speaks ${name}`, { peer: this.#channel.peer, hint });
    }
    if (answer !== undefined) this.#channel.out.raw(answer);
    await this.#channel.close();
  }

  /** Closes the connection after an error outside the read loop. */
  #fail(error: unknown): void {
    if (this.ended.aborted) return;
    this.#logEnd(error);
    this.abort();
  }

  #logEnd(error: unknown): void {
    if (this.ended.aborted) return;
    logClosed(error, { peer: this.#channel.peer, host: this.#session.host }, this.#broker);
  }
}

/** Produce requests up to this size take a few microseconds to handle. */
const CHEAP_BYTES = 2048;

function isCheap(frame: Uint8Array): boolean {
  return frame.length <= CHEAP_BYTES && apiKeyOf(frame) === produce.key;
}

/** APIs whose pending requests do not block later requests of these APIs. */
const PIPELINED: ReadonlySet<number> = new Set([produce.key, fetch.key]);

/** Replaces `maxBacklog` while response memory is short. */
const MAX_BACKLOG_IF_SHORT = 64 * 1024;

/** Maximum number of elements of a request, summed over all its arrays. */
const MAX_ELEMENTS = 1_000_000;
