/**
 * A request whose response has not been sent.
 *
 * @module
 */

import type { RequestHeader } from "../../protocol/frames/headers.ts";
import type { Api, RequestOf } from "../../protocol/schema/schema.ts";
import { type Chunks, UnencodableValueError } from "../../protocol/primitives/writer.ts";
import type {
  ApiHandler,
  BrokerContext,
  HandlerResult,
  Reauthenticator,
  RequestContext,
  TakenConnection,
} from "../handler.ts";
import type { Session } from "../security/session.ts";
import type { RequestTime } from "./request_time.ts";

/** A request whose response has not been sent, and the context its handler sees. */
export class PendingRequest implements RequestContext {
  readonly handler: ApiHandler;
  readonly header: RequestHeader;
  readonly apiVersion: number;
  readonly clientId: string;
  readonly peer: string;
  readonly session: Session;
  readonly reauthenticator: Reauthenticator | undefined;
  readonly signal: AbortSignal;
  readonly broker: BrokerContext;
  /** The decoded request, or `undefined` if it could not be decoded. */
  readonly request: RequestOf<Api> | undefined;
  /** Bytes acquired for the request, released with the response. */
  acquired: number;
  /** When it arrived, by the monotonic clock. */
  readonly arrivedMs: number;
  /** Milliseconds that the client asked to wait. */
  waitedMs = 0;
  /** Whether it is counted as answered. */
  isCounted = false;
  /** Bytes claimed for the response until it is encoded. */
  claimed = 0;
  /** The next request waits for this promise. */
  heldBack: Promise<unknown> | undefined;
  answer: HandlerResult<Api> | undefined;
  /** The encoded response with its header, if it was encoded in slices. */
  encoded: Chunks | undefined;
  /** Serves the connection from the response to this request on. */
  successor: ((taken: TakenConnection) => Promise<void>) | undefined;
  /** Whether the frame is used after the handler has returned. */
  keepsFrame = false;
  /** Whether the request was large, so that its response may take long to encode. */
  isLarge = false;
  /** What it takes of its client's quotas; undefined if it does not count. */
  time: RequestTime | undefined;
  /** How often the request or an error response to it has failed. */
  failures = 0;
  #encodedSize = 0;
  #whenTaken: (() => void)[] | undefined;

  constructor(
    handler: ApiHandler,
    header: RequestHeader,
    request: RequestOf<Api> | undefined,
    acquired: number,
    peer: string,
    session: Session,
    reauthenticator: Reauthenticator | undefined,
    signal: AbortSignal,
    broker: BrokerContext,
    arrivedMs: number,
  ) {
    this.handler = handler;
    this.header = header;
    this.request = request;
    this.apiVersion = header.apiVersion;
    this.clientId = header.clientId ?? "";
    this.peer = peer;
    this.session = session;
    this.reauthenticator = reauthenticator;
    this.signal = signal;
    this.broker = broker;
    this.arrivedMs = arrivedMs;
    this.acquired = acquired;
    this.answer = undefined;
    this.time = undefined;
    this.successor = undefined;
  }

  /** The name of the API. */
  get api(): string {
    return this.handler.api.name;
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
      // The connection may have ended in the meantime.
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

  waited(ms: number): void {
    this.waitedMs += ms;
  }

  takeOver(serve: (taken: TakenConnection) => Promise<void>): void {
    this.successor = serve;
  }

  /**
   * Counts the bytes encoded so far.
   *
   * @throws {UnencodableValueError} If they exceed the budget for all responses.
   */
  countEncoded(size: number): void {
    const { responseMemory } = this.broker;
    responseMemory.adjust(this.#encodedSize, size);
    this.#encodedSize = size;
    // Responses counted by their handlers are bounded there.
    if (size <= responseMemory.limit || this.isFollowed) return;
    throw new UnencodableValueError(
      `Cannot answer ${this.handler.api.name}: the response would exceed queued.max.response.bytes`,
    );
  }

  /** Releases acquired memory. */
  settle(): void {
    const { requestMemory, responseMemory } = this.broker;
    if (this.acquired > 0) requestMemory.release(this.acquired);
    if (this.claimed > 0) responseMemory.release(this.claimed);
    if (this.#encodedSize > 0) responseMemory.release(this.#encodedSize);
    this.acquired = this.claimed = this.#encodedSize = 0;
  }

  /** Whether a callback waits for the response to be sent. */
  get isFollowed(): boolean {
    return this.#whenTaken !== undefined;
  }

  /** Called when the response has been sent or discarded. */
  taken(): void {
    const callbacks = this.#whenTaken ?? [];
    this.#whenTaken = undefined;
    for (const callback of callbacks) callback();
  }
}
