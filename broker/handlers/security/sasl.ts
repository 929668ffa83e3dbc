/**
 * SaslHandshake and SaslAuthenticate (KIP-43, KIP-152), versions 0 to 1 and 0 to 2.
 *
 * Clients of this broker's listeners do not authenticate, so that a connection is past the point
 * where either is in place: both are answered with ILLEGAL_SASL_STATE, as by Kafka's PLAINTEXT
 * listeners.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { saslAuthenticate } from "../../../protocol/messages/security/sasl_authenticate.ts";
import { saslHandshake } from "../../../protocol/messages/security/sasl_handshake.ts";
import { type ApiHandler, handler } from "../../handler.ts";

/** Serves SaslHandshake. */
export const saslHandshakeHandler: ApiHandler = handler(
  saslHandshake,
  () => ({ errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [] }),
);

/** Serves SaslAuthenticate. */
export const saslAuthenticateHandler: ApiHandler = handler(
  saslAuthenticate,
  () => ({
    errorCode: ErrorCode.ILLEGAL_SASL_STATE,
    errorMessage: "SaslAuthenticate request received on a listener without SASL",
    authBytes: new Uint8Array(0),
  }),
);
