/**
 * Who may do what with the offsets of a classic group, and when.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { Committer } from "../committer.ts";
import type { ClassicGroup } from "./classic_group.ts";

/**
 * Whether a commit is accepted; the error if not. Somebody outside the group may commit while it has no
 * members; a member only for the present generation. A commit proves that the member is alive.
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

/** Whether offsets may be deleted; the error if not. */
export function validateOffsetDelete(group: ClassicGroup): number {
  if (group.state === "Dead") return ErrorCode.GROUP_ID_NOT_FOUND;
  // Of a consumer group it is known which topics its members read: the others' offsets may go.
  return group.isEmpty || group.usesConsumerProtocol ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP;
}

/** Whether the group may be deleted; the error if not. */
export function validateDelete(group: ClassicGroup): number {
  if (group.state === "Dead") return ErrorCode.GROUP_ID_NOT_FOUND;
  return group.isEmpty ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP;
}

/**
 * From when on the retention of an offset counts that was committed at `committedMs`; undefined while
 * the group is in use in a way that keeps all offsets.
 */
export function retentionStart(group: ClassicGroup, committedMs: number): number | undefined {
  if (group.protocolType === null) return committedMs;
  if (group.isEmpty) return group.stateTimestampMs === -1 ? committedMs : group.stateTimestampMs;
  // Topics that are read keep theirs; of those that are no longer read, the last commit counts.
  const knowsTopics = group.usesConsumerProtocol && group.subscribedTopics !== undefined;
  return knowsTopics && group.state === "Stable" ? committedMs : undefined;
}
