/**
 * AlterConfigs: replaces all settings of a resource; omitted settings return to their defaults.
 *
 * Version 2 is flexible. Newer clients use IncrementalAlterConfigs (KIP-339).
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
} from "../../schema/schema.ts";

/** Request and response of AlterConfigs in all versions. */
export const alterConfigs = api({
  key: 33,
  name: "AlterConfigs",
  versions: "0-2",
  flexible: "2+",
  request: {
    resources: array({
      /** One of `ConfigResourceType`. */
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        /** Null for the default. */
        value: string({ nullable: "0+" }),
      }),
    }),
    /** Validates everything and changes nothing. */
    validateOnly: bool({ default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    responses: array({
      errorCode: int16(),
      errorMessage: string({ nullable: "0+", default: null }),
      resourceType: int8(),
      resourceName: string(),
    }),
  },
});

/** A decoded AlterConfigs request. */
export type AlterConfigsRequest = RequestOf<typeof alterConfigs>;
/** An AlterConfigs response to encode. */
export type AlterConfigsResponse = ResponseTo<typeof alterConfigs>;
