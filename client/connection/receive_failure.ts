/**
 * Why nothing more arrives from a broker.
 *
 * @module
 */

import { FrameSizeError } from "../../protocol/frames/framing.ts";
import { ConnectionError, describeError, type DqueueError, ProtocolError } from "../errors.ts";
import { tlsFailure } from "../security/tls_failure.ts";

/** Converts an error of reading from a broker. */
export function receiveFailure(peer: string, error: unknown): DqueueError {
  if (error instanceof ProtocolError) return error;
  if (error instanceof FrameSizeError) return foreign(peer, error);
  const failure = tlsFailure(peer, error);
  if (failure !== undefined) return failure;
  return new ConnectionError(`Connection to ${peer} was lost: ${describeError(error)}`, {
    cause: error,
  });
}

/** The record of an alert or a handshake begins with these bytes; the fourth is a part of its size. */
const TLS_RECORDS = [0x15_03, 0x16_03];

/** What has no size that a response can have is of another protocol. */
function foreign(peer: string, error: FrameSizeError): DqueueError {
  if (TLS_RECORDS.includes(error.size >>> 16)) {
    return new ConnectionError(`Cannot connect to ${peer}: that port speaks TLS`, {
      retriable: false,
      advice: "Use tls, or connect to a plaintext port",
    });
  }
  return new ProtocolError(
    `Cannot use response of ${peer}: it does not seem to speak Kafka's protocol`,
    { cause: error },
  );
}
