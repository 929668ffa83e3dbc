/**
 * DescribeGroups: state and members of classic groups.
 *
 * Version 3 adds authorized operations (KIP-430), 4 static members (KIP-345), 5 is flexible, 6
 * returns GROUP_ID_NOT_FOUND for an unknown group, which earlier versions report as dead
 * (KIP-1043).
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
import { NO_AUTHORIZED_OPERATIONS } from "../topics/metadata.ts";

/** Request and response of DescribeGroups in all versions. */
export const describeGroups = api({
  key: 15,
  name: "DescribeGroups",
  versions: "0-6",
  flexible: "5+",
  request: {
    groups: array(string()),
    includeAuthorizedOperations: bool("3+", { default: false }),
  },
  response: {
    throttleTimeMs: int32("1+", { default: 0, ignorable: true }),
    groups: array({
      errorCode: int16(),
      errorMessage: string("6+", { nullable: "6+", default: null }),
      groupId: string(),
      /** `PreparingRebalance`, `CompletingRebalance`, `Stable`, `Empty` or `Dead`. */
      groupState: string(),
      protocolType: string(),
      /** The assignor, while the group is stable. */
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: string("4+", { nullable: "4+", default: null, ignorable: true }),
        clientId: string(),
        clientHost: string(),
        /** The member's subscription, while the group is stable. */
        memberMetadata: bytes(),
        /** The member's assignment, while the group is stable. */
        memberAssignment: bytes(),
      }, { default: [] }),
      /** Bit field of operations that the principal is authorized for, if requested. */
      authorizedOperations: int32("3+", { default: NO_AUTHORIZED_OPERATIONS }),
    }),
  },
});

/** A decoded DescribeGroups request. */
export type DescribeGroupsRequest = RequestOf<typeof describeGroups>;
/** A DescribeGroups response to encode. */
export type DescribeGroupsResponse = ResponseTo<typeof describeGroups>;
