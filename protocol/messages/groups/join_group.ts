/**
 * JoinGroup: joins a classic group, and waits until all members have joined.
 *
 * Version 1 adds the rebalance timeout (KIP-62), 4 makes a new member join twice, the second time
 * with its assigned id (KIP-394), 5 adds static members (KIP-345), 6 is flexible, 7 returns the
 * protocol type (KIP-559), 8 adds a reason (KIP-800), 9 lets the leader skip the assignment
 * (KIP-814).
 *
 * @module
 */

import {
  api,
  array,
  bool,
  bytes,
  int16,
  int32,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Request and response of JoinGroup in all versions. */
export const joinGroup = api({
  key: 11,
  name: "JoinGroup",
  versions: "0-9",
  flexible: "6+",
  request: {
    groupId: string(),
    /** Time without heartbeats after which the member is removed. */
    sessionTimeoutMs: int32(),
    /** Maximum time for the member to rejoin; −1 for the session timeout. */
    rebalanceTimeoutMs: int32("1+", { default: -1, ignorable: true }),
    /** Empty for a new member. */
    memberId: string(),
    groupInstanceId: string("5+", { nullable: "5+", default: null }),
    /** `consumer`, for consumer groups. */
    protocolType: string(),
    /** The member's assignors in order of preference. */
    protocols: array({
      name: string(),
      /** The member's subscription, in the format of the protocol type. */
      metadata: bytes(),
    }),
    /** Why the member joins, for logs. */
    reason: string("8+", { nullable: "8+", default: null, ignorable: true }),
  },
  response: {
    throttleTimeMs: int32("2+", { default: 0, ignorable: true }),
    errorCode: int16(),
    generationId: int32({ default: -1 }),
    protocolType: string("7+", { nullable: "7+", default: null, ignorable: true }),
    /** The assignor supported by all members. */
    protocolName: string({ nullable: "7+" }),
    /** The member that computes the assignment. */
    leader: string(),
    /** Whether the leader keeps the current assignment. */
    skipAssignment: bool("9+", { default: false }),
    memberId: string(),
    /** All members, for the leader; empty for the others. */
    members: array({
      memberId: string(),
      groupInstanceId: string("5+", { nullable: "5+", default: null, ignorable: true }),
      metadata: bytes(),
    }, { default: [] }),
  },
});

/** A decoded JoinGroup request. */
export type JoinGroupRequest = RequestOf<typeof joinGroup>;
/** A JoinGroup response to encode. */
export type JoinGroupResponse = ResponseTo<typeof joinGroup>;
