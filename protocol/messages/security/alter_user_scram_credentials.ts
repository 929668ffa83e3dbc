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
      name: string(),
      /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
      mechanism: int8(),
    }),
    upsertions: array({
      name: string(),
      /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
      mechanism: int8(),
      iterations: int32(),
      salt: bytes(),
      saltedPassword: bytes(),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: "0+" }),
    }),
  },
});

/** A decoded AlterUserScramCredentials request. */
export type AlterUserScramCredentialsRequest = RequestOf<typeof alterUserScramCredentials>;
/** An AlterUserScramCredentials response to encode. */
export type AlterUserScramCredentialsResponse = ResponseTo<typeof alterUserScramCredentials>;
