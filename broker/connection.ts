/**
 * One client's connection: frames in, handlers called in order, answers out in the same order.
 *
 * Kafka answers the requests of a connection in the order they came, and clients rely on it. A
 * handler's first, synchronous part runs in that order too, so pipelined Produce requests append in
 * order while their answers wait for the disk together, and behind a Fetch that waits for data others
 * may start. Every other request waits for all answers before it, and holds up what comes behind: so
 * each sees what those before it changed, as with Kafka, which takes one request at a time.
 *
 * Back-pressure is not reading: while too many answers are pending, or the client does not take
 * what was answered, the socket is left alone.
 *
 * @module
 */

import type { FrameChannel } from "../protocol/channel.ts";
import { apiName } from "../protocol/api_name.ts";
import { codec } from "../protocol/codec.ts";
import { FrameSizeError, TruncatedFrameError } from "../protocol/framing.ts";
import {
  readRequestHeader,
  readRequestHeaderTags,
  type RequestHeader,
  writeResponseHeader,
} from "../protocol/headers.ts";
import { MalformedMessageError, Reader } from "../protocol/reader.ts";
import type { Api, ResponseTo } from "../protocol/schema.ts";
import { inRange } from "../protocol/version_range.ts";
import { apiVersions } from "../protocol/messages/api_versions.ts";
import { fetch } from "../protocol/messages/fetch.ts";
import { produce } from "../protocol/messages/produce.ts";
import {
  type Answer,
  type ApiHandler,
  type BrokerContext,
  NO_RESPONSE,
  type RequestContext,
} from "./handler.ts";
import { unsupportedApiVersions } from "./handlers/api_versions.ts";
import type { HandlerTable } from "./handlers/mod.ts";
import { ProtocolViolationError } from "./protocol_violation_error.ts";
import { Share } from "./turns.ts";

/** Bounds on what one connection may have under way. */
export interface ConnectionLimits {
  /** Requests that may wait for their answer at once. */
  readonly maxInFlight: number;
  /** Bytes of answers not yet taken by the client above which no request is read. */
  readonly maxBacklog: number;
}

/** A request whose answer is due, as its handler sees it; they are answered first to last. */
class Pending implements RequestContext {
  readonly handler: ApiHandler;
  readonly header: RequestHeader;
  readonly apiVersion: number;
  readonly clientId: string;
  readonly peer: string;
  readonly signal: AbortSignal;
  readonly broker: BrokerContext;
  /** Bytes lent for the request, given back with the answer. */
  readonly lent: number;
  answer: Answer<Api> | undefined;
  /** Whether its bytes are needed after its handler has returned. */
  keepsFrame = false;
  #whenTaken: (() => void)[] | undefined;

  constructor(
    handler: ApiHandler,
    header: RequestHeader,
    lent: number,
    peer: string,
    signal: AbortSignal,
    broker: BrokerContext,
  ) {
    this.handler = handler;
    this.header = header;
    this.apiVersion = header.apiVersion;
    this.clientId = header.clientId ?? "";
    this.peer = peer;
    this.signal = signal;
    this.broker = broker;
    this.lent = lent;
    this.answer = undefined;
  }

  whenTaken(callback: () => void): void {
    if (this.signal.aborted) callback();
    else (this.#whenTaken ??= []).push(callback);
  }

  keepFrame(): void {
    this.keepsFrame = true;
  }

  /** Whether somebody wants to know when the answer was taken. */
  get isFollowed(): boolean {
    return this.#whenTaken !== undefined;
  }

  /** Says that the answer was taken, or never will be. */
  taken(): void {
    const callbacks = this.#whenTaken ?? [];
    this.#whenTaken = undefined;
    for (const callback of callbacks) callback();
  }
}

/** Serves one channel until either side ends it. */
export class Connection {
  readonly #channel: FrameChannel;
  readonly #broker: BrokerContext;
  readonly #handlers: HandlerTable;
  readonly #limits: ConnectionLimits;
  readonly #ended = new AbortController();
  readonly #share = new Share();
  #hasEnded = false;
  #pending: Pending[] = [];
  #wake: (() => void) | undefined;
  #lentToNext = 0;
  #ahead: Promise<Uint8Array | null> | undefined;
  /** Whether the frame that is read ahead has arrived. */
  #hasAhead = false;
  /** Whether requests are being handled, and so more answers may be there soon. */
  #isAtWork = false;
  /** Whether there are answers that were not flushed, so that others may go with them. */
  #hasUnsent = false;

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
        if (!turns.mayGo(this.#share)) {
          this.#stopWork();
          await turns.wait(this.#share);
        }
        if (this.#hasEnded) break;
        this.#isAtWork = true;
        this.#accept(frame);
        turns.used(this.#share);
        if (this.#mustPause()) await this.#pause();
      }
      this.#stopWork();
      await channel.close();
    } catch (error) {
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

  /** Ends the connection at once. */
  abort(): void {
    this.#end();
    this.#channel.abort();
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#ended.abort(new DOMException("The connection has ended", "AbortError"));
    let lent = this.#lentToNext;
    const pending = this.#pending;
    for (const request of pending) lent += request.lent;
    this.#pending = [];
    this.#lentToNext = 0;
    this.#broker.requestMemory.release(lent);
    for (const request of pending) request.taken();
    this.#wake?.();
  }

  #accept(frame: Uint8Array): void {
    this.lastActiveMs = this.#broker.clock.now();
    const reader = new Reader(frame);
    const header = readRequestHeader(reader);
    const handler = this.#handlers.get(header.apiKey);
    if (handler === undefined) throw new ProtocolViolationError(unservedApi(header.apiKey));
    if (!inRange(header.apiVersion, handler.api.versions)) {
      return this.#refuseVersion(handler, header);
    }
    readRequestHeaderTags(reader, handler.api, header.apiVersion);
    const request = codec(handler.api.request, header.apiVersion).decode(reader);
    const pending = this.#enqueue(handler, header);
    const answer = handler.handle(request, pending);
    // Records are on their way to the disk, and where else they are kept, they were copied to.
    if (header.apiKey === produce.key && !pending.keepsFrame) this.#channel.recycle(frame);
    if (answer instanceof Promise) {
      this.#answerLater(pending, answer);
    } else this.#answer(pending, answer);
  }

  async #answerLater(pending: Pending, answer: Promise<Answer<Api>>): Promise<void> {
    try {
      const value = await answer;
      this.lastActiveMs = this.#broker.clock.now();
      this.#answer(pending, value);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A client that does not yet know what we speak is told, in the form that every client reads. */
  #refuseVersion(handler: ApiHandler, header: RequestHeader): void {
    if (handler.api.key !== apiVersions.key) {
      const { name, versions: { min, max } } = handler.api;
      throw new ProtocolViolationError(
        `${name} has no version ${header.apiVersion} here, only ${min} to ${max}`,
      );
    }
    const pending = this.#enqueue(handler, { ...header, apiVersion: 0 });
    this.#answer(pending, unsupportedApiVersions(handler.advertised));
  }

  #enqueue(handler: ApiHandler, header: RequestHeader): Pending {
    const pending = new Pending(
      handler,
      header,
      this.#lentToNext,
      this.#channel.peer,
      this.ended,
      this.#broker,
    );
    this.#lentToNext = 0;
    this.#pending.push(pending);
    return pending;
  }

  #answer(pending: Pending, answer: Answer<Api>): void {
    if (this.#hasEnded) return;
    pending.answer = answer;
    const queue = this.#pending;
    while (queue.length > 0 && queue[0]!.answer !== undefined) this.#send(queue.shift()!);
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

  #send(pending: Pending): void {
    const { handler: { api }, header, lent, answer } = pending;
    if (lent > 0) this.#broker.requestMemory.release(lent);
    if (answer === NO_RESPONSE) return pending.taken();
    const { out } = this.#channel;
    out.beginFrame();
    try {
      writeResponseHeader(out, api, header.apiVersion, header.correlationId);
      codec(api.response, header.apiVersion).encode(out, answer as ResponseTo<Api>);
    } catch (error) {
      out.abandonFrame();
      pending.taken();
      throw error;
    }
    out.endFrame();
    if (pending.isFollowed) this.#channel.drained().then(() => pending.taken());
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
    return this.#channel.backlog > this.#limits.maxBacklog;
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

/** More rounds of reactions than a request takes from which nothing is waited for. */
const ROUNDS = 32;

/** APIs behind whose unanswered requests further ones may start. */
const PIPELINED: ReadonlySet<number> = new Set([produce.key, fetch.key]);

/**
 * Frames of other requests than Produce may not be larger: no client sends so much, and made of nothing
 * but short elements they hold up everybody for half a second as they are decoded.
 */
const MAX_DECODED_FRAME = 8 * 1024 * 1024;
/** Bytes of memory that a byte of such a frame comes to, about. */
const DECODED_PER_BYTE = 4;

/**
 * What a large request takes in memory. Records stay bytes; of other requests each field becomes a
 * value, and each element of an array an object.
 */
function memoryFor(size: number, apiKey: number): number {
  if (apiKey === produce.key) return size;
  if (size <= MAX_DECODED_FRAME) return size * DECODED_PER_BYTE;
  throw new FrameSizeError(
    `Cannot accept frame of ${size} bytes with API key ${apiKey}: the limit is ${MAX_DECODED_FRAME}`,
  );
}

/** Why a request cannot be answered, with the name that its sender knows the API by. */
function unservedApi(key: number): string {
  const name = apiName(key);
  return name === undefined
    ? `Unknown API key ${key}`
    : `This broker does not serve ${name} (API key ${key})`;
}

/** The API that a request's header names, or none if it is too short to. */
function apiKeyOf(frame: Uint8Array): number {
  return frame.length < 2 ? -1 : frame[0]! << 8 | frame[1]!;
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
