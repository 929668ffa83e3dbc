/**
 * LeaveGroup for a classic group: several members, by member id or instance id (KIP-345).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type {
  LeaveGroupRequest,
  LeaveGroupResponse,
} from "../../../protocol/messages/groups/leave_group.ts";
import type { GroupEnvironment } from "../environment.ts";
import type { ClassicGroup } from "./classic_group.ts";
import { maybeCompleteJoin, rebalanceOrCompleteJoin } from "./rebalance.ts";
import { dismiss } from "./session.ts";

type Leaving = LeaveGroupRequest["members"][number];

/** Removes members, with a result for each. */
export function leaveGroup(
  env: GroupEnvironment,
  group: ClassicGroup,
  members: readonly Leaving[],
): LeaveGroupResponse {
  if (group.state === "Dead") return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE };
  const results = members.map((leaving) => ({
    memberId: leaving.memberId,
    groupInstanceId: leaving.groupInstanceId,
    errorCode: leave(group, leaving),
  }));
  const left = results.filter(({ errorCode }) => errorCode === ErrorCode.NONE);
  if (left.length > 0) {
    const reasons = members.map((leaving) => leaving.reason).filter((reason) => reason);
    const who = left.map((result) => result.memberId || result.groupInstanceId).join(", ");
    afterLeave(env, group, [`${who} left`, ...new Set(reasons)].join(": "));
  }
  return { errorCode: ErrorCode.NONE, members: results };
}

function leave(group: ClassicGroup, { memberId, groupInstanceId }: Leaving): number {
  if (group.pendingMembers.has(memberId)) {
    group.removePending(memberId);
    return ErrorCode.NONE;
  }
  // Operators identify static members by instance id only.
  const id = memberId === "" && groupInstanceId !== null
    ? group.staticMemberId(groupInstanceId) ?? ""
    : memberId;
  const invalid = group.validateMember(id, groupInstanceId);
  if (invalid === ErrorCode.NONE) dismiss(group, group.members.get(id)!);
  return invalid;
}

function afterLeave(env: GroupEnvironment, group: ClassicGroup, reason: string): void {
  switch (group.state) {
    case "Stable":
    case "CompletingRebalance":
      return rebalanceOrCompleteJoin(env, group, reason);
    case "PreparingRebalance":
      return maybeCompleteJoin(env, group);
  }
}
