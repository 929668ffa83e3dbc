/**
 * Envelope: a request that another broker forwards to the controller (KIP-590). Version 0.
 *
 * It carries the principal and the address of the client: the request is authorized as the client's, here. It
 * is taken only from brokers, which need CLUSTER_ACTION. Only requests that are the controller's to serve are
 * taken, so no Envelope within another. If this broker is not the controller the
 * answer is NOT_CONTROLLER, and nothing was done. It is not advertised: clients have no use for it.
 *
 * With `carriesConnections`, which Kafka does not have, the connection carries connections of the other
 * broker's clients from then on, each of which is authorized as its client's; see `broker/carrying/`.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  readRequestHeader,
  readRequestHeaderTags,
  type RequestHeader,
  writeResponseHeader,
} from "../../../protocol/frames/headers.ts";
import {
  envelope,
  type EnvelopeRequest,
  type EnvelopeResponse,
} from "../../../protocol/messages/cluster/envelope.ts";
import { Reader } from "../../../protocol/primitives/reader.ts";
import { Writer } from "../../../protocol/primitives/writer.ts";
import { slicedCodec } from "../../../protocol/schema/codec.ts";
import type { Api, RequestOf } from "../../../protocol/schema/schema.ts";
import { inRange, NO_VERSIONS } from "../../../protocol/schema/version_range.ts";
import { runSliced } from "../../../storage/time_slice.ts";
import { errorCodeOf } from "../../api_error.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { serveCarried } from "../../carrying/serve_carried.ts";
import { mayActAsBroker, onCluster } from "../access/mod.ts";
import {
  type ApiHandler,
  handler,
  type HandlerResult,
  NO_RESPONSE,
  type RequestContext,
} from "../../handler.ts";
import {
  decodeAddress,
  decodeCarriedClient,
  decodePrincipal,
} from "../../security/forwarded_client.ts";
import type { Session } from "../../security/session.ts";
import { isLoopback } from "../../settings/listener.ts";

/** Elements that a request may have. */
const MAX_ELEMENTS = 1_000_000;

/** @param forwarded What serves the requests that may be forwarded. */
export function envelopeHandler(forwarded: readonly ApiHandler[]): ApiHandler {
  const byKey = new Map(forwarded.map((of) => [of.api.key, of]));
  return handler(
    envelope,
    (request, context) =>
      request.carriesConnections ? carry(context) : handleEnvelope(request, context, byKey),
    onCluster(AclOperation.clusterAction),
    NO_VERSIONS,
  );
}

async function handleEnvelope(
  { requestData, requestPrincipal, clientHostAddress, controllerEpoch }: EnvelopeRequest,
  context: RequestContext,
  handlers: ReadonlyMap<number, ApiHandler>,
): Promise<EnvelopeResponse> {
  const { cluster, logger } = context.broker;
  // The bytes are read in slices.
  context.keepFrame();
  const session = sessionOf(requestPrincipal, clientHostAddress, context.session);
  if (typeof session === "number") return { errorCode: session };
  const reader = new Reader(requestData, MAX_ELEMENTS);
  const header = headerOf(reader);
  if (header === undefined) return { errorCode: ErrorCode.UNSUPPORTED_VERSION };
  const { apiKey, apiVersion, correlationId } = header;
  const inner = handlers.get(apiKey);
  if (inner === undefined) return { errorCode: ErrorCode.INVALID_REQUEST };
  const { api } = inner;
  if (!inRange(apiVersion, api.versions)) return { errorCode: ErrorCode.UNSUPPORTED_VERSION };
  let request: RequestOf<Api>;
  try {
    readRequestHeaderTags(reader, api, apiVersion);
    request = await runSliced(slicedCodec(api.request, apiVersion).decode(reader));
  } catch {
    return { errorCode: ErrorCode.INVALID_REQUEST };
  }
  if (!cluster.isController()) return { errorCode: ErrorCode.NOT_CONTROLLER };
  // A request that arrives late, after this broker has come into office again, has been sent again.
  if (controllerEpoch !== 0 && controllerEpoch !== cluster.controllerEpoch) {
    return { errorCode: ErrorCode.NOT_CONTROLLER };
  }
  let answer: HandlerResult<Api>;
  try {
    answer = await inner.handle(request, {
      api: api.name,
      apiVersion,
      clientId: header.clientId ?? "",
      peer: session.host,
      session,
      signal: context.signal,
      broker: context.broker,
      keepFrame: () => {},
      whenTaken: (callback) => context.whenTaken(callback),
      claim: (bytes) => context.claim(bytes),
      holdBack: (work) => context.holdBack(work),
      waited: (ms) => context.waited(ms),
    });
  } catch (error) {
    return { errorCode: errorCodeOf(error, logger) };
  }
  if (answer === NO_RESPONSE) return { errorCode: ErrorCode.INVALID_REQUEST };
  const writer = new Writer();
  writeResponseHeader(writer, api, apiVersion, correlationId);
  await runSliced(slicedCodec(api.response, apiVersion).encode(writer, answer));
  const { revision } = cluster;
  return { responseData: writer.takeBytes(), errorCode: ErrorCode.NONE, revision };
}

/** Lets another broker act for its clients here, by connections that it carries. */
function carry(context: RequestContext): EnvelopeResponse {
  const { session, broker: { cluster } } = context;
  // A client that is carried itself, carries nobody.
  const isOfBroker = cluster.interBrokerListeners.has(session.listener.name);
  if (!isOfBroker || context.takeOver === undefined) {
    return { errorCode: ErrorCode.INVALID_REQUEST };
  }
  const clientOf = (content: Uint8Array) =>
    mayActAsBroker(context) ? decodeCarriedClient(content, session) : undefined;
  context.takeOver((taken) => serveCarried(taken, clientOf));
  return { errorCode: ErrorCode.NONE };
}

/**
 * The client that a request is forwarded for, or an error code. Whether it is a super user, and what it may
 * do, is looked up here. Without a principal it is the broker that forwards.
 */
function sessionOf(
  requestPrincipal: Uint8Array | null,
  clientHostAddress: Uint8Array,
  outer: Session,
): Session | number {
  if (requestPrincipal === null) return outer;
  const principal = decodePrincipal(requestPrincipal);
  if (principal === undefined) return ErrorCode.PRINCIPAL_DESERIALIZATION_FAILURE;
  const host = decodeAddress(clientHostAddress);
  if (host === undefined) return ErrorCode.INVALID_REQUEST;
  const isLocal = outer.isLocal && (host === "" || isLoopback(host));
  return { principal, host, listener: outer.listener, isLocal };
}

function headerOf(reader: Reader): RequestHeader | undefined {
  try {
    return readRequestHeader(reader);
  } catch {
    return undefined;
  }
}
