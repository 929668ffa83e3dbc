/**
 * Classifies the errors of a connection: what the client gets, and what is logged.
 *
 * @module
 */

import { apiName } from "../../protocol/api_name.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { FrameSizeError, TruncatedFrameError } from "../../protocol/frames/framing.ts";
import { MalformedMessageError } from "../../protocol/primitives/reader.ts";
import { UnencodableValueError } from "../../protocol/primitives/writer.ts";
import { errorCodeOf, errorMessageOf } from "../api_error.ts";
import type { BrokerContext } from "../handler.ts";
import { ProtocolViolationError } from "../protocol_violation_error.ts";
import type { ResponseError } from "./error_response.ts";
import type { PendingRequest } from "./pending_request.ts";
import { OncePerMinute } from "./sasl/once_per_minute.ts";

/**
 * Whether the client broke the protocol, or that of TLS below it, so that only closing the connection can
 * answer it.
 */
export function isClientsFault(error: unknown): error is Error {
  return error instanceof MalformedMessageError || error instanceof ProtocolViolationError ||
    error instanceof FrameSizeError || error instanceof Deno.errors.InvalidData;
}

/** Whether the error means that the peer closed the connection, which it may do at any time. */
export function isDisconnect(error: unknown): boolean {
  return error instanceof TruncatedFrameError || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted ||
    // Over TLS: without the words of farewell, or as Node reports it.
    error instanceof Deno.errors.UnexpectedEof ||
    LEFT.has((error as { code?: string })?.code ?? "");
}

const LEFT: ReadonlySet<string> = new Set(["ECONNRESET", "ECONNABORTED", "EPIPE"]);

/** The error response to a request that failed, or whose response cannot be encoded. */
export function explainFailure(
  { handler: { api }, broker: { logger }, peer }: PendingRequest,
  error: unknown,
): ResponseError {
  if (error instanceof UnencodableValueError) {
    const { message: reason } = error;
    logger.warn("Sent an error response: the response cannot be encoded", {
      api: api.name,
      peer,
      reason,
    });
    return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: reason };
  }
  return { errorCode: errorCodeOf(error, logger), errorMessage: errorMessageOf(error) };
}

/** Explains why an API is not served, with the API's name if it is known. */
export function unservedApi(key: number): string {
  const name = apiName(key);
  return name === undefined
    ? `Unknown API key ${key}`
    : `This broker does not serve ${name} (API key ${key})`;
}

/** Lines a minute about one address whose clients break the protocol: anybody can do so who can connect. */
const MAX_VIOLATIONS = 10;

/** What each broker has logged about them. */
const violations = new WeakMap<object, OncePerMinute>();

/** A connection that was closed. */
export interface ClosedConnection {
  readonly peer: string;
  /** The client's IP address. */
  readonly host: string;
}

/** Logs why a connection was closed, unless the client closed it. */
export function logClosed(
  error: unknown,
  { peer, host }: ClosedConnection,
  broker: Pick<BrokerContext, "clock" | "logger">,
): void {
  if (isDisconnect(error)) return;
  const { clock, logger } = broker;
  if (!isClientsFault(error)) {
    return logger.error("Closed connection: request failed", { peer, error });
  }
  let limit = violations.get(broker);
  if (limit === undefined) violations.set(broker, limit = new OncePerMinute(clock, MAX_VIOLATIONS));
  const before = limit.mayLog(host);
  if (before === undefined) return;
  logger.warn("Closed connection: client broke the protocol", {
    peer,
    reason: error.message,
    ...(before > 0 ? { notLogged: before } : {}),
  });
}
