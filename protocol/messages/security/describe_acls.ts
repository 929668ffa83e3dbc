/**
 * DescribeAcls: the ACLs that match a filter (KIP-140).
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

/** Request and response of DescribeAcls in all versions. */
export const describeAcls = api({
  key: 29,
  name: "DescribeAcls",
  versions: "1-3",
  flexible: "2+",
  request: {
    resourceTypeFilter: int8(),
    /** Null matches every name. */
    resourceNameFilter: string({ nullable: "0+" }),
    /** 1 any, 2 match, 3 literal, 4 prefixed. */
    patternTypeFilter: int8({ default: 3 }),
    /** Null matches every principal. */
    principalFilter: string({ nullable: "0+" }),
    /** Null matches every host. */
    hostFilter: string({ nullable: "0+" }),
    operation: int8(),
    permissionType: int8(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8({ default: 3 }),
      acls: array({
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
});

/** A decoded DescribeAcls request. */
export type DescribeAclsRequest = RequestOf<typeof describeAcls>;
/** A DescribeAcls response to encode. */
export type DescribeAclsResponse = ResponseTo<typeof describeAcls>;
