/**
 * SaslHandshake: selects a SASL mechanism before a client authenticates (KIP-43).
 *
 * In version 0 the authentication tokens follow without a Kafka header; in version 1
 * SaslAuthenticate carries them (KIP-152).
 *
 * @module
 */

import { api, array, int16, type RequestOf, type ResponseTo, string } from "../../schema/schema.ts";

/** Request and response of SaslHandshake in all versions. */
export const saslHandshake = api({
  key: 17,
  name: "SaslHandshake",
  versions: "0-1",
  flexible: "none",
  request: {
    mechanism: string(),
  },
  response: {
    errorCode: int16(),
    /** Mechanisms enabled on the listener. */
    mechanisms: array(string()),
  },
});

/** A decoded SaslHandshake request. */
export type SaslHandshakeRequest = RequestOf<typeof saslHandshake>;
/** A SaslHandshake response to encode. */
export type SaslHandshakeResponse = ResponseTo<typeof saslHandshake>;
