/**
 * IncrementalAlterConfigs: changes individual settings and leaves the others unchanged (KIP-339).
 *
 * Version 1 is flexible.
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

/** Operations on a setting; the last two apply to lists. */
export const ConfigOperation = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

/** Request and response of IncrementalAlterConfigs in all versions. */
export const incrementalAlterConfigs = api({
  key: 44,
  name: "IncrementalAlterConfigs",
  versions: "0-1",
  flexible: "1+",
  request: {
    resources: array({
      /** One of `ConfigResourceType`. */
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        /** One of `ConfigOperation`. */
        configOperation: int8(),
        /** Null if the operation is delete. */
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

/** A decoded IncrementalAlterConfigs request. */
export type IncrementalAlterConfigsRequest = RequestOf<typeof incrementalAlterConfigs>;
/** An IncrementalAlterConfigs response to encode. */
export type IncrementalAlterConfigsResponse = ResponseTo<typeof incrementalAlterConfigs>;
