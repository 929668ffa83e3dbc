/**
 * SaslHandshake and SaslAuthenticate (KIP-43, KIP-152, KIP-368), versions 0 to 1 and 0 to 2, of clients
 * that are connected already.
 *
 * A client of a SASL listener is connected once it has authenticated, and may do so again if its session
 * has an end. All others get ILLEGAL_SASL_STATE, as in Kafka.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { saslAuthenticate } from "../../../protocol/messages/security/sasl_authenticate.ts";
import { saslHandshake } from "../../../protocol/messages/security/sasl_handshake.ts";
import { unchecked } from "../access/mod.ts";
import { type ApiHandler, handler } from "../../handler.ts";

/** Serves SaslHandshake. */
export const saslHandshakeHandler: ApiHandler = handler(
  saslHandshake,
  (request, { reauthenticator, signal }) =>
    reauthenticator?.handshake(request, signal) ??
      { errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [] },
  unchecked,
);

/** Serves SaslAuthenticate. */
export const saslAuthenticateHandler: ApiHandler = handler(
  saslAuthenticate,
  (request, { reauthenticator, signal }) =>
    reauthenticator?.authenticate(request, signal) ?? {
      errorCode: ErrorCode.ILLEGAL_SASL_STATE,
      errorMessage: "SaslAuthenticate request received after successful authentication",
      authBytes: new Uint8Array(0),
    },
  unchecked,
);
