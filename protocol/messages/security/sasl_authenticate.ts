/**
 * SaslAuthenticate: carries the tokens of a SASL exchange (KIP-152).
 *
 * Version 1 adds the lifetime of the session (KIP-368), 2 is flexible.
 *
 * @module
 */

import {
  api,
  bytes,
  int16,
  int64,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Request and response of SaslAuthenticate in all versions. */
export const saslAuthenticate = api({
  key: 36,
  name: "SaslAuthenticate",
  versions: "0-2",
  flexible: "2+",
  request: {
    authBytes: bytes(),
  },
  response: {
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    authBytes: bytes(),
    /** Milliseconds after which the client must authenticate again, 0 for never. */
    sessionLifetimeMs: int64("1+", { default: 0, ignorable: true }),
  },
});

/** A decoded SaslAuthenticate request. */
export type SaslAuthenticateRequest = RequestOf<typeof saslAuthenticate>;
/** A SaslAuthenticate response to encode. */
export type SaslAuthenticateResponse = ResponseTo<typeof saslAuthenticate>;
