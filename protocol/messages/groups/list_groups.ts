/**
 * ListGroups: the groups that a broker coordinates.
 *
 * Version 3 is flexible, 4 adds states (KIP-518), 5 types (KIP-848).
 *
 * @module
 */

import {
  api,
  array,
  int16,
  int32,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Request and response of ListGroups in all versions. */
export const listGroups = api({
  key: 16,
  name: "ListGroups",
  versions: "0-5",
  flexible: "3+",
  request: {
    /** The requested states; empty for all. */
    statesFilter: array("4+", string(), { default: [] }),
    /** The requested types; empty for all. */
    typesFilter: array("5+", string(), { default: [] }),
  },
  response: {
    throttleTimeMs: int32("1+", { default: 0, ignorable: true }),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string("4+", { default: "", ignorable: true }),
      /** `classic`, `consumer`, `share` or `streams`. */
      groupType: string("5+", { default: "", ignorable: true }),
    }),
  },
});

/** A decoded ListGroups request. */
export type ListGroupsRequest = RequestOf<typeof listGroups>;
/** A ListGroups response to encode. */
export type ListGroupsResponse = ResponseTo<typeof listGroups>;
