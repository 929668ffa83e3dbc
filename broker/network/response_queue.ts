/**
 * The requests of a connection whose responses are not sent, and the sending of those in request order.
 *
 * A response with very many elements is encoded in slices. Responses that clients do not read count
 * against the memory that all connections share. What cannot be encoded becomes an error response.
 *
 * @module
 */

import type { FrameChannel } from "../../protocol/frames/channel.ts";
import { writeResponseHeader } from "../../protocol/frames/headers.ts";
import { Acks, produce } from "../../protocol/messages/records/produce.ts";
import { Writer } from "../../protocol/primitives/writer.ts";
import { codec, slicedCodec } from "../../protocol/schema/codec.ts";
import type { Api, RequestOf, ResponseTo } from "../../protocol/schema/schema.ts";
import { runSliced, TimeSlice } from "../../storage/time_slice.ts";
import { type BrokerContext, type HandlerResult, NO_RESPONSE } from "../handler.ts";
import { errorResponse, type ResponseError } from "./error_response.ts";
import { explainFailure, isClientsFault } from "./failures.ts";
import { countAnswer } from "./answer_counting.ts";
import type { PendingRequest } from "./pending_request.ts";
import type { Throttling } from "./throttling.ts";

/** Number of elements above which requests are decoded, and responses encoded, in slices. */
export const LONG = 1000;

/** Upper bound on the microtask rounds of a request that waits for nothing external. */
export const ROUNDS = 32;

/** Size of the length prefix of a frame. */
const FRAME_HEAD = 4;

/** What a queue needs of its connection. */
export interface ResponseQueueOptions {
  readonly channel: FrameChannel;
  readonly broker: BrokerContext;
  /** Called with an error that no response can answer. */
  readonly onError: (error: unknown) => void;
  /** Adds to the answers of clients over their quotas how long they should wait. */
  readonly throttling: Pick<Throttling, "answer">;
}

/** The requests of a connection that wait for their response, in order. */
export class ResponseQueue {
  readonly #channel: FrameChannel;
  readonly #broker: BrokerContext;
  readonly #onError: (error: unknown) => void;
  readonly #throttling: Pick<Throttling, "answer">;
  #pending: PendingRequest[] = [];
  #hasEnded = false;
  #wake: (() => void) | undefined;
  /** Whether requests are being handled, so that more responses may follow shortly. */
  #isAtWork = false;
  /** Whether responses are buffered but not flushed, to be sent together with later ones. */
  #hasUnsent = false;
  /** Bytes of responses counted against the response memory budget. */
  #counted = 0;
  /** Unsent response bytes that handlers count themselves. */
  #countedByHandlers = 0;

  constructor({ channel, broker, onError, throttling }: ResponseQueueOptions) {
    this.#channel = channel;
    this.#broker = broker;
    this.#onError = onError;
    this.#throttling = throttling;
    this.lastResponseMs = broker.clock.monotonic();
    channel.onTaken = () => this.#count();
  }

  /** Whether the frame read ahead has arrived. */
  hasAhead = false;

  /** When the last asynchronous response became ready, by the monotonic clock. */
  lastResponseMs: number;

  /** Number of requests that wait. */
  get length(): number {
    return this.#pending.length;
  }

  /** API key of the last request that waits. */
  get lastApiKey(): number | undefined {
    return this.#pending.at(-1)?.header.apiKey;
  }

  /** Whether only requests of one API wait. */
  hasOnly(apiKey: number): boolean {
    return this.#pending.every(({ header }) => header.apiKey === apiKey);
  }

  /** Adds a request. */
  push(pending: PendingRequest): void {
    this.#pending.push(pending);
  }

  /**
   * Gives a request the result of its handler.
   *
   * @param nowMs The time, by the monotonic clock, if it is known.
   */
  answer(pending: PendingRequest, given: HandlerResult<Api>, nowMs?: number): void {
    if (this.#hasEnded) return;
    countAnswer(pending, given, nowMs);
    const result = this.#broker.quotas.isActive ? this.#throttling.answer(pending, given) : given;
    const { handler: { api }, apiVersion } = pending;
    const isLong = result !== NO_RESPONSE && (pending.isLarge ||
      codec(api.response, apiVersion).hasMoreElementsThan(LONG, result as ResponseTo<Api>));
    if (isLong) this.#encodeLong(pending, result as ResponseTo<Api>);
    else this.#deliver(pending, result);
  }

  /** Gives a request the result of its handler when that is ready. */
  async answerLater(pending: PendingRequest, result: Promise<HandlerResult<Api>>): Promise<void> {
    try {
      const value = await result;
      this.lastResponseMs = this.#broker.clock.monotonic();
      this.answer(pending, value, this.lastResponseMs);
    } catch (error) {
      this.#answerFailureOrEnd(pending, error);
    }
  }

  /**
   * Sends an error response to a request that failed or whose response cannot be encoded.
   *
   * @throws The original error, if no error response is possible.
   */
  answerFailure(pending: PendingRequest, error: unknown): void {
    if (this.#hasEnded) return;
    if (pending.failures > 1 || isClientsFault(error) || wantsNoAnswer(pending)) throw error;
    this.answerError(pending, explainFailure(pending, error));
  }

  /** Sends an error response. */
  answerError(pending: PendingRequest, error: ResponseError): void {
    pending.failures++;
    const { handler: { api }, header: { apiVersion } } = pending;
    // If the error response itself is too large, report a single error for the whole request.
    const request = pending.failures > 1 ? undefined : pending.request;
    const steps = errorResponse(api, apiVersion, request, error);
    const first = steps.next();
    // Most error responses take a single step.
    if (first.done === true) this.answer(pending, first.value);
    else this.answerLater(pending, runSliced(steps));
  }

  /** Notes that requests are being handled: their responses are sent together. */
  beginWork(): void {
    this.#isAtWork = true;
  }

  /** Flushes buffered responses before a wait. */
  stopWork(): void {
    this.#isAtWork = false;
    if (!this.#hasUnsent) return;
    this.#hasUnsent = false;
    this.#channel.flush();
  }

  /** Resolves when no request waits. */
  async allAnswered(): Promise<void> {
    while (this.#pending.length > 0) await this.answered();
  }

  /** Resolves when a response has been sent or the connection has ended. */
  async answered(): Promise<void> {
    let isAwake = false;
    const woken = new Promise<void>((resolve) =>
      this.#wake = () => {
        isAwake = true;
        resolve();
      }
    );
    // Most responses become ready without waiting for I/O.
    for (let round = 0; round < ROUNDS && !isAwake; round++) await undefined;
    if (!isAwake) this.stopWork();
    await woken;
    this.#isAtWork = true;
    this.#wake = undefined;
  }

  /** Sends nothing more, because the connection ends. */
  stop(): void {
    this.#hasEnded = true;
  }

  /** Drops all requests that wait, after `stop()`. */
  end(): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const request of pending) {
      request.settle();
      request.taken();
    }
    this.#count();
    this.#wake?.();
  }

  #answerFailureOrEnd(pending: PendingRequest, error: unknown): void {
    try {
      this.answerFailure(pending, error);
    } catch (cause) {
      this.#onError(cause);
    }
  }

  /** Encodes a response with very many elements in slices, counting its memory as it grows. */
  async #encodeLong(pending: PendingRequest, result: ResponseTo<Api>): Promise<void> {
    const { handler: { api }, header: { apiVersion, correlationId } } = pending;
    const out = new Writer();
    try {
      const slice = new TimeSlice();
      // Other work may have used this turn of the event loop already.
      await slice.pause();
      if (this.#hasEnded) return;
      writeResponseHeader(out, api, apiVersion, correlationId);
      for (const _ of slicedCodec(api.response, apiVersion).encode(out, result)) {
        if (!slice.isOver) continue;
        pending.countEncoded(out.size);
        await slice.pause();
        if (this.#hasEnded) return;
      }
      pending.countEncoded(out.size);
      pending.encoded = out.take();
      this.#deliver(pending, result);
    } catch (error) {
      this.#answerFailureOrEnd(pending, error);
    }
  }

  /** Sends a response once all earlier ones have been sent. */
  #deliver(pending: PendingRequest, result: HandlerResult<Api>): void {
    pending.answer = result;
    const queue = this.#pending;
    while (queue.length > 0 && queue[0]!.answer !== undefined) this.#send(queue.shift()!);
    this.#count();
    if (this.#isAtWork && (this.hasAhead || this.#channel.hasBuffered)) this.#hasUnsent = true;
    else this.#channel.flush();
    this.#wake?.();
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
      return this.answerFailure(pending, error);
    }
    if (!pending.isFollowed) return;
    this.#countedByHandlers += size;
    this.#channel.drained().then(() => {
      this.#countedByHandlers -= size;
      pending.taken();
      this.#count();
    });
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
}

/** Whether the client asked for no response (Produce with `acks=0`). */
function wantsNoAnswer({ header, request }: PendingRequest): boolean {
  return header.apiKey === produce.key && (request as RequestOf<typeof produce>).acks === Acks.none;
}
