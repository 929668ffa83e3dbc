/**
 * One client's connection: frames in, handlers called in order, answers out in the same order.
 *
 * Kafka answers the requests of a connection in the order they came, and clients rely on it. A
 * handler's first, synchronous part runs in that order too, so pipelined Produce requests append in
 * order while their answers wait for the disk together, and behind a Fetch that waits for data others
 * may start. Every other request waits for all answers before it, and holds up what comes behind: so
 * each sees what those before it changed, as with Kafka, which takes one request at a time.
 *
 * Requests and answers of very many elements are decoded and encoded in slices, and what comes behind
 * waits for that as well.
 *
 * Back-pressure is not reading: while too many answers are pending, or the client does not take
 * what was answered, the socket is left alone. What was answered counts against the memory that all
 * connections share until it is taken.
 *
 * A request that fails, or whose answer cannot be encoded, is answered with an error. The connection
 * ends only where the client breaks the protocol.
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
import { type AnsweredError, errorAnswer } from "./error_answer.ts";
import { apiKeyOf, isLarge, memoryFor } from "./frame_memory.ts";
import { type Answer, type ApiHandler, type BrokerContext, NO_RESPONSE } from "../handler.ts";
import { unsupportedApiVersions } from "../handlers/cluster/api_versions.ts";
import { type ForeignProtocol, foreignProtocolOf, isFirstMeeting } from "./foreign_protocol.ts";
import type { HandlerTable } from "../handlers/mod.ts";
import { PendingRequest } from "./pending_request.ts";
import { ProtocolViolationError } from "../protocol_violation_error.ts";
import { Stall } from "./stall.ts";
import { Share } from "./turns.ts";

/** Bounds on what one connection may have under way. */
export interface ConnectionLimits {
  /** Requests that may wait for their answer at once. */
  readonly maxInFlight: number;
  /** Bytes of answers not yet taken by the client above which no request is read. */
  readonly maxBacklog: number;
}

/** Serves one channel until either side ends it. */
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
  #lentToNext = 0;
  #ahead: Promise<Uint8Array | null> | undefined;
  /** Whether the frame that is read ahead has arrived. */
  #hasAhead = false;
  /** Whether requests are being handled, and so more answers may be there soon. */
  #isAtWork = false;
  /** Whether there are answers that were not flushed, so that others may go with them. */
  #hasUnsent = false;
  /** Bytes of answers that count against the memory for answers. */
  #counted = 0;
  /** Bytes of answers not yet taken that their handlers count themselves. */
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

  /** When a request last came in or an answer went out, in milliseconds since the epoch. */
  lastActiveMs: number;

  /** Whether requests are waiting for their answer. */
  get isBusy(): boolean {
    return this.#pending.length > 0;
  }

  /** Aborted when the connection has ended. */
  readonly ended: AbortSignal = this.#ended.signal;

  /**
   * Borrows memory for a large frame that is about to be read; may have to wait for it.
   *
   * @param head First bytes of the frame, at least two.
   * @throws {FrameSizeError} If only Produce requests may be so large.
   */
  admit(size: number, head: Uint8Array): Promise<void> | undefined {
    const needed = memoryFor(size, apiKeyOf(head));
    const waiting = this.#broker.requestMemory.acquire(needed, this.ended);
    if (waiting === undefined) this.#lentToNext = needed;
    return waiting?.then(() => {
      if (this.ended.aborted) this.#broker.requestMemory.release(needed);
      else this.#lentToNext = needed;
    });
  }

  /** Answers requests until the client closes, breaks the protocol, or `close()` is called. */
  async serve(): Promise<void> {
    const channel = this.#channel;
    const { turns } = this.#broker;
    try {
      while (!this.#hasEnded) {
        // No wait where there is a frame: answers to what came together then leave together.
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
      // What was answered before gets as far as the socket takes it at once.
      this.#stopWork();
      for (let round = 0; round < ROUNDS; round++) await undefined;
      channel.abort();
    } finally {
      this.#end();
    }
  }

  /** Ends the connection; requests that wait give up, what was answered is still sent. */
  async close(): Promise<void> {
    this.#end();
    await this.#channel.close();
  }

  /** Ends the connection if its client has memory held and neither sends nor takes what that is for. */
  endIfStalled(): void {
    const { requestMemory, responseMemory, clock, logger } = this.#broker;
    const { heldAt, peer, backlog } = this.#channel;
    const isShort = requestMemory.isShort || responseMemory.isShort;
    if (!this.#stall.isOver(heldAt, isShort, clock.now())) return;
    const reason = backlog > 0
      ? "does not take its answers"
      : "does not send the rest of a request";
    logger.warn(`Closed connection: client ${reason}`, { peer });
    this.abort();
  }

  /** Ends the connection at once. */
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
    this.#broker.requestMemory.release(this.#lentToNext);
    this.#lentToNext = 0;
    for (const request of pending) {
      request.settle();
      request.taken();
    }
    this.#count();
    this.#wake?.();
  }

  /** Counts what was answered against the memory for answers, for as long as it is not taken. */
  #count(): void {
    const backlog = this.#hasEnded ? 0 : this.#channel.backlog;
    const counted = Math.max(0, backlog - this.#countedByHandlers);
    if (counted === this.#counted) return;
    const { responseMemory } = this.#broker;
    const before = this.#counted;
    this.#counted = counted;
    responseMemory.adjust(before, counted);
  }

  /** Takes a request. Returns what to wait for before the next is taken. */
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
    // Few elements may be long as well, and their texts take their time.
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

  /** Takes a request of very many elements. */
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
    let answer: Answer<Api> | Promise<Answer<Api>>;
    try {
      answer = handler.handle(request, pending);
    } catch (error) {
      this.#answerFailure(pending, error);
      return undefined;
    }
    // Records are on their way to the disk, and where else they are kept, they were copied to.
    if (header.apiKey === produce.key && !pending.keepsFrame) this.#channel.recycle(frame);
    if (answer instanceof Promise) {
      this.#answerLater(pending, answer);
    } else this.#answer(pending, answer);
    return pending.heldBack;
  }

  async #answerLater(pending: PendingRequest, answer: Promise<Answer<Api>>): Promise<void> {
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
   * Answers a request that failed, or whose answer cannot be encoded.
   *
   * @throws what went wrong, if that cannot be answered.
   */
  #answerFailure(pending: PendingRequest, error: unknown): void {
    if (this.#hasEnded) return;
    if (pending.failures > 1 || isClientsFault(error) || wantsNoAnswer(pending)) throw error;
    this.#answerError(pending, this.#explain(pending, error));
  }

  #explain({ handler: { api } }: PendingRequest, error: unknown): AnsweredError {
    const { logger } = this.#broker;
    if (error instanceof UnencodableValueError) {
      const { message: reason } = error;
      const { peer } = this.#channel;
      logger.warn("Answered with an error: the answer cannot be encoded", {
        api: api.name,
        peer,
        reason,
      });
      return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: reason };
    }
    return { errorCode: errorCodeOf(error, logger), errorMessage: errorMessageOf(error) };
  }

  #answerError(pending: PendingRequest, error: AnsweredError): void {
    pending.failures++;
    const { handler: { api }, header: { apiVersion } } = pending;
    // If even the errors are too much, there is one for all.
    const request = pending.failures > 1 ? undefined : pending.request;
    const steps = errorAnswer(api, apiVersion, request, error);
    const first = steps.next();
    // One step is all there is to most.
    if (first.done === true) this.#answer(pending, first.value);
    else this.#answerLater(pending, runSliced(steps));
  }

  /** A client that does not yet know what we speak is told, in the form that every client reads. */
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
      this.#lentToNext,
      this.#channel.peer,
      this.ended,
      this.#broker,
    );
    this.#lentToNext = 0;
    this.#pending.push(pending);
    return pending;
  }

  #answer(pending: PendingRequest, answer: Answer<Api>): void {
    if (this.#hasEnded) return;
    const { handler: { api }, apiVersion } = pending;
    const isLong = answer !== NO_RESPONSE && (pending.isLarge ||
      codec(api.response, apiVersion).hasMoreElementsThan(LONG, answer as ResponseTo<Api>));
    if (isLong) this.#encodeLong(pending, answer as ResponseTo<Api>);
    else this.#deliver(pending, answer);
  }

  /** Encodes an answer of very many elements, and counts it on the way. */
  async #encodeLong(pending: PendingRequest, answer: ResponseTo<Api>): Promise<void> {
    const { handler: { api }, header: { apiVersion, correlationId } } = pending;
    const out = new Writer();
    try {
      const slice = new TimeSlice();
      // Others may have worked in this turn of the loop.
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

  /** Sends an answer as soon as those before it were. */
  #deliver(pending: PendingRequest, answer: Answer<Api>): void {
    pending.answer = answer;
    const queue = this.#pending;
    while (queue.length > 0 && queue[0]!.answer !== undefined) this.#send(queue.shift()!);
    this.#count();
    if (this.#isAtWork && (this.#hasAhead || this.#channel.hasBuffered)) this.#hasUnsent = true;
    else this.#channel.flush();
    this.#wake?.();
  }

  /** Before a wait: sends what was held back for others to go with it. */
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

  /** Whether a request may depend on what those before it have yet to do. */
  #mustFollow(frame: Uint8Array): boolean {
    if (this.#pending.length === 0) return false;
    const apiKey = apiKeyOf(frame);
    if (apiKey === produce.key) return false;
    return apiKey !== fetch.key || this.#pending.some(({ header }) => header.apiKey !== fetch.key);
  }

  async #allAnswered(): Promise<void> {
    while (this.#pending.length > 0) await this.#answered();
  }

  /** Resolves when something was answered, or the connection has ended. */
  async #answered(): Promise<void> {
    let isAwake = false;
    const woken = new Promise<void>((resolve) =>
      this.#wake = () => {
        isAwake = true;
        resolve();
      }
    );
    // Most answers are there without a wait for anything outside this program.
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

  /** Waits for answers to go out. Reads one frame ahead, so as to notice a client that leaves. */
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

  /** Tells a client of another protocol where it is, as far as it understands that. */
  async #refuse(foreign: ForeignProtocol): Promise<void> {
    const { name, hint, answer } = foreign;
    const { logger } = this.#broker;
    if (isFirstMeeting(this.#broker, foreign)) {
      logger.warn(`Closed connection: client speaks ${name}`, { peer: this.#channel.peer, hint });
    }
    if (answer !== undefined) this.#channel.out.raw(answer);
    await this.#channel.close();
  }

  /** Ends the connection for an error outside the read loop. */
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

/** Produce requests up to this size take a few microseconds. */
const CHEAP_BYTES = 2048;

function isCheap(frame: Uint8Array): boolean {
  return frame.length <= CHEAP_BYTES && apiKeyOf(frame) === produce.key;
}

/** More rounds of reactions than a request takes from which nothing is waited for. */
const ROUNDS = 32;

/** APIs behind whose unanswered requests further ones may start. */
const PIPELINED: ReadonlySet<number> = new Set([produce.key, fetch.key]);

/** Bytes of answers not yet taken above which no request is read if memory for answers is short. */
const MAX_BACKLOG_IF_SHORT = 64 * 1024;

/** The bytes in front of a frame, which say its size. */
const FRAME_HEAD = 4;

/** Why a request cannot be answered, with the name that its sender knows the API by. */
function unservedApi(key: number): string {
  const name = apiName(key);
  return name === undefined
    ? `Unknown API key ${key}`
    : `This broker does not serve ${name} (API key ${key})`;
}

/** Elements above which a request is decoded, and an answer encoded, in slices. */
const LONG = 1000;
/** Elements that a request may have, over all its arrays. */
const MAX_ELEMENTS = 1_000_000;

/** Whether a client has asked that nothing be sent to it. */
function wantsNoAnswer({ header, request }: PendingRequest): boolean {
  return header.apiKey === produce.key && (request as RequestOf<typeof produce>).acks === Acks.none;
}

function isClientsFault(error: unknown): error is Error {
  return error instanceof MalformedMessageError || error instanceof ProtocolViolationError ||
    error instanceof FrameSizeError;
}

/** Whether the other end has gone, which is its right at any time. */
function isDisconnect(error: unknown): boolean {
  return error instanceof TruncatedFrameError || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted;
}
