/**
 * SaslHandshake: agrees on a SASL mechanism before a client authenticates (KIP-43).
 *
 * In version 0 the tokens that follow are bare; in version 1 SaslAuthenticate carries them (KIP-152).
 *
 * @module
 */

import { api, array, int16, type RequestOf, type ResponseTo, string } from "../schema.ts";

/** Request and response of SaslHandshake in all versions. */
export const saslHandshake = api({
  key: 17,
  name: "SaslHandshake",
  versions: "0-1",
  flexible: "none",
  request: {
    mechanism: string("0+"),
  },
  response: {
    errorCode: int16("0+"),
    /** Mechanisms that the listener has. */
    mechanisms: array(string("0+"), "0+"),
  },
});

/** A SaslHandshake request as a handler gets it. */
export type SaslHandshakeRequest = RequestOf<typeof saslHandshake>;
/** A SaslHandshake response as a handler gives it. */
export type SaslHandshakeResponse = ResponseTo<typeof saslHandshake>;
