/**
 * CreateDelegationToken: creates a token that authenticates as a principal (KIP-48).
 *
 * Version 2 is flexible, 3 lets a superuser request a token for another principal (KIP-373).
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
} from "../../schema/schema.ts";

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
      principalType: string(),
      principalName: string(),
    }),
    /** Maximum lifetime in milliseconds, including renewals; -1 for the broker's limit. */
    maxLifetimeMs: int64(),
  },
  response: {
    errorCode: int16(),
    principalType: string(),
    principalName: string(),
    tokenRequesterPrincipalType: string("3+", { default: "" }),
    tokenRequesterPrincipalName: string("3+", { default: "" }),
    issueTimestampMs: int64(),
    expiryTimestampMs: int64(),
    maxTimestampMs: int64(),
    tokenId: string(),
    hmac: bytes(),
    throttleTimeMs: int32({ default: 0 }),
  },
});

/** A decoded CreateDelegationToken request. */
export type CreateDelegationTokenRequest = RequestOf<typeof createDelegationToken>;
/** A CreateDelegationToken response to encode. */
export type CreateDelegationTokenResponse = ResponseTo<typeof createDelegationToken>;
