/**
 * SyncGroup for a classic group: the leader sends the assignment, every member fetches its part.
 *
 * The assignment is returned only when it is on disk, so that a restart cannot restore a generation
 * whose members have since got other partitions.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type {
  SyncGroupRequest,
  SyncGroupResponse,
} from "../../../protocol/messages/groups/sync_group.ts";
import type { GroupEnvironment } from "../environment.ts";
import type { ClassicGroup } from "./classic_group.ts";
import { NO_ASSIGNMENT, type RespondToSync } from "./classic_member.ts";
import { groupRecord } from "./group_record.ts";
import {
  dropAssignment,
  propagateAssignment,
  rebalanceOrCompleteJoin,
  removePendingSync,
} from "./rebalance.ts";

/** Fetches a member's assignment; `respond` is called once, possibly before this returns. */
export function syncGroup(
  env: GroupEnvironment,
  group: ClassicGroup,
  request: SyncGroupRequest,
  respond: RespondToSync,
): void {
  const invalid = validate(group, request);
  if (invalid !== ErrorCode.NONE) return respond(failed(invalid));
  const { memberId } = request;
  const member = group.members.get(memberId)!;
  removePendingSync(group, memberId);
  if (group.state === "Stable") {
    const { protocolType, protocolName } = group;
    const { assignment } = member;
    return respond({ errorCode: ErrorCode.NONE, protocolType, protocolName, assignment });
  }
  // A member that sends another SyncGroup has given up the waiting one.
  member.answerSync(failed(ErrorCode.REBALANCE_IN_PROGRESS));
  member.respondToSync = respond;
  if (group.isLeader(memberId)) assign(env, group, request);
}

/** An error response to SyncGroup. */
export function failed(errorCode: number): SyncGroupResponse {
  return { errorCode, assignment: NO_ASSIGNMENT };
}

function validate(group: ClassicGroup, request: SyncGroupRequest): number {
  if (group.state === "Dead") return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const invalid = group.validateMember(request.memberId, request.groupInstanceId);
  if (invalid !== ErrorCode.NONE) return invalid;
  if (request.generationId !== group.generation) return ErrorCode.ILLEGAL_GENERATION;
  const { protocolType, protocolName } = request;
  const differs = (protocolType !== null && protocolType !== group.protocolType) ||
    (protocolName !== null && protocolName !== group.protocolName);
  if (differs) return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
  return group.state === "PreparingRebalance" ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}

/** Writes the leader's assignment, then returns it. Omitted members get an empty one. */
function assign(env: GroupEnvironment, group: ClassicGroup, request: SyncGroupRequest): void {
  const { groupId, generation } = group;
  // A repeated request of the leader: the first assignment is being written.
  if (group.storingGeneration === generation) return;
  group.storingGeneration = generation;
  const assignments = new Map<string, Uint8Array>();
  for (const { memberId, assignment } of request.assignments) {
    if (group.members.has(memberId)) assignments.set(memberId, assignment.slice());
  }
  env.write(groupId, [groupRecord(group, assignments)], (errorCode) => {
    group.storingGeneration = -1;
    // Another rebalance may have begun.
    if (group.state !== "CompletingRebalance" || group.generation !== generation) return;
    if (errorCode !== ErrorCode.NONE) {
      dropAssignment(group, errorCode);
      return rebalanceOrCompleteJoin(env, group, `assignment was not stored: error ${errorCode}`);
    }
    for (const member of group.members.values()) {
      member.assignment = assignments.get(member.memberId) ?? NO_ASSIGNMENT;
    }
    group.transitionTo("Stable", env.clock.now());
    noteRebalanced(env, group);
    env.logger.info("Group is stable", { group: groupId, generation });
    propagateAssignment(group, ErrorCode.NONE);
  });
}

function noteRebalanced({ clock, counters }: GroupEnvironment, group: ClassicGroup): void {
  const { rebalanceSinceMs } = group;
  group.rebalanceSinceMs = undefined;
  if (rebalanceSinceMs === undefined) return;
  counters.rebalanceDurations.observe(clock.monotonic() - rebalanceSinceMs);
}
