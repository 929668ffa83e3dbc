/**
 * How a broker logs in to another one by SASL, before anything else is sent.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import type { FrameChannel } from "../../protocol/frames/channel.ts";
import { readResponseHeaderTags, writeRequestHeader } from "../../protocol/frames/headers.ts";
import { apiVersions } from "../../protocol/messages/cluster/api_versions.ts";
import { saslAuthenticate } from "../../protocol/messages/security/sasl_authenticate.ts";
import { saslHandshake } from "../../protocol/messages/security/sasl_handshake.ts";
import { Reader } from "../../protocol/primitives/reader.ts";
import type { SaslClient } from "../../protocol/sasl/sasl_client.ts";
import { PeerRefusalError } from "./peer_network.ts";
import { codec } from "../../protocol/schema/codec.ts";
import type { Api, RequestTo, ResponseOf } from "../../protocol/schema/schema.ts";

/** Every broker answers it. */
const GREETING_VERSION = 0;
const HANDSHAKE_VERSION = 1;
const AUTHENTICATE_VERSION = 2;
/** What another broker does that does not say why. */
export const CLOSED = "it has closed the connection";

/** More messages than any mechanism has. */
const MAX_MESSAGES = 8;

/**
 * Logs in on a connection that was just opened.
 *
 * @returns Milliseconds after which the other end wants another login; 0 for never.
 * @throws {PeerRefusalError} If the login is refused.
 */
export async function logIn(
  channel: FrameChannel,
  sasl: SaslClient,
  clientId: string,
): Promise<number> {
  const { mechanism } = sasl;
  const chosen = await exchange(channel, clientId, saslHandshake, HANDSHAKE_VERSION, { mechanism });
  if (chosen.errorCode === ErrorCode.UNSUPPORTED_SASL_MECHANISM) {
    throw new PeerRefusalError(
      `mechanism ${mechanism} is not enabled there, only ${chosen.mechanisms.join(", ")}; change ` +
        "sasl.mechanism.inter.broker.protocol here or sasl.enabled.mechanisms there",
    );
  }
  if (chosen.errorCode !== ErrorCode.NONE) {
    throw new PeerRefusalError(
      "its listener does not use SASL; use the same listeners on all brokers",
    );
  }
  let message: Uint8Array | undefined = sasl.start();
  let lifetimeMs = 0;
  for (let sent = 0; message !== undefined && sent < MAX_MESSAGES; sent++) {
    const request = { authBytes: message };
    const { errorCode, errorMessage, authBytes, sessionLifetimeMs }: ResponseOf<
      typeof saslAuthenticate
    > = await exchange(channel, clientId, saslAuthenticate, AUTHENTICATE_VERSION, request);
    if (errorCode !== ErrorCode.NONE) {
      throw new PeerRefusalError(errorMessage ?? `error ${errorCode}`);
    }
    lifetimeMs = sessionLifetimeMs;
    message = await sasl.respond(authBytes);
  }
  if (!sasl.isComplete || message !== undefined) {
    throw new PeerRefusalError("it has not proved that it knows the password");
  }
  return lifetimeMs;
}

/**
 * Asks the other end for something, which it answers only to those that it has let in: in TLS 1.3 a client
 * that has completed the handshake does not know yet whether its certificate is accepted.
 *
 * @throws {PeerRefusalError} If it closes the connection.
 */
export async function greet(channel: FrameChannel, clientId: string): Promise<void> {
  await exchange(channel, clientId, apiVersions, GREETING_VERSION, {});
}

/**
 * Sends a request on a connection that was just opened, and returns the response.
 *
 * @throws {PeerRefusalError} If the other end closes the connection.
 */
export async function exchange<A extends Api>(
  channel: FrameChannel,
  clientId: string,
  api: A,
  apiVersion: number,
  request: RequestTo<A>,
): Promise<ResponseOf<A>> {
  const { out } = channel;
  out.beginFrame();
  writeRequestHeader(out, api, { apiKey: api.key, apiVersion, correlationId: 0, clientId });
  codec(api.request, apiVersion).encode(out, request);
  out.endFrame();
  channel.flush();
  const frame = await channel.next();
  if (frame === null) throw new PeerRefusalError(CLOSED);
  const reader = new Reader(frame);
  reader.int32();
  readResponseHeaderTags(reader, api, apiVersion);
  return codec(api.response, apiVersion).decode(reader) as ResponseOf<A>;
}
