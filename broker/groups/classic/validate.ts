/**
 * Validates access to the offsets of a classic group.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { Committer } from "../committer.ts";
import type { ClassicGroup } from "./classic_group.ts";

/**
 * Validates a commit; returns an error code. A client outside the group can commit while the group
 * is empty, a member only for the current generation. A commit extends the member's session.
 */
export function validateCommit(group: ClassicGroup, committer: Committer): number {
  const { memberId, groupInstanceId, generationIdOrMemberEpoch: generation } = committer;
  if (group.state === "Dead") return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  if (generation < 0 && group.isEmpty) return ErrorCode.NONE;
  if (generation < 0 && memberId === "" && groupInstanceId === null) {
    return ErrorCode.UNKNOWN_MEMBER_ID;
  }
  const invalid = group.validateMember(memberId, groupInstanceId);
  if (invalid !== ErrorCode.NONE) return invalid;
  if (generation !== group.generation) return ErrorCode.ILLEGAL_GENERATION;
  if (group.state === "CompletingRebalance") return ErrorCode.REBALANCE_IN_PROGRESS;
  const member = group.members.get(memberId)!;
  member.session.setIn(member.sessionTimeoutMs);
  return ErrorCode.NONE;
}

/** Whether offsets can be deleted; returns an error code. */
export function validateOffsetDelete(group: ClassicGroup): number {
  if (group.state === "Dead") return ErrorCode.GROUP_ID_NOT_FOUND;
  // The subscriptions of a consumer group are known: offsets of other topics can be deleted.
  return group.isEmpty || group.usesConsumerProtocol ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP;
}

/** Whether the group can be deleted; returns an error code. */
export function validateDelete(group: ClassicGroup): number {
  if (group.state === "Dead") return ErrorCode.GROUP_ID_NOT_FOUND;
  return group.isEmpty ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP;
}

/**
 * The start of the retention period of an offset committed at `committedMs`; `undefined` while the
 * group is active in a way that keeps all offsets.
 */
export function retentionStart(group: ClassicGroup, committedMs: number): number | undefined {
  if (group.protocolType === null) return committedMs;
  if (group.isEmpty) return group.stateTimestampMs === -1 ? committedMs : group.stateTimestampMs;
  // Offsets of subscribed topics are kept; for other topics the last commit counts.
  const knowsTopics = group.usesConsumerProtocol && group.subscribedTopics !== undefined;
  return knowsTopics && group.state === "Stable" ? committedMs : undefined;
}
