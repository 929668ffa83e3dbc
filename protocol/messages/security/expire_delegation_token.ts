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
    hmac: bytes("0+"),
    /** Milliseconds until the token expires; negative expires it immediately. */
    expiryTimePeriodMs: int64("0+"),
  },
  response: {
    errorCode: int16("0+"),
    expiryTimestampMs: int64("0+"),
    throttleTimeMs: int32("0+", { default: 0 }),
  },
});

/** A decoded ExpireDelegationToken request. */
export type ExpireDelegationTokenRequest = RequestOf<typeof expireDelegationToken>;
/** An ExpireDelegationToken response to encode. */
export type ExpireDelegationTokenResponse = ResponseTo<typeof expireDelegationToken>;
