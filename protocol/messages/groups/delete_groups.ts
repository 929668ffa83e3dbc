/**
 * DeleteGroups: deletes groups without members, and their offsets (KIP-229).
 *
 * Version 2 is flexible.
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

/** Request and response of DeleteGroups in all versions. */
export const deleteGroups = api({
  key: 42,
  name: "DeleteGroups",
  versions: "0-2",
  flexible: "2+",
  request: {
    groupsNames: array(string()),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      groupId: string(),
      errorCode: int16(),
    }),
  },
});

/** A decoded DeleteGroups request. */
export type DeleteGroupsRequest = RequestOf<typeof deleteGroups>;
/** A DeleteGroups response to encode. */
export type DeleteGroupsResponse = ResponseTo<typeof deleteGroups>;
