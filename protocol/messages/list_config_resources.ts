/**
 * ListConfigResources: the resources that have settings of their own (KIP-1142).
 *
 * Version 0 lists those of client metrics (KIP-714), 1 those of the types asked for.
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
} from "../schema.ts";

/** Request and response of ListConfigResources in all versions. */
export const listConfigResources = api({
  key: 74,
  name: "ListConfigResources",
  versions: "0-1",
  flexible: "0+",
  request: {
    /** Empty for all types. */
    resourceTypes: array(int8("0+"), "1+", { default: [] }),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0 }),
    errorCode: int16("0+"),
    configResources: array({
      resourceName: string("0+"),
      resourceType: int8("1+", { default: 16, ignorable: true }),
    }, "0+"),
  },
});

/** A ListConfigResources request as a handler gets it. */
export type ListConfigResourcesRequest = RequestOf<typeof listConfigResources>;
/** A ListConfigResources response as a handler gives it. */
export type ListConfigResourcesResponse = ResponseTo<typeof listConfigResources>;
