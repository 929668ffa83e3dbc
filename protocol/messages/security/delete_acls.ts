/**
 * DeleteAcls: deletes the ACLs that match filters (KIP-140).
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

/** Request and response of DeleteAcls in all versions. */
export const deleteAcls = api({
  key: 31,
  name: "DeleteAcls",
  versions: "1-3",
  flexible: "2+",
  request: {
    filters: array({
      resourceTypeFilter: int8(),
      resourceNameFilter: string({ nullable: "0+" }),
      patternTypeFilter: int8({ default: 3 }),
      principalFilter: string({ nullable: "0+" }),
      hostFilter: string({ nullable: "0+" }),
      operation: int8(),
      permissionType: int8(),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    /** One for each filter, in the same order. */
    filterResults: array({
      errorCode: int16(),
      errorMessage: string({ nullable: "0+" }),
      matchingAcls: array({
        errorCode: int16(),
        errorMessage: string({ nullable: "0+" }),
        resourceType: int8(),
        resourceName: string(),
        patternType: int8({ default: 3 }),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
});

/** A decoded DeleteAcls request. */
export type DeleteAclsRequest = RequestOf<typeof deleteAcls>;
/** A DeleteAcls response to encode. */
export type DeleteAclsResponse = ResponseTo<typeof deleteAcls>;
