/**
 * ExpireDelegationToken: ends a delegation token (KIP-48).
 *
 * Version 2 is flexible.
 *
 * @module
 */

import { api, bytes, int16, int32, int64, type RequestOf, type ResponseTo } from "../schema.ts";

/** Request and response of ExpireDelegationToken in all versions. */
export const expireDelegationToken = api({
  key: 40,
  name: "ExpireDelegationToken",
  versions: "1-2",
  flexible: "2+",
  request: {
    hmac: bytes("0+"),
    /** Milliseconds until the token ends, negative for at once. */
    expiryTimePeriodMs: int64("0+"),
  },
  response: {
    errorCode: int16("0+"),
    expiryTimestampMs: int64("0+"),
    throttleTimeMs: int32("0+", { default: 0 }),
  },
});

/** An ExpireDelegationToken request as a handler gets it. */
export type ExpireDelegationTokenRequest = RequestOf<typeof expireDelegationToken>;
/** An ExpireDelegationToken response as a handler gives it. */
export type ExpireDelegationTokenResponse = ResponseTo<typeof expireDelegationToken>;
