/**
 * Forwards requests that only the controller can serve (KIP-590).
 *
 * Clients can send such requests to any broker. While there is no controller, or it changes, the
 * request waits for a moment. It is sent again only if it cannot have been carried out. The
 * response is sent when this broker's view of the cluster includes the controller's changes, so
 * that the client sees them here.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { readResponseHeaderTags, writeRequestHeader } from "../../protocol/frames/headers.ts";
import { envelope } from "../../protocol/messages/cluster/envelope.ts";
import { Reader } from "../../protocol/primitives/reader.ts";
import { Writer } from "../../protocol/primitives/writer.ts";
import { slicedCodec } from "../../protocol/schema/codec.ts";
import type { Api, RequestOf, RequestTo, ResponseTo } from "../../protocol/schema/schema.ts";
import { runSliced } from "../../storage/time_slice.ts";
import { ApiError } from "../api_error.ts";
import type { Clock } from "../time/clock.ts";
import type { ClusterState } from "./cluster_state.ts";
import { PeerAnswerLostError, type Peers, PeerUnreachableError } from "../peers/peers.ts";
import { encodeAddress, encodePrincipal } from "../security/forwarded_client.ts";
import type { Session } from "../security/session.ts";

/** Options of the forwarding manager. */
export interface ForwardingManagerOptions {
  readonly cluster: ClusterState;
  readonly peers: Peers;
  readonly clock: Clock;
  /** Resolves when this broker has applied its view of the cluster. */
  settled(): Promise<void>;
}

/** The context of a forwarded request. */
export interface ForwardedRequest {
  readonly apiVersion: number;
  readonly clientId: string;
  /** Whom the request comes from. Default: this broker. */
  readonly session?: Session;
  /** Aborted when the response is no longer needed. */
  readonly signal: AbortSignal;
}

/** An envelope that any controller may open. */
type ForwardedEnvelope = Omit<RequestTo<typeof envelope>, "controllerEpoch">;

/** Time that a request waits for a controller. */
const CONTROLLER_WAIT_MS = 2000;
/** Delay before retrying a controller that is unreachable or no longer is one. */
const RETRY_MS = 50;
/** Time limit of the controller. */
const ANSWER_TIMEOUT_MS = 30_000;
/** Time limit for this broker's view to catch up. */
const CATCH_UP_MS = 2000;
/** Maximum number of elements of a response. */
const MAX_ELEMENTS = 1_000_000;

/** Forwards requests to the controller. */
export class ForwardingManager {
  readonly #options: ForwardingManagerOptions;

  /** End the waits in progress. */
  readonly #wakes: Set<() => void> = new Set();
  #isClosed = false;

  constructor(options: ForwardingManagerOptions) {
    this.#options = options;
  }

  /**
   * Lets the controller answer a request.
   *
   * @returns The response; `undefined` if this broker is, or has become, the controller.
   * @throws {ApiError} NOT_CONTROLLER if none was found in time or this broker closes;
   * REQUEST_TIMED_OUT if the response was lost and the request may have been carried out; errors of
   * the controller.
   */
  async forward<A extends Api>(
    api: A,
    request: RequestOf<A>,
    from: ForwardedRequest,
  ): Promise<ResponseTo<A> | undefined> {
    const { cluster, clock } = this.#options;
    const deadlineMs = clock.monotonic() + CONTROLLER_WAIT_MS;
    const requestData = await encodeRequest(api, request, from);
    const sent: ForwardedEnvelope = {
      requestData,
      requestPrincipal: from.session === undefined ? null : encodePrincipal(from.session.principal),
      clientHostAddress: encodeAddress(from.session?.host ?? ""),
    };
    while (!cluster.isController()) {
      const answer = await this.#ask(sent, deadlineMs);
      if (answer !== undefined) {
        await this.#catchUp(answer.revision);
        return await decodeAnswer(api, from.apiVersion, answer.responseData!);
      }
      from.signal.throwIfAborted();
      const leftMs = deadlineMs - clock.monotonic();
      if (leftMs <= 0 || this.#isClosed) throw this.#notController();
      await this.#change(Math.min(leftMs, RETRY_MS));
    }
    return undefined;
  }

  #notController(): ApiError {
    const { cluster } = this.#options;
    const message = cluster.isFenced
      ? "The metadata store does not answer: nothing can be created, deleted, changed or moved until it does"
      : undefined;
    return new ApiError(ErrorCode.NOT_CONTROLLER, message);
  }

  /** Ends all waits; requests that have not been sent fail. */
  close(): void {
    this.#isClosed = true;
    for (const wake of this.#wakes) wake();
  }

  /**
   * Sends the request to the controller; `undefined` if there is none, or it has been replaced
   * without having carried out anything.
   */
  async #ask(sent: ForwardedEnvelope, deadlineMs: number) {
    const { cluster, peers } = this.#options;
    const { controllerEpoch, lastDecision } = cluster;
    const controller = cluster.broker(cluster.controllerId);
    if (controller === undefined || controller.id === cluster.nodeId) return undefined;
    // Its epoch, and what its predecessors have changed, is not known yet.
    if (controllerEpoch === 0) return undefined;
    // What a replaced controller has changed is known before its successor is.
    const isSafe = () =>
      cluster.controllerEpoch !== controllerEpoch && cluster.lastDecision === lastDecision;
    const request = { ...sent, controllerEpoch };
    const answered = peers.request(controller, envelope, 0, request, ANSWER_TIMEOUT_MS);
    answered.catch(() => {});
    const replacement = this.#replacement(controllerEpoch, isSafe, deadlineMs);
    try {
      const answer = await Promise.race([answered, replacement.found]);
      if (answer === undefined) {
        if (isSafe()) return undefined;
        throw new ApiError(ErrorCode.REQUEST_TIMED_OUT, "The controller has been replaced");
      }
      if (answer.errorCode === ErrorCode.NONE) return answer;
      if (answer.errorCode === ErrorCode.NOT_CONTROLLER) return undefined;
      throw new ApiError(answer.errorCode);
    } catch (error) {
      if (error instanceof PeerUnreachableError) return undefined;
      if (!(error instanceof PeerAnswerLostError)) throw error;
      await this.#replaced(controllerEpoch, deadlineMs);
      if (isSafe()) return undefined;
      throw new ApiError(ErrorCode.REQUEST_TIMED_OUT, error.message, { cause: error });
    } finally {
      replacement.end();
    }
  }

  /**
   * Waits for another controller: until it is safe to ask that one, or, if it is not, to the
   * deadline, because an answer may be on its way.
   */
  #replacement(controllerEpoch: number, isSafe: () => boolean, deadlineMs: number) {
    const { cluster, clock } = this.#options;
    const found = Promise.withResolvers<undefined>();
    let timer: number | undefined;
    const unsubscribe = cluster.onChange(({ type }) => {
      if (type !== "controller" || cluster.controllerEpoch === controllerEpoch) return;
      if (isSafe()) found.resolve(undefined);
      else {
        const leftMs = deadlineMs - clock.monotonic();
        timer ??= clock.setTimeout(() => found.resolve(undefined), leftMs);
      }
    });
    const end = () => {
      unsubscribe();
      if (timer !== undefined) clock.clearTimeout(timer);
    };
    return { found: found.promise, end };
  }

  /** Resolves when the controller has been replaced, at `deadlineMs` at the latest. */
  async #replaced(controllerEpoch: number, deadlineMs: number): Promise<void> {
    const { cluster, clock } = this.#options;
    while (cluster.controllerEpoch === controllerEpoch && !this.#isClosed) {
      const leftMs = deadlineMs - clock.monotonic();
      if (leftMs <= 0) return;
      await this.#change(leftMs);
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
    if (this.#isClosed) return;
    const { clock } = this.#options;
    const timeout = Promise.withResolvers<void>();
    const timer = clock.setTimeout(timeout.resolve, ms);
    this.#wakes.add(timeout.resolve);
    await Promise.race([promise, timeout.promise]);
    this.#wakes.delete(timeout.resolve);
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
