/**
 * AlterUserScramCredentials: creates, changes and deletes SCRAM credentials of users (KIP-554).
 *
 * @module
 */

import {
  api,
  array,
  bytes,
  int16,
  int32,
  int8,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Request and response of AlterUserScramCredentials in all versions. */
export const alterUserScramCredentials = api({
  key: 51,
  name: "AlterUserScramCredentials",
  versions: "0",
  flexible: "0+",
  request: {
    deletions: array({
      name: string("0+"),
      /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
      mechanism: int8("0+"),
    }, "0+"),
    upsertions: array({
      name: string("0+"),
      /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
      mechanism: int8("0+"),
      iterations: int32("0+"),
      salt: bytes("0+"),
      saltedPassword: bytes("0+"),
    }, "0+"),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0 }),
    results: array({
      user: string("0+"),
      errorCode: int16("0+"),
      errorMessage: string("0+", { nullable: "0+" }),
    }, "0+"),
  },
});

/** A decoded AlterUserScramCredentials request. */
export type AlterUserScramCredentialsRequest = RequestOf<typeof alterUserScramCredentials>;
/** An AlterUserScramCredentials response to encode. */
export type AlterUserScramCredentialsResponse = ResponseTo<typeof alterUserScramCredentials>;
