/**
 * DescribeDelegationToken: the delegation tokens of owners (KIP-48).
 *
 * Version 2 is flexible, 3 returns the requester of a token (KIP-373).
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

/** Request and response of DescribeDelegationToken in all versions. */
export const describeDelegationToken = api({
  key: 41,
  name: "DescribeDelegationToken",
  versions: "1-3",
  flexible: "2+",
  request: {
    /** Null for all. */
    owners: array({
      principalType: string(),
      principalName: string(),
    }, { nullable: "0+" }),
  },
  response: {
    errorCode: int16(),
    tokens: array({
      principalType: string(),
      principalName: string(),
      tokenRequesterPrincipalType: string("3+", { default: "" }),
      tokenRequesterPrincipalName: string("3+", { default: "" }),
      issueTimestamp: int64(),
      expiryTimestamp: int64(),
      maxTimestamp: int64(),
      tokenId: string(),
      hmac: bytes(),
      renewers: array({
        principalType: string(),
        principalName: string(),
      }),
    }),
    throttleTimeMs: int32({ default: 0 }),
  },
});

/** A decoded DescribeDelegationToken request. */
export type DescribeDelegationTokenRequest = RequestOf<typeof describeDelegationToken>;
/** A DescribeDelegationToken response to encode. */
export type DescribeDelegationTokenResponse = ResponseTo<typeof describeDelegationToken>;
