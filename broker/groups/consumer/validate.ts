/**
 * Validates access to the offsets of a KIP-848 group.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { Committer } from "../committer.ts";
import type { ConsumerGroup } from "./consumer_group.ts";
import type { ConsumerMember } from "./consumer_member.ts";

/** KIP-848 members need a version that can report their epoch. */
const FIRST_VERSION_FOR_MEMBERS = 9;

/**
 * Validates a commit; returns an error code. A client outside the group can commit while the group
 * is empty, a member only with its current epoch.
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
 * Validates a member's commit of a partition; returns an error code. A member keeps its epoch while
 * it has more partitions to revoke. Once another member owns the partition, a late commit would
 * undo that one's progress.
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

/** Validates fetching offsets; returns an error code. Clients without a member id are accepted. */
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
