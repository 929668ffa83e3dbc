/**
 * SyncGroup: distributes the assignment from the leader of a classic group to its members.
 *
 * Version 3 adds static members (KIP-345), 4 is flexible, 5 adds the protocol type and name, which
 * must match those of the group (KIP-559).
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
} from "../../schema/schema.ts";

/** Request and response of SyncGroup in all versions. */
export const syncGroup = api({
  key: 14,
  name: "SyncGroup",
  versions: "0-5",
  flexible: "4+",
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string("3+", { nullable: "3+", default: null }),
    protocolType: string("5+", { nullable: "5+", default: null, ignorable: true }),
    protocolName: string("5+", { nullable: "5+", default: null, ignorable: true }),
    /** The assignment of each member, sent by the leader; empty from other members. */
    assignments: array({
      memberId: string(),
      assignment: bytes(),
    }, { default: [] }),
  },
  response: {
    throttleTimeMs: int32("1+", { default: 0, ignorable: true }),
    errorCode: int16(),
    protocolType: string("5+", { nullable: "5+", default: null, ignorable: true }),
    protocolName: string("5+", { nullable: "5+", default: null, ignorable: true }),
    /** In the format of the protocol type. */
    assignment: bytes(),
  },
});

/** A decoded SyncGroup request. */
export type SyncGroupRequest = RequestOf<typeof syncGroup>;
/** A SyncGroup response to encode. */
export type SyncGroupResponse = ResponseTo<typeof syncGroup>;
