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
import { apiName } from "../../protocol/api_name.ts";
import { codec, slicedCodec } from "../../protocol/schema/codec.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { FrameSizeError, TruncatedFrameError } from "../../protocol/frames/framing.ts";
import {
  readRequestHeader,
  readRequestHeaderTags,
  type RequestHeader,
  writeResponseHeader,
} from "../../protocol/frames/headers.ts";
import {
  MalformedMessageError,
  Reader,
  TooManyElementsError,
} from "../../protocol/primitives/reader.ts";
import type { Api, RequestOf, ResponseTo } from "../../protocol/schema/schema.ts";
import { inRange } from "../../protocol/schema/version_range.ts";
import { UnencodableValueError, Writer } from "../../protocol/primitives/writer.ts";
import { runSliced, TimeSlice } from "../../storage/mod.ts";
import { apiVersions } from "../../protocol/messages/cluster/api_versions.ts";
import { fetch } from "../../protocol/messages/records/fetch.ts";
import { Acks, produce } from "../../protocol/messages/records/produce.ts";
import { errorCodeOf, errorMessageOf } from "../api_error.ts";
import { errorResponse, type ResponseError } from "./error_response.ts";
import { apiKeyOf, isLarge, memoryFor } from "./frame_memory.ts";
import {
  type ApiHandler,
  type BrokerContext,
  type HandlerResult,
  NO_RESPONSE,
} from "../handler.ts";
import { unsupportedApiVersions } from "../handlers/cluster/api_versions.ts";
import { type ForeignProtocol, foreignProtocolOf, isFirstMeeting } from "./foreign_protocol.ts";
import type { HandlerTable } from "../handlers/mod.ts";
import { PendingRequest } from "./pending_request.ts";
import { ProtocolViolationError } from "../protocol_violation_error.ts";
import { Stall } from "./stall.ts";
import { Share } from "./turns.ts";

/** Limits of one connection. */
export interface ConnectionLimits {
  /** Maximum number of requests that wait for their response. */
  readonly maxInFlight: number;
  /** Bytes of unsent responses above which the connection stops reading requests. */
  readonly maxBacklog: number;
}

/** Serves one channel until either side closes it. */
export class Connection {
  readonly #channel: FrameChannel;
  readonly #broker: BrokerContext;
  readonly #handlers: HandlerTable;
  readonly #limits: ConnectionLimits;
  readonly #ended = new AbortController();
  readonly #share = new Share();
  readonly #stall = new Stall();
  #hasEnded = false;
  #pending: PendingRequest[] = [];
  #wake: (() => void) | undefined;
  #acquiredForNext = 0;
  #ahead: Promise<Uint8Array | null> | undefined;
  /** Whether the frame read ahead has arrived. */
  #hasAhead = false;
  /** Whether requests are being handled, so that more responses may follow shortly. */
  #isAtWork = false;
  /** Whether responses are buffered but not flushed, to be sent together with later ones. */
  #hasUnsent = false;
  /** Bytes of responses counted against the response memory budget. */
  #counted = 0;
  /** Unsent response bytes that handlers count themselves. */
  #countedByHandlers = 0;

  constructor(
    channel: FrameChannel,
    broker: BrokerContext,
    handlers: HandlerTable,
    limits: ConnectionLimits,
  ) {
    this.#channel = channel;
    this.#broker = broker;
    this.#handlers = handlers;
    this.#limits = limits;
    this.lastActiveMs = broker.clock.now();
    channel.onTaken = () => this.#count();
  }

  /** When the last request arrived or response was sent, in milliseconds since the epoch. */
  lastActiveMs: number;

  /** Whether any request is waiting for its response. */
  get isBusy(): boolean {
    return this.#pending.length > 0;
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
    const { turns } = this.#broker;
    try {
      while (!this.#hasEnded) {
        // Do not wait while frames are buffered: responses to pipelined requests are then sent
        // together.
        let frame = this.#ahead === undefined ? channel.buffered() : undefined;
        if (frame === undefined) {
          if (!this.#hasAhead) this.#stopWork();
          if (this.#ahead === undefined) turns.rested(this.#share);
          const next = await (this.#ahead ?? channel.next());
          this.#ahead = undefined;
          this.#hasAhead = false;
          if (next === null) break;
          frame = next;
        }
        if (this.#mustFollow(frame)) await this.#allAnswered();
        const isUntimed = isCheap(frame) && turns.mayGoUntimed();
        if (!isUntimed && !turns.mayGo(this.#share)) {
          this.#stopWork();
          await turns.wait(this.#share);
        }
        if (this.#hasEnded) break;
        this.#isAtWork = true;
        const accepted = this.#accept(frame);
        if (!isUntimed) turns.used(this.#share);
        if (accepted !== undefined) {
          this.#stopWork();
          turns.rested(this.#share);
          await accepted;
        }
        if (this.#mustPause()) await this.#pause();
      }
      this.#stopWork();
      await channel.close();
    } catch (error) {
      const foreign = error instanceof FrameSizeError ? foreignProtocolOf(error) : undefined;
      if (foreign !== undefined) return await this.#refuse(foreign);
      this.#logEnd(error);
      // Write earlier responses as far as the socket accepts them without waiting.
      this.#stopWork();
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

  /** Closes the connection if its client holds memory but neither sends nor reads any more data. */
  endIfStalled(): void {
    const { requestMemory, responseMemory, clock, logger } = this.#broker;
    const { heldAt, peer, backlog } = this.#channel;
    const isShort = requestMemory.isShort || responseMemory.isShort;
    if (!this.#stall.isOver(heldAt, isShort, clock.now())) return;
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
    this.#ended.abort(new DOMException("The connection has ended", "AbortError"));
    const pending = this.#pending;
    this.#pending = [];
    this.#broker.requestMemory.release(this.#acquiredForNext);
    this.#acquiredForNext = 0;
    for (const request of pending) {
      request.settle();
      request.taken();
    }
    this.#count();
    this.#wake?.();
  }

  /** Updates the bytes counted against the response memory budget. */
  #count(): void {
    const backlog = this.#hasEnded ? 0 : this.#channel.backlog;
    const counted = Math.max(0, backlog - this.#countedByHandlers);
    if (counted === this.#counted) return;
    const { responseMemory } = this.#broker;
    const before = this.#counted;
    this.#counted = counted;
    responseMemory.adjust(before, counted);
  }

  /** Starts a request. Returns a promise if the next request must wait for it. */
  #accept(frame: Uint8Array): Promise<unknown> | undefined {
    this.lastActiveMs = this.#broker.clock.now();
    const reader = new Reader(frame, LONG);
    const header = readRequestHeader(reader);
    const handler = this.#handlers.get(header.apiKey);
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
      this.#answerError(pending, { errorCode: ErrorCode.INVALID_REQUEST, errorMessage });
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
    let answer: HandlerResult<Api> | Promise<HandlerResult<Api>>;
    try {
      answer = handler.handle(request, pending);
    } catch (error) {
      this.#answerFailure(pending, error);
      return undefined;
    }
    // Appended records have been copied, so the frame's buffer can be reused.
    if (header.apiKey === produce.key && !pending.keepsFrame) this.#channel.recycle(frame);
    if (answer instanceof Promise) {
      this.#answerLater(pending, answer);
    } else this.#answer(pending, answer);
    return pending.heldBack;
  }

  async #answerLater(pending: PendingRequest, answer: Promise<HandlerResult<Api>>): Promise<void> {
    try {
      const value = await answer;
      this.lastActiveMs = this.#broker.clock.now();
      this.#answer(pending, value);
    } catch (error) {
      this.#answerFailureOrEnd(pending, error);
    }
  }

  #answerFailureOrEnd(pending: PendingRequest, error: unknown): void {
    try {
      this.#answerFailure(pending, error);
    } catch (cause) {
      this.#fail(cause);
    }
  }

  /**
   * Sends an error response to a request that failed or whose response cannot be encoded.
   *
   * @throws The original error, if no error response is possible.
   */
  #answerFailure(pending: PendingRequest, error: unknown): void {
    if (this.#hasEnded) return;
    if (pending.failures > 1 || isClientsFault(error) || wantsNoAnswer(pending)) throw error;
    this.#answerError(pending, this.#explain(pending, error));
  }

  #explain({ handler: { api } }: PendingRequest, error: unknown): ResponseError {
    const { logger } = this.#broker;
    if (error instanceof UnencodableValueError) {
      const { message: reason } = error;
      const { peer } = this.#channel;
      logger.warn("Sent an error response: the response cannot be encoded", {
        api: api.name,
        peer,
        reason,
      });
      return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: reason };
    }
    return { errorCode: errorCodeOf(error, logger), errorMessage: errorMessageOf(error) };
  }

  #answerError(pending: PendingRequest, error: ResponseError): void {
    pending.failures++;
    const { handler: { api }, header: { apiVersion } } = pending;
    // If the error response itself is too large, report a single error for the whole request.
    const request = pending.failures > 1 ? undefined : pending.request;
    const steps = errorResponse(api, apiVersion, request, error);
    const first = steps.next();
    // Most error responses take a single step.
    if (first.done === true) this.#answer(pending, first.value);
    else this.#answerLater(pending, runSliced(steps));
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
    this.#answer(pending, unsupportedApiVersions(handler.advertised));
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
      this.ended,
      this.#broker,
    );
    this.#acquiredForNext = 0;
    this.#pending.push(pending);
    return pending;
  }

  #answer(pending: PendingRequest, answer: HandlerResult<Api>): void {
    if (this.#hasEnded) return;
    const { handler: { api }, apiVersion } = pending;
    const isLong = answer !== NO_RESPONSE && (pending.isLarge ||
      codec(api.response, apiVersion).hasMoreElementsThan(LONG, answer as ResponseTo<Api>));
    if (isLong) this.#encodeLong(pending, answer as ResponseTo<Api>);
    else this.#deliver(pending, answer);
  }

  /** Encodes a response with very many elements in slices, counting its memory as it grows. */
  async #encodeLong(pending: PendingRequest, answer: ResponseTo<Api>): Promise<void> {
    const { handler: { api }, header: { apiVersion, correlationId } } = pending;
    const out = new Writer();
    try {
      const slice = new TimeSlice();
      // Other work may have used this turn of the event loop already.
      await slice.pause();
      if (this.#hasEnded) return;
      writeResponseHeader(out, api, apiVersion, correlationId);
      for (const _ of slicedCodec(api.response, apiVersion).encode(out, answer)) {
        if (!slice.isOver) continue;
        pending.countEncoded(out.size);
        await slice.pause();
        if (this.#hasEnded) return;
      }
      pending.countEncoded(out.size);
      pending.encoded = out.take();
      this.#deliver(pending, answer);
    } catch (error) {
      this.#answerFailureOrEnd(pending, error);
    }
  }

  /** Sends a response once all earlier ones have been sent. */
  #deliver(pending: PendingRequest, answer: HandlerResult<Api>): void {
    pending.answer = answer;
    const queue = this.#pending;
    while (queue.length > 0 && queue[0]!.answer !== undefined) this.#send(queue.shift()!);
    this.#count();
    if (this.#isAtWork && (this.#hasAhead || this.#channel.hasBuffered)) this.#hasUnsent = true;
    else this.#channel.flush();
    this.#wake?.();
  }

  /** Flushes buffered responses before a wait. */
  #stopWork(): void {
    this.#isAtWork = false;
    if (!this.#hasUnsent) return;
    this.#hasUnsent = false;
    this.#channel.flush();
  }

  #send(pending: PendingRequest): void {
    const { handler: { api }, header, encoded, answer } = pending;
    pending.settle();
    if (answer === NO_RESPONSE) return pending.taken();
    const { out } = this.#channel;
    out.beginFrame();
    let size: number;
    try {
      if (encoded === undefined) {
        writeResponseHeader(out, api, header.apiVersion, header.correlationId);
        codec(api.response, header.apiVersion).encode(out, answer as ResponseTo<Api>);
      } else {
        for (const chunk of encoded) out.splice(chunk);
        pending.encoded = undefined;
      }
      size = out.endFrame() + FRAME_HEAD;
    } catch (error) {
      out.abandonFrame();
      pending.taken();
      pending.answer = undefined;
      this.#pending.unshift(pending);
      return this.#answerFailure(pending, error);
    }
    if (!pending.isFollowed) return;
    this.#countedByHandlers += size;
    this.#channel.drained().then(() => {
      this.#countedByHandlers -= size;
      pending.taken();
      this.#count();
    });
  }

  /** Whether the request may depend on the effects of pending ones. */
  #mustFollow(frame: Uint8Array): boolean {
    if (this.#pending.length === 0) return false;
    const apiKey = apiKeyOf(frame);
    if (apiKey === produce.key) return false;
    return apiKey !== fetch.key || this.#pending.some(({ header }) => header.apiKey !== fetch.key);
  }

  async #allAnswered(): Promise<void> {
    while (this.#pending.length > 0) await this.#answered();
  }

  /** Resolves when a response has been sent or the connection has ended. */
  async #answered(): Promise<void> {
    let isAwake = false;
    const woken = new Promise<void>((resolve) =>
      this.#wake = () => {
        isAwake = true;
        resolve();
      }
    );
    // Most responses become ready without waiting for I/O.
    for (let round = 0; round < ROUNDS && !isAwake; round++) await undefined;
    if (!isAwake) this.#stopWork();
    await woken;
    this.#isAtWork = true;
    this.#wake = undefined;
  }

  #mustPause(): boolean {
    const last = this.#pending.at(-1);
    if (last !== undefined) {
      if (this.#pending.length >= this.#limits.maxInFlight) return true;
      if (!PIPELINED.has(last.header.apiKey)) return true;
    }
    const { backlog } = this.#channel;
    return backlog > MAX_BACKLOG_IF_SHORT &&
      (backlog > this.#limits.maxBacklog || this.#broker.responseMemory.isShort);
  }

  /** Waits until responses have been sent. Reads one frame ahead to detect a disconnect. */
  async #pause(): Promise<void> {
    this.#ahead = this.#channel.next();
    this.#ahead.then(
      (frame) => frame === null ? this.#end() : this.#hasAhead = true,
      (error) => this.#fail(error),
    );
    while (this.#mustPause() && !this.ended.aborted) {
      if (this.#pending.length > 0) await this.#answered();
      else {
        this.#stopWork();
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
    if (this.ended.aborted || isDisconnect(error)) return;
    const { logger } = this.#broker;
    const { peer } = this.#channel;
    if (isClientsFault(error)) {
      logger.warn("Closed connection: client broke the protocol", { peer, reason: error.message });
    } else {
      logger.error("Closed connection: request failed", { peer, error });
    }
  }
}

/** Produce requests up to this size take a few microseconds to handle. */
const CHEAP_BYTES = 2048;

function isCheap(frame: Uint8Array): boolean {
  return frame.length <= CHEAP_BYTES && apiKeyOf(frame) === produce.key;
}

/** Upper bound on the microtask rounds of a request that waits for nothing external. */
const ROUNDS = 32;

/** APIs whose pending requests do not block later requests of these APIs. */
const PIPELINED: ReadonlySet<number> = new Set([produce.key, fetch.key]);

/** Replaces `maxBacklog` while response memory is short. */
const MAX_BACKLOG_IF_SHORT = 64 * 1024;

/** Size of the length prefix of a frame. */
const FRAME_HEAD = 4;

/** Explains why an API is not served, with the API's name if it is known. */
function unservedApi(key: number): string {
  const name = apiName(key);
  return name === undefined
    ? `Unknown API key ${key}`
    : `This broker does not serve ${name} (API key ${key})`;
}

/** Number of elements above which requests are decoded, and responses encoded, in slices. */
const LONG = 1000;
/** Maximum number of elements of a request, summed over all its arrays. */
const MAX_ELEMENTS = 1_000_000;

/** Whether the client asked for no response (Produce with `acks=0`). */
function wantsNoAnswer({ header, request }: PendingRequest): boolean {
  return header.apiKey === produce.key && (request as RequestOf<typeof produce>).acks === Acks.none;
}

function isClientsFault(error: unknown): error is Error {
  return error instanceof MalformedMessageError || error instanceof ProtocolViolationError ||
    error instanceof FrameSizeError;
}

/** Whether the error means that the peer closed the connection, which it may do at any time. */
function isDisconnect(error: unknown): boolean {
  return error instanceof TruncatedFrameError || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted;
}
