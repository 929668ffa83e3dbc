/**
 * LeaveGroup: removes members from a classic group.
 *
 * Version 3 accepts several members, and static ones by instance id (KIP-345), 4 is flexible, 5
 * adds a reason (KIP-800).
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

/** Request and response of LeaveGroup in all versions. */
export const leaveGroup = api({
  key: 13,
  name: "LeaveGroup",
  versions: "0-5",
  flexible: "4+",
  request: {
    groupId: string(),
    /** Up to version 2; replaced by `members`. */
    memberId: string("0-2", { default: "" }),
    members: array("3+", {
      /** Empty if the instance id is sufficient. */
      memberId: string(),
      groupInstanceId: string({ nullable: "3+", default: null }),
      /** Why the member leaves, for logs. */
      reason: string("5+", { nullable: "5+", default: null, ignorable: true }),
    }, { default: [] }),
  },
  response: {
    throttleTimeMs: int32("1+", { default: 0, ignorable: true }),
    errorCode: int16(),
    members: array("3+", {
      memberId: string(),
      groupInstanceId: string({ nullable: "3+" }),
      errorCode: int16(),
    }, { default: [] }),
  },
});

/** A decoded LeaveGroup request. */
export type LeaveGroupRequest = RequestOf<typeof leaveGroup>;
/** A LeaveGroup response to encode. */
export type LeaveGroupResponse = ResponseTo<typeof leaveGroup>;
