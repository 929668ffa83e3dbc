/**
 * A group of either protocol and its common operations.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ClassicGroup } from "./classic/classic_group.ts";
import * as classic from "./classic/validate.ts";
import type { Committer } from "./committer.ts";
import type { ConsumerGroup } from "./consumer/consumer_group.ts";
import * as consumer from "./consumer/validate.ts";

/** A group. */
export type Group = ClassicGroup | ConsumerGroup;

/** Validates a commit; returns an error code. */
export function validateCommit(group: Group, committer: Committer, apiVersion: number): number {
  return group instanceof ClassicGroup
    ? classic.validateCommit(group, committer)
    : consumer.validateCommit(group, committer, apiVersion);
}

/** Validates the commit of a partition by an accepted committer; returns an error code. */
export function refusalOf(
  group: Group,
  committer: Committer,
  topicId: string | undefined,
  partition: number,
): number {
  if (group instanceof ClassicGroup || topicId === undefined) return ErrorCode.NONE;
  return consumer.refusalOf(group, committer, topicId, partition);
}

/** Validates fetching a group's offsets; returns an error code. */
export function validateFetch(group: Group, memberId: string | null, memberEpoch: number): number {
  if (group instanceof ClassicGroup) return ErrorCode.NONE;
  return consumer.validateFetch(group, memberId, memberEpoch);
}

/** Whether offsets can be deleted; returns an error code. */
export function validateOffsetDelete(group: Group): number {
  return group instanceof ClassicGroup ? classic.validateOffsetDelete(group) : ErrorCode.NONE;
}

/** Whether a group can be deleted; returns an error code. */
export function validateDelete(group: Group): number {
  if (group instanceof ClassicGroup) return classic.validateDelete(group);
  return group.isEmpty ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP;
}

/**
 * The start of the retention period of an offset committed at `committedMs`; `undefined` while the
 * group is active in a way that keeps all offsets.
 */
export function retentionStart(group: Group, committedMs: number): number | undefined {
  return group instanceof ClassicGroup ? classic.retentionStart(group, committedMs) : committedMs;
}

/** Whether a group has no members and none are joining. */
export function isAbandoned(group: Group): boolean {
  return group.isEmpty && (!(group instanceof ClassicGroup) || group.pendingMembers.size === 0);
}
