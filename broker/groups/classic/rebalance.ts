/**
 * Rebalances of a classic group.
 *
 * A rebalance begins when a member joins, leaves or changes (`prepareRebalance`). It waits for all
 * members to rejoin, up to the rebalance timeout, or, if the group was empty, while new members
 * keep joining. Then all members get the new generation (`completeJoin`), the leader assigns, and
 * the assignment is written and returned (`sync.ts`). Members that do not rejoin, or do not fetch
 * their assignment, are removed.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { JoinGroupResponse } from "../../../protocol/messages/groups/join_group.ts";
import type { GroupEnvironment } from "../environment.ts";
import type { ClassicGroup } from "./classic_group.ts";
import { type ClassicMember, NO_ASSIGNMENT } from "./classic_member.ts";
import { groupRecord } from "./group_record.ts";

/** Starts a rebalance if the state allows it; otherwise completes the current one if possible. */
export function rebalanceOrCompleteJoin(
  env: GroupEnvironment,
  group: ClassicGroup,
  reason: string,
): void {
  if (group.canRebalance) prepareRebalance(env, group, reason);
  else maybeCompleteJoin(env, group);
}

/** Starts a rebalance. Members waiting for an assignment must rejoin. */
export function prepareRebalance(env: GroupEnvironment, group: ClassicGroup, reason: string): void {
  if (group.state === "CompletingRebalance") {
    dropAssignment(group, ErrorCode.REBALANCE_IN_PROGRESS);
  }
  cancelPendingSync(group);
  const isInitial = group.isEmpty;
  group.rebalanceSinceMs ??= env.clock.monotonic();
  group.transitionTo("PreparingRebalance", env.clock.now());
  env.logger.info("Preparing rebalance", {
    group: group.groupId,
    generation: group.generation,
    reason,
  });
  if (isInitial) delayInitialRebalance(env, group);
  else if (group.hasAllMembersJoined) completeJoin(env, group);
  else waitForJoins(env, group);
}

/** Delays the first rebalance of an empty group so that more members can join. */
function delayInitialRebalance(env: GroupEnvironment, group: ClassicGroup): void {
  const delayMs = env.config.get("group.initial.rebalance.delay.ms");
  const remainingMs = Math.max(0, group.rebalanceTimeoutMs - delayMs);
  waitForFirst(env, group, delayMs, remainingMs);
}

function waitForFirst(
  env: GroupEnvironment,
  group: ClassicGroup,
  delayMs: number,
  remainingMs: number,
): void {
  setJoinDeadline(env, group, delayMs, () => {
    if (!group.hasNewMember || remainingMs === 0) return completeJoin(env, group);
    group.hasNewMember = false;
    const fullDelayMs = env.config.get("group.initial.rebalance.delay.ms");
    const nextMs = Math.min(fullDelayMs, remainingMs);
    waitForFirst(env, group, nextMs, Math.max(0, remainingMs - delayMs));
  });
}

function waitForJoins(env: GroupEnvironment, group: ClassicGroup): void {
  setJoinDeadline(env, group, group.rebalanceTimeoutMs, () => completeJoin(env, group));
}

function setJoinDeadline(
  env: GroupEnvironment,
  group: ClassicGroup,
  delayMs: number,
  callback: () => void,
): void {
  group.joinDeadline?.cancel();
  group.joinDeadline = env.deadlines.deadline(callback);
  group.joinDeadline.setIn(delayMs);
}

/** Ends the wait if all members have joined. An initial rebalance always waits its full delay. */
export function maybeCompleteJoin(env: GroupEnvironment, group: ClassicGroup): void {
  if (group.state !== "PreparingRebalance" || group.previousState === "Empty") return;
  if (group.hasAllMembersJoined) completeJoin(env, group);
}

/**
 * Starts the next generation with the members that have joined. Other dynamic members are removed;
 * static ones keep their place (KIP-345).
 */
export function completeJoin(env: GroupEnvironment, group: ClassicGroup): void {
  group.joinDeadline?.cancel();
  group.joinDeadline = undefined;
  if (group.state !== "PreparingRebalance") return;
  for (const member of [...group.members.values()]) {
    if (!member.isAwaitingJoin && !member.isStatic) group.remove(member.memberId);
  }
  if (group.members.size > 0 && !group.electJoinedLeader()) {
    // No member has joined; static members remain until their sessions end.
    return waitForJoins(env, group);
  }
  group.startNextGeneration(env.clock.now());
  if (group.isEmpty) {
    group.rebalanceSinceMs = undefined;
    return recordEmptyGeneration(env, group);
  }
  env.counters.rebalances++;
  env.logger.info("Members joined", {
    group: group.groupId,
    generation: group.generation,
    members: group.members.size,
    protocol: group.protocolName,
    leader: group.leaderId,
  });
  for (const member of group.members.values()) {
    group.answerJoin(member, joined(group, member));
    member.session.setIn(member.sessionTimeoutMs);
    member.isNew = false;
    group.pendingSyncs.add(member.memberId);
  }
  waitForSyncs(env, group);
}

/**
 * If this record is lost, the previous generation is restored after a restart, which is harmless:
 * its members are gone and their sessions expire.
 */
function recordEmptyGeneration(env: GroupEnvironment, group: ClassicGroup): void {
  const { groupId, generation } = group;
  env.logger.info("Group is empty", { group: groupId, generation });
  env.write(groupId, [groupRecord(group)], (errorCode) => {
    if (errorCode === ErrorCode.NONE) return;
    env.logger.warn("Cannot record that a group is empty", { group: groupId, errorCode });
  });
}

/** The JoinGroup response of a member; the leader's lists all members. */
export function joined(group: ClassicGroup, member: ClassicMember): JoinGroupResponse {
  return {
    errorCode: ErrorCode.NONE,
    generationId: group.generation,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leaderId ?? "",
    memberId: member.memberId,
    members: group.isLeader(member.memberId) ? membersForLeader(group) : [],
  };
}

/** The members as the leader needs them. */
function membersForLeader(group: ClassicGroup): NonNullable<JoinGroupResponse["members"]> {
  return [...group.members.values()].map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    metadata: member.metadata(group.protocolName ?? "") ?? NO_ASSIGNMENT,
  }));
}

function waitForSyncs(env: GroupEnvironment, group: ClassicGroup): void {
  const { generation } = group;
  group.syncDeadline?.cancel();
  group.syncDeadline = env.deadlines.deadline(() => expireSyncs(env, group, generation));
  group.syncDeadline.setIn(group.rebalanceTimeoutMs);
}

/** Removes members that have not fetched their assignment in time. */
function expireSyncs(env: GroupEnvironment, group: ClassicGroup, generation: number): void {
  if (group.generation !== generation || group.pendingSyncs.size === 0) return;
  if (group.state !== "CompletingRebalance" && group.state !== "Stable") return;
  const late = [...group.pendingSyncs];
  for (const memberId of late) group.remove(memberId);
  prepareRebalance(env, group, `${late.join(", ")} did not fetch the assignment in time`);
}

/** Records that a member has requested its assignment. */
export function removePendingSync(group: ClassicGroup, memberId: string): void {
  group.pendingSyncs.delete(memberId);
  if (group.pendingSyncs.size === 0) group.syncDeadline?.cancel();
}

function cancelPendingSync(group: ClassicGroup): void {
  group.pendingSyncs.clear();
  group.syncDeadline?.cancel();
}

/** Clears all assignments and answers waiting members with an error. */
export function dropAssignment(group: ClassicGroup, errorCode: number): void {
  for (const member of group.members.values()) member.assignment = NO_ASSIGNMENT;
  propagateAssignment(group, errorCode);
}

/**
 * Answers all waiting SyncGroup requests and restarts the members' sessions, which were not
 * enforced meanwhile.
 */
export function propagateAssignment(
  group: ClassicGroup,
  errorCode: number,
): void {
  const isAssigned = errorCode === ErrorCode.NONE;
  for (const member of group.members.values()) {
    const answered = member.answerSync({
      errorCode,
      protocolType: isAssigned ? group.protocolType : null,
      protocolName: isAssigned ? group.protocolName : null,
      assignment: member.assignment,
    });
    if (answered) member.session.setIn(member.sessionTimeoutMs);
  }
}
