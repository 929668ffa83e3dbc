/**
 * CreateAcls: adds ACLs (KIP-140).
 *
 * Version 1 adds pattern types (KIP-290), 2 is flexible, 3 adds user resource types (KIP-373).
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

/** Request and response of CreateAcls in all versions. */
export const createAcls = api({
  key: 30,
  name: "CreateAcls",
  versions: "1-3",
  flexible: "2+",
  request: {
    creations: array({
      resourceType: int8(),
      resourceName: string(),
      resourcePatternType: int8({ default: 3 }),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    /** One for each creation, in the same order. */
    results: array({
      errorCode: int16(),
      errorMessage: string({ nullable: "0+" }),
    }),
  },
});

/** A decoded CreateAcls request. */
export type CreateAclsRequest = RequestOf<typeof createAcls>;
/** A CreateAcls response to encode. */
export type CreateAclsResponse = ResponseTo<typeof createAcls>;
