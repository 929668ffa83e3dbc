/**
 * A request whose answer is due.
 *
 * @module
 */

import type { RequestHeader } from "../../protocol/frames/headers.ts";
import type { Api, RequestOf } from "../../protocol/schema/schema.ts";
import { type Chunks, UnencodableValueError } from "../../protocol/primitives/writer.ts";
import type { Answer, ApiHandler, BrokerContext, RequestContext } from "../handler.ts";

/** A request whose answer is due, as its handler sees it; they are answered first to last. */
export class PendingRequest implements RequestContext {
  readonly handler: ApiHandler;
  readonly header: RequestHeader;
  readonly apiVersion: number;
  readonly clientId: string;
  readonly peer: string;
  readonly signal: AbortSignal;
  readonly broker: BrokerContext;
  /** What was asked, if that could be decoded. */
  readonly request: RequestOf<Api> | undefined;
  /** Bytes lent for the request, given back with the answer. */
  lent: number;
  /** Bytes lent for the answer until it is encoded. */
  claimed = 0;
  /** Until when the next request is held back. */
  heldBack: Promise<unknown> | undefined;
  answer: Answer<Api> | undefined;
  /** The answer, header and all, if it was encoded in slices. */
  encoded: Chunks | undefined;
  /** Whether its bytes are needed after its handler has returned. */
  keepsFrame = false;
  /** Whether the request was so large that the answer may take long to encode. */
  isLarge = false;
  /** How often the request, or an answer to it, has failed. */
  failures = 0;
  #encodedSize = 0;
  #whenTaken: (() => void)[] | undefined;

  constructor(
    handler: ApiHandler,
    header: RequestHeader,
    request: RequestOf<Api> | undefined,
    lent: number,
    peer: string,
    signal: AbortSignal,
    broker: BrokerContext,
  ) {
    this.handler = handler;
    this.header = header;
    this.request = request;
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

  claim(bytes: number): Promise<void> | undefined {
    const { responseMemory } = this.broker;
    const waiting = responseMemory.acquire(bytes, this.signal);
    if (waiting === undefined) this.claimed += bytes;
    return waiting?.then(() => {
      // The connection may have ended since.
      if (this.signal.aborted) responseMemory.release(bytes);
      this.signal.throwIfAborted();
      this.claimed += bytes;
    });
  }

  keepFrame(): void {
    this.keepsFrame = true;
  }

  holdBack(work: Promise<unknown>): void {
    this.heldBack = work;
  }

  /**
   * Counts what is encoded so far.
   *
   * @throws {UnencodableValueError} if that alone is more than all answers may take.
   */
  countEncoded(size: number): void {
    const { responseMemory } = this.broker;
    responseMemory.adjust(this.#encodedSize, size);
    this.#encodedSize = size;
    // What handlers count themselves they bound as well.
    if (size <= responseMemory.limit || this.isFollowed) return;
    throw new UnencodableValueError(
      `Cannot answer ${this.handler.api.name}: the answer would exceed queued.max.response.bytes`,
    );
  }

  /** Gives back what was lent. */
  settle(): void {
    const { requestMemory, responseMemory } = this.broker;
    if (this.lent > 0) requestMemory.release(this.lent);
    if (this.claimed > 0) responseMemory.release(this.claimed);
    if (this.#encodedSize > 0) responseMemory.release(this.#encodedSize);
    this.lent = this.claimed = this.#encodedSize = 0;
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
