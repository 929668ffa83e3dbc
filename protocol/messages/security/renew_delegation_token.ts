/**
 * RenewDelegationToken: extends the expiry of a delegation token (KIP-48).
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

/** Request and response of RenewDelegationToken in all versions. */
export const renewDelegationToken = api({
  key: 39,
  name: "RenewDelegationToken",
  versions: "1-2",
  flexible: "2+",
  request: {
    hmac: bytes(),
    /** Milliseconds to add, -1 for the broker's default. */
    renewPeriodMs: int64(),
  },
  response: {
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32({ default: 0 }),
  },
});

/** A decoded RenewDelegationToken request. */
export type RenewDelegationTokenRequest = RequestOf<typeof renewDelegationToken>;
/** A RenewDelegationToken response to encode. */
export type RenewDelegationTokenResponse = ResponseTo<typeof renewDelegationToken>;
