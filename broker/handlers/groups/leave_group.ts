/**
 * LeaveGroup: removes members from a group. Versions 0 to 5.
 *
 * Version 3 accepts several members, static ones by instance id alone (KIP-345), each with its own
 * result; 4 is flexible, 5 adds a reason (KIP-800).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  leaveGroup,
  type LeaveGroupRequest,
  type LeaveGroupResponse,
} from "../../../protocol/messages/groups/leave_group.ts";
import { TimeSlice } from "../../../storage/time_slice.ts";
import type { GroupShard } from "../../groups/group_shard.ts";
import * as membership from "../../groups/membership.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { groupErrorCode, ofGroup } from "./group_request.ts";

const FIRST_VERSION_WITH_MANY_MEMBERS = 3;
/** Members removed per portion. */
const PORTION = 1000;

/** Serves LeaveGroup. */
export const leaveGroupHandler: ApiHandler = handler(
  leaveGroup,
  handleLeaveGroup,
  ofGroup(leaveGroup, AclOperation.read),
);

/** Removes members, in portions if there are very many. */
async function leave(
  shard: GroupShard,
  groupId: string,
  members: LeaveGroupRequest["members"],
): Promise<LeaveGroupResponse> {
  if (members.length <= PORTION) return await membership.leaveGroup(shard, groupId, members);
  const left: NonNullable<LeaveGroupResponse["members"]>[number][] = [];
  const slice = new TimeSlice();
  for (let at = 0; at < members.length; at += PORTION) {
    if (slice.isOver) await slice.pause();
    const portion = members.slice(at, at + PORTION);
    const response = await membership.leaveGroup(shard, groupId, portion);
    if (response.errorCode !== ErrorCode.NONE) return response;
    for (const member of response.members ?? []) left.push(member);
  }
  return { errorCode: ErrorCode.NONE, members: left };
}

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
    const response = await leave(shard, groupId, members);
    if (hasMany) return response;
    return { errorCode: response.errorCode || (response.members?.[0]?.errorCode ?? 0) };
  } catch (error) {
    return { errorCode: groupErrorCode(error, context) };
  }
}
