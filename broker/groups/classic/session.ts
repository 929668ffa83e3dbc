/**
 * How members of a classic group prove that they are alive, and what happens when they do not.
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

/** How long a new member whose client has gone may take to come back. */
const NEW_MEMBER_GONE_MS = 10_000;

/**
 * Notes that the client of a JoinGroup that waits has gone. A member that was in a generation has its
 * session; a new one would otherwise be kept, with all it has sent, for as long as a first generation
 * may take.
 */
export function joiningClientGone(group: ClassicGroup, respond: RespondToJoin): void {
  for (const member of group.members.values()) {
    if (member.respondToJoin !== respond || !member.isNew) continue;
    member.session.setIn(Math.min(member.sessionTimeoutMs, NEW_MEMBER_GONE_MS));
  }
}

/** The session of a member, or of an id given out, not yet running. */
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
  // Its session starts anew when it is answered.
  if (member === undefined || member.isExcused) return;
  env.logger.info("Session timed out", { group: group.groupId, member: memberId });
  dismiss(group, member);
  if (group.state === "PreparingRebalance") completeIfAllJoined(env, group);
  else rebalanceOrCompleteJoin(env, group, `session of ${memberId} timed out`);
}

/** Here even a first rebalance does not wait on: the member it waited for may have been the only one. */
function completeIfAllJoined(env: GroupEnvironment, group: ClassicGroup): void {
  if (group.state === "PreparingRebalance" && group.hasAllMembersJoined) completeJoin(env, group);
}

/** Takes a member out; requests of its that wait are told that it is none any more. */
export function dismiss(group: ClassicGroup, member: ClassicMember): void {
  const errorCode = ErrorCode.UNKNOWN_MEMBER_ID;
  group.answerJoin(member, { errorCode, protocolName: null, leader: "", memberId: "" });
  member.answerSync({ errorCode, assignment: new Uint8Array(0) });
  group.remove(member.memberId);
}

/** Extends a member's session. Returns the error to answer with. */
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

/** Ends all that a group waits for; requests that wait are answered with an error. */
export function shutDown(env: GroupEnvironment, group: ClassicGroup, errorCode: number): void {
  group.joinDeadline?.cancel();
  group.syncDeadline?.cancel();
  for (const memberId of [...group.pendingMembers.keys()]) group.removePending(memberId);
  for (const member of group.members.values()) {
    member.session.cancel();
    const { memberId } = member;
    group.answerJoin(member, { errorCode, protocolName: null, leader: "", memberId });
    member.answerSync({ errorCode, assignment: new Uint8Array(0) });
  }
  group.transitionTo("Dead", env.clock.now());
}
