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
    resourceTypeFilter: int8("0+"),
    /** Null matches every name. */
    resourceNameFilter: string("0+", { nullable: "0+" }),
    /** 1 any, 2 match, 3 literal, 4 prefixed. */
    patternTypeFilter: int8("1+", { default: 3 }),
    /** Null matches every principal. */
    principalFilter: string("0+", { nullable: "0+" }),
    /** Null matches every host. */
    hostFilter: string("0+", { nullable: "0+" }),
    operation: int8("0+"),
    permissionType: int8("0+"),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0 }),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+" }),
    resources: array({
      resourceType: int8("0+"),
      resourceName: string("0+"),
      patternType: int8("1+", { default: 3 }),
      acls: array({
        principal: string("0+"),
        host: string("0+"),
        operation: int8("0+"),
        permissionType: int8("0+"),
      }, "0+"),
    }, "0+"),
  },
});

/** A decoded DescribeAcls request. */
export type DescribeAclsRequest = RequestOf<typeof describeAcls>;
/** A DescribeAcls response to encode. */
export type DescribeAclsResponse = ResponseTo<typeof describeAcls>;
