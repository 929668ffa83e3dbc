/**
 * SyncGroup: brings the assignment from the leader of a classic group to its members.
 *
 * Version 3 adds static members (KIP-345), 4 is flexible, 5 adds protocol type and name, to be checked
 * against the group's (KIP-559).
 *
 * @module
 */

import {
  api,
  array,
  bytes,
  int16,
  int32,
  type RequestOf,
  type ResponseTo,
  string,
} from "../schema.ts";

/** Request and response of SyncGroup in all versions. */
export const syncGroup = api({
  key: 14,
  name: "SyncGroup",
  versions: "0-5",
  flexible: "4+",
  request: {
    groupId: string("0+"),
    generationId: int32("0+"),
    memberId: string("0+"),
    groupInstanceId: string("3+", { nullable: "3+", default: null }),
    protocolType: string("5+", { nullable: "5+", default: null, ignorable: true }),
    protocolName: string("5+", { nullable: "5+", default: null, ignorable: true }),
    /** The assignment of each member from the leader, none from the others. */
    assignments: array(
      {
        memberId: string("0+"),
        assignment: bytes("0+"),
      },
      "0+",
      { default: [] },
    ),
  },
  response: {
    throttleTimeMs: int32("1+", { default: 0, ignorable: true }),
    errorCode: int16("0+"),
    protocolType: string("5+", { nullable: "5+", default: null, ignorable: true }),
    protocolName: string("5+", { nullable: "5+", default: null, ignorable: true }),
    /** In a format of the protocol type. */
    assignment: bytes("0+"),
  },
});

/** A SyncGroup request as a handler gets it. */
export type SyncGroupRequest = RequestOf<typeof syncGroup>;
/** A SyncGroup response as a handler gives it. */
export type SyncGroupResponse = ResponseTo<typeof syncGroup>;
