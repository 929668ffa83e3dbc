/**
 * SaslHandshake and SaslAuthenticate (KIP-43, KIP-152), versions 0 to 1 and 0 to 2.
 *
 * The listeners do not use SASL, so both return ILLEGAL_SASL_STATE, as Kafka's PLAINTEXT listeners
 * do.
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
  () => ({ errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [] }),
  unchecked,
);

/** Serves SaslAuthenticate. */
export const saslAuthenticateHandler: ApiHandler = handler(
  saslAuthenticate,
  () => ({
    errorCode: ErrorCode.ILLEGAL_SASL_STATE,
    errorMessage: "SaslAuthenticate request received on a listener without SASL",
    authBytes: new Uint8Array(0),
  }),
  unchecked,
);
