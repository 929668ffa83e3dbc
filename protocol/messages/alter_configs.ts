/**
 * AlterConfigs: replaces all settings of a resource; those not named fall back to their defaults.
 *
 * Version 2 is flexible. IncrementalAlterConfigs (KIP-339) is what clients use since.
 *
 * @module
 */

import {
  api,
  array,
  bool,
  int16,
  int32,
  int8,
  type RequestOf,
  type ResponseTo,
  string,
} from "../schema.ts";

/** Request and response of AlterConfigs in all versions. */
export const alterConfigs = api({
  key: 33,
  name: "AlterConfigs",
  versions: "0-2",
  flexible: "2+",
  request: {
    resources: array({
      /** One of `ConfigResourceType`. */
      resourceType: int8("0+"),
      resourceName: string("0+"),
      configs: array({
        name: string("0+"),
        /** Null for the default. */
        value: string("0+", { nullable: "0+" }),
      }, "0+"),
    }, "0+"),
    /** Checks everything and changes nothing. */
    validateOnly: bool("0+", { default: false }),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0 }),
    responses: array({
      errorCode: int16("0+"),
      errorMessage: string("0+", { nullable: "0+", default: null }),
      resourceType: int8("0+"),
      resourceName: string("0+"),
    }, "0+"),
  },
});

/** An AlterConfigs request as a handler gets it. */
export type AlterConfigsRequest = RequestOf<typeof alterConfigs>;
/** An AlterConfigs response as a handler gives it. */
export type AlterConfigsResponse = ResponseTo<typeof alterConfigs>;
