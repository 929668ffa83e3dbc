/**
 * ListConfigResources: the resources that have settings (KIP-1142).
 *
 * Version 0 lists client metrics resources (KIP-714), 1 resources of the requested types.
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

/** Request and response of ListConfigResources in all versions. */
export const listConfigResources = api({
  key: 74,
  name: "ListConfigResources",
  versions: "0-1",
  flexible: "0+",
  request: {
    /** Empty for all types. */
    resourceTypes: array("1+", int8(), { default: [] }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    configResources: array({
      resourceName: string(),
      resourceType: int8("1+", { default: 16, ignorable: true }),
    }),
  },
});

/** A decoded ListConfigResources request. */
export type ListConfigResourcesRequest = RequestOf<typeof listConfigResources>;
/** A ListConfigResources response to encode. */
export type ListConfigResourcesResponse = ResponseTo<typeof listConfigResources>;
