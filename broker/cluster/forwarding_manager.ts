/**
 * Forwards requests that only the controller can serve from any broker to it (KIP-590).
 *
 * A client may send them to any broker. While there is no controller, or it changes, the request is held
 * for a moment. It is sent again only as long as it cannot have been carried out. The answer is given when
 * this broker's view of the cluster holds what the controller has changed, so that a client finds here what
 * it was told of.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { readResponseHeaderTags, writeRequestHeader } from "../../protocol/frames/headers.ts";
import { envelope } from "../../protocol/messages/cluster/envelope.ts";
import { Reader } from "../../protocol/primitives/reader.ts";
import { Writer } from "../../protocol/primitives/writer.ts";
import { slicedCodec } from "../../protocol/schema/codec.ts";
import type { Api, RequestOf, ResponseTo } from "../../protocol/schema/schema.ts";
import { runSliced } from "../../storage/mod.ts";
import { ApiError } from "../api_error.ts";
import type { Clock } from "../time/clock.ts";
import type { ClusterState } from "./cluster_state.ts";
import { PeerAnswerLostError, type Peers, PeerUnreachableError } from "./peers.ts";

/** What forwarding needs of the broker. */
export interface ForwardingManagerOptions {
  readonly cluster: ClusterState;
  readonly peers: Peers;
  readonly clock: Clock;
  /** Resolves when what is on this broker is in step with its view of the cluster. */
  settled(): Promise<void>;
}

/** Who sends a request, and how. */
export interface ForwardedRequest {
  readonly apiVersion: number;
  readonly clientId: string;
  /** The client's address. */
  readonly peer: string;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** How long a request waits for a controller. */
const CONTROLLER_WAIT_MS = 2000;
/** How soon to ask again a controller that could not be reached, or says that it is none. */
const RETRY_MS = 50;
/** How long the controller may take. */
const ANSWER_TIMEOUT_MS = 30_000;
/** How long to wait for this broker's view to hold what has been done. */
const CATCH_UP_MS = 2000;
/** Elements that an answer may have. */
const MAX_ELEMENTS = 1_000_000;

const ENCODER = new TextEncoder();

/** Forwards to the controller. */
export class ForwardingManager {
  readonly #options: ForwardingManagerOptions;

  constructor(options: ForwardingManagerOptions) {
    this.#options = options;
  }

  /**
   * Has the controller answer a request.
   *
   * @returns The answer; undefined if this broker is the controller, or has become it.
   * @throws {ApiError} NOT_CONTROLLER if none was found in time; REQUEST_TIMED_OUT if the answer was lost,
   *   and the request may have been carried out; what the controller says.
   */
  async forward<A extends Api>(
    api: A,
    request: RequestOf<A>,
    from: ForwardedRequest,
  ): Promise<ResponseTo<A> | undefined> {
    const { cluster, clock } = this.#options;
    const deadlineMs = clock.monotonic() + CONTROLLER_WAIT_MS;
    const requestData = await encodeRequest(api, request, from);
    const sent = {
      requestData,
      requestPrincipal: null,
      clientHostAddress: ENCODER.encode(from.peer),
    };
    while (!cluster.isController()) {
      const answer = await this.#ask(sent);
      if (answer !== undefined) {
        await this.#catchUp(answer.revision);
        return await decodeAnswer(api, from.apiVersion, answer.responseData!);
      }
      from.signal.throwIfAborted();
      const leftMs = deadlineMs - clock.monotonic();
      if (leftMs <= 0) throw new ApiError(ErrorCode.NOT_CONTROLLER);
      await this.#change(Math.min(leftMs, RETRY_MS));
    }
    return undefined;
  }

  /** Asks the broker that is the controller; undefined if there is none, or it is no longer. */
  async #ask(sent: RequestOf<typeof envelope>) {
    const { cluster, peers } = this.#options;
    const controller = cluster.broker(cluster.controllerId);
    if (controller === undefined || controller.id === cluster.nodeId) return undefined;
    try {
      const answer = await peers.request(controller, envelope, 0, sent, ANSWER_TIMEOUT_MS);
      if (answer.errorCode === ErrorCode.NONE) return answer;
      if (answer.errorCode === ErrorCode.NOT_CONTROLLER) return undefined;
      throw new ApiError(answer.errorCode);
    } catch (error) {
      if (error instanceof PeerUnreachableError) return undefined;
      if (!(error instanceof PeerAnswerLostError)) throw error;
      throw new ApiError(ErrorCode.REQUEST_TIMED_OUT, error.message, { cause: error });
    }
  }

  async #catchUp(revision: number): Promise<void> {
    const { cluster, settled } = this.#options;
    await this.#within(cluster.caughtUp(revision).then(settled), CATCH_UP_MS);
  }

  /** Resolves when the controller or the brokers have changed, after `ms` at the latest. */
  async #change(ms: number): Promise<void> {
    const changed = Promise.withResolvers<void>();
    const unsubscribe = this.#options.cluster.onChange(({ type }) => {
      if (type === "controller" || type === "brokers") changed.resolve();
    });
    await this.#within(changed.promise, ms);
    unsubscribe();
  }

  async #within(promise: Promise<void>, ms: number): Promise<void> {
    const { clock } = this.#options;
    const timeout = Promise.withResolvers<void>();
    const timer = clock.setTimeout(timeout.resolve, ms);
    await Promise.race([promise, timeout.promise]);
    clock.clearTimeout(timer);
  }
}

async function encodeRequest<A extends Api>(
  api: A,
  request: RequestOf<A>,
  { apiVersion, clientId }: ForwardedRequest,
): Promise<Uint8Array> {
  const writer = new Writer();
  writeRequestHeader(writer, api, { apiKey: api.key, apiVersion, correlationId: 0, clientId });
  await runSliced(slicedCodec(api.request, apiVersion).encode(writer, request as never));
  return writer.takeBytes();
}

async function decodeAnswer<A extends Api>(
  api: A,
  apiVersion: number,
  bytes: Uint8Array,
): Promise<ResponseTo<A>> {
  const reader = new Reader(bytes, MAX_ELEMENTS);
  reader.int32();
  readResponseHeaderTags(reader, api, apiVersion);
  return await runSliced(slicedCodec(api.response, apiVersion).decode(reader)) as ResponseTo<A>;
}
