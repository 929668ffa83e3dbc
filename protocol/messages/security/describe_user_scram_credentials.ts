/**
 * DescribeUserScramCredentials: the SCRAM credentials of users (KIP-554).
 *
 * @module
 */

import {
  api,
  array,
  int16,
  int32,
  int8,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Request and response of DescribeUserScramCredentials in all versions. */
export const describeUserScramCredentials = api({
  key: 50,
  name: "DescribeUserScramCredentials",
  versions: "0",
  flexible: "0+",
  request: {
    /** Null or empty for all. */
    users: array({
      name: string(),
    }, { nullable: "0+" }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: "0+" }),
      credentialInfos: array({
        /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
        mechanism: int8(),
        iterations: int32(),
      }),
    }),
  },
});

/** A decoded DescribeUserScramCredentials request. */
export type DescribeUserScramCredentialsRequest = RequestOf<typeof describeUserScramCredentials>;
/** A DescribeUserScramCredentials response to encode. */
export type DescribeUserScramCredentialsResponse = ResponseTo<typeof describeUserScramCredentials>;
