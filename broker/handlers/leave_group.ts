/**
 * LeaveGroup: takes members out of a group. Versions 0 to 5.
 *
 * Version 3 takes several at once, static ones by instance id alone (KIP-345), and answers for each; 4
 * is flexible, 5 adds a reason (KIP-800).
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  leaveGroup,
  type LeaveGroupRequest,
  type LeaveGroupResponse,
} from "../../protocol/messages/leave_group.ts";
import * as membership from "../groups/membership.ts";
import { type ApiHandler, handler, type RequestContext } from "../handler.ts";
import { groupErrorCode } from "./group_request.ts";

const FIRST_VERSION_WITH_MANY_MEMBERS = 3;

/** Serves LeaveGroup. */
export const leaveGroupHandler: ApiHandler = handler(leaveGroup, handleLeaveGroup);

async function handleLeaveGroup(
  request: LeaveGroupRequest,
  context: RequestContext,
): Promise<LeaveGroupResponse> {
  const { groupId, memberId } = request;
  const hasMany = context.apiVersion >= FIRST_VERSION_WITH_MANY_MEMBERS;
  const members = hasMany ? request.members : [{ memberId, groupInstanceId: null, reason: null }];
  if (groupId === "") return { errorCode: ErrorCode.INVALID_GROUP_ID };
  try {
    const shard = context.broker.groups.shardOf(groupId);
    const response = await membership.leaveGroup(shard, groupId, members);
    if (hasMany) return response;
    return { errorCode: response.errorCode || (response.members?.[0]?.errorCode ?? 0) };
  } catch (error) {
    return { errorCode: groupErrorCode(error, context) };
  }
}
