/**
 * ExpireDelegationToken: changes the expiry of a delegation token (KIP-48).
 *
 * Version 2 is flexible.
 *
 * @module
 */

import {
  api,
  bytes,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseTo,
} from "../../schema/schema.ts";

/** Request and response of ExpireDelegationToken in all versions. */
export const expireDelegationToken = api({
  key: 40,
  name: "ExpireDelegationToken",
  versions: "1-2",
  flexible: "2+",
  request: {
    hmac: bytes(),
    /** Milliseconds until the token expires; negative expires it immediately. */
    expiryTimePeriodMs: int64(),
  },
  response: {
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32({ default: 0 }),
  },
});

/** A decoded ExpireDelegationToken request. */
export type ExpireDelegationTokenRequest = RequestOf<typeof expireDelegationToken>;
/** An ExpireDelegationToken response to encode. */
export type ExpireDelegationTokenResponse = ResponseTo<typeof expireDelegationToken>;
