/**
 * DescribeGroups: state and members of classic groups. Versions 0 to 6.
 *
 * A group that does not exist, or is one of KIP-848, is told as a dead one, from version 6 on as
 * GROUP_ID_NOT_FOUND (KIP-1043).
 *
 * Version 3 adds authorized operations (KIP-430), 4 static members (KIP-345), 5 is flexible.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  describeGroups,
  type DescribeGroupsRequest,
  type DescribeGroupsResponse,
} from "../../protocol/messages/describe_groups.ts";
import { describeGroup } from "../groups/administration.ts";
import { type ApiHandler, handler, type RequestContext } from "../handler.ts";
import { groupErrorCode, groupOperations } from "./group_request.ts";

type Described = DescribeGroupsResponse["groups"][number];

const FIRST_VERSION_WITH_NOT_FOUND = 6;

/** Serves DescribeGroups. */
export const describeGroupsHandler: ApiHandler = handler(describeGroups, handleDescribeGroups);

function handleDescribeGroups(
  { groups, includeAuthorizedOperations }: DescribeGroupsRequest,
  context: RequestContext,
): DescribeGroupsResponse {
  const authorizedOperations = groupOperations(includeAuthorizedOperations);
  return {
    groups: groups.map((groupId) => {
      const described = describe(groupId, context);
      return described.errorCode === ErrorCode.NONE
        ? { ...described, authorizedOperations }
        : described;
    }),
  };
}

function describe(groupId: string, context: RequestContext): Described {
  const none = { groupId, groupState: "", protocolType: "", protocolData: "" };
  try {
    const described = describeGroup(context.broker.groups.shardOf(groupId), groupId);
    if (described !== undefined) return described;
    const dead = { ...none, groupState: "Dead" };
    if (context.apiVersion < FIRST_VERSION_WITH_NOT_FOUND) {
      return { ...dead, errorCode: ErrorCode.NONE };
    }
    const errorMessage = `Group ${groupId} not found.`;
    return { ...dead, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage };
  } catch (error) {
    return { ...none, errorCode: groupErrorCode(error, context) };
  }
}
