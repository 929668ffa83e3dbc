/**
 * Who may do what with the offsets of a KIP-848 group.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { Committer } from "../committer.ts";
import type { ConsumerGroup } from "./consumer_group.ts";
import type { ConsumerMember } from "./consumer_member.ts";

/** Members of KIP-848 need a version that tells them of their epoch. */
const FIRST_VERSION_FOR_MEMBERS = 9;

/**
 * Whether a commit is accepted; the error if not. Somebody outside the group may commit while it has no
 * members; a member only with its present epoch.
 */
export function validateCommit(
  group: ConsumerGroup,
  { memberId, generationIdOrMemberEpoch: epoch }: Committer,
  apiVersion: number,
): number {
  if (epoch < 0 && group.isEmpty) return ErrorCode.NONE;
  const member = group.members.get(memberId);
  if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
  if (member.classic === null && apiVersion < FIRST_VERSION_FOR_MEMBERS) {
    return ErrorCode.UNSUPPORTED_VERSION;
  }
  return validateEpoch(member, epoch);
}

/**
 * Whether a member may commit a partition; the error if not. Its epoch may be the present one all the
 * same after it gave the partition up, while it has more to give up. Once another member has the
 * partition, a late commit would take that one's work back.
 */
export function refusalOf(
  group: ConsumerGroup,
  { memberId }: Committer,
  topicId: string,
  partition: number,
): number {
  const owner = group.ownerOf(topicId, partition);
  if (owner === undefined || owner === memberId) return ErrorCode.NONE;
  const isClassic = (group.members.get(memberId)?.classic ?? null) !== null;
  return isClassic ? ErrorCode.ILLEGAL_GENERATION : ErrorCode.STALE_MEMBER_EPOCH;
}

/** Whether somebody may see the offsets; the error if not. Who does not say who it is, may. */
export function validateFetch(
  group: ConsumerGroup,
  memberId: string | null,
  epoch: number,
): number {
  if (memberId === null && epoch < 0) return ErrorCode.NONE;
  const member = group.members.get(memberId ?? "");
  return member === undefined ? ErrorCode.UNKNOWN_MEMBER_ID : validateEpoch(member, epoch);
}

function validateEpoch({ memberEpoch, classic }: ConsumerMember, epoch: number): number {
  if (epoch === memberEpoch) return ErrorCode.NONE;
  return classic === null ? ErrorCode.STALE_MEMBER_EPOCH : ErrorCode.ILLEGAL_GENERATION;
}
