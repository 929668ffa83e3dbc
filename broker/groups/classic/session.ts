/**
 * Sessions of classic group members: heartbeats and their absence.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { HeartbeatRequest } from "../../../protocol/messages/groups/heartbeat.ts";
import type { Deadline } from "../deadlines.ts";
import type { GroupEnvironment } from "../environment.ts";
import type { ClassicGroup } from "./classic_group.ts";
import type { ClassicMember, RespondToJoin } from "./classic_member.ts";
import { completeJoin, rebalanceOrCompleteJoin } from "./rebalance.ts";

/** Time that a new member whose client disconnected has to reconnect. */
const NEW_MEMBER_GONE_MS = 10_000;

/**
 * Handles a client that disconnects during JoinGroup. An existing member has its session; a new one
 * would otherwise be kept, with its request, until the first generation times out.
 */
export function joiningClientGone(group: ClassicGroup, respond: RespondToJoin): void {
  for (const member of group.members.values()) {
    if (member.respondToJoin !== respond || !member.isNew) continue;
    member.session.setIn(Math.min(member.sessionTimeoutMs, NEW_MEMBER_GONE_MS));
  }
}

/** The session of a member or of an assigned member id, not yet started. */
export function memberSession(
  env: GroupEnvironment,
  group: ClassicGroup,
  memberId: string,
): Deadline {
  return env.deadlines.deadline(() => expireSession(env, group, memberId));
}

function expireSession(env: GroupEnvironment, group: ClassicGroup, memberId: string): void {
  if (group.state === "Dead") return;
  if (group.pendingMembers.has(memberId)) {
    env.logger.debug("Member id was not used in time", { group: group.groupId, member: memberId });
    group.removePending(memberId);
    return completeIfAllJoined(env, group);
  }
  const member = group.members.get(memberId);
  // The session restarts when the member gets its response.
  if (member === undefined || member.isExcused) return;
  env.logger.info("Session timed out", { group: group.groupId, member: memberId });
  dismiss(group, member);
  if (group.state === "PreparingRebalance") completeIfAllJoined(env, group);
  else rebalanceOrCompleteJoin(env, group, `session of ${memberId} timed out`);
}

/**
 * Completes a rebalance if all members have joined, even an initial one: the removed member may
 * have been the only missing one.
 */
function completeIfAllJoined(env: GroupEnvironment, group: ClassicGroup): void {
  if (group.state === "PreparingRebalance" && group.hasAllMembersJoined) completeJoin(env, group);
}

/** Removes a member; its waiting requests get UNKNOWN_MEMBER_ID. */
export function dismiss(group: ClassicGroup, member: ClassicMember): void {
  const errorCode = ErrorCode.UNKNOWN_MEMBER_ID;
  group.answerJoin(member, { errorCode, protocolName: null, leader: "", memberId: "" });
  member.answerSync({ errorCode, assignment: new Uint8Array(0) });
  group.remove(member.memberId);
}

/** Extends a member's session. Returns an error code. */
export function heartbeat(group: ClassicGroup, request: HeartbeatRequest): number {
  if (group.state === "Dead") return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const { memberId, groupInstanceId, generationId } = request;
  const invalid = group.validateMember(memberId, groupInstanceId);
  if (invalid !== ErrorCode.NONE) return invalid;
  if (generationId !== group.generation) return ErrorCode.ILLEGAL_GENERATION;
  const member = group.members.get(memberId)!;
  member.session.setIn(member.sessionTimeoutMs);
  return group.state === "PreparingRebalance" ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}
