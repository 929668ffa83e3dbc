/**
 * CreateDelegationToken: issues a token that stands for a principal (KIP-48).
 *
 * Version 2 is flexible, 3 lets a superuser ask for another principal (KIP-373).
 *
 * @module
 */

import {
  api,
  array,
  bytes,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseTo,
  string,
} from "../schema.ts";

/** Request and response of CreateDelegationToken in all versions. */
export const createDelegationToken = api({
  key: 38,
  name: "CreateDelegationToken",
  versions: "1-3",
  flexible: "2+",
  request: {
    ownerPrincipalType: string("3+", { nullable: "3+", default: "" }),
    ownerPrincipalName: string("3+", { nullable: "3+", default: "" }),
    renewers: array({
      principalType: string("0+"),
      principalName: string("0+"),
    }, "0+"),
    /** Milliseconds that the token may live with renewals, -1 for the broker's limit. */
    maxLifetimeMs: int64("0+"),
  },
  response: {
    errorCode: int16("0+"),
    principalType: string("0+"),
    principalName: string("0+"),
    tokenRequesterPrincipalType: string("3+", { default: "" }),
    tokenRequesterPrincipalName: string("3+", { default: "" }),
    issueTimestampMs: int64("0+"),
    expiryTimestampMs: int64("0+"),
    maxTimestampMs: int64("0+"),
    tokenId: string("0+"),
    hmac: bytes("0+"),
    throttleTimeMs: int32("0+", { default: 0 }),
  },
});

/** A CreateDelegationToken request as a handler gets it. */
export type CreateDelegationTokenRequest = RequestOf<typeof createDelegationToken>;
/** A CreateDelegationToken response as a handler gives it. */
export type CreateDelegationTokenResponse = ResponseTo<typeof createDelegationToken>;
