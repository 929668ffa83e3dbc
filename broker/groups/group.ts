/**
 * A group of either protocol, and what can be asked of both.
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

/** Whether a commit is accepted; the error if not. */
export function validateCommit(group: Group, committer: Committer, apiVersion: number): number {
  return group instanceof ClassicGroup
    ? classic.validateCommit(group, committer)
    : consumer.validateCommit(group, committer, apiVersion);
}

/** Whether a committer that is accepted may commit this very partition; the error if not. */
export function refusalOf(
  group: Group,
  committer: Committer,
  topicId: string | undefined,
  partition: number,
): number {
  if (group instanceof ClassicGroup || topicId === undefined) return ErrorCode.NONE;
  return consumer.refusalOf(group, committer, topicId, partition);
}

/** Whether somebody may see a group's offsets; the error if not. */
export function validateFetch(group: Group, memberId: string | null, memberEpoch: number): number {
  if (group instanceof ClassicGroup) return ErrorCode.NONE;
  return consumer.validateFetch(group, memberId, memberEpoch);
}

/** Whether offsets may be deleted; the error if not. */
export function validateOffsetDelete(group: Group): number {
  return group instanceof ClassicGroup ? classic.validateOffsetDelete(group) : ErrorCode.NONE;
}

/** Whether a group may be deleted; the error if not. */
export function validateDelete(group: Group): number {
  if (group instanceof ClassicGroup) return classic.validateDelete(group);
  return group.isEmpty ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP;
}

/**
 * From when on the retention of an offset counts that was committed at `committedMs`; undefined while
 * the group is in use in a way that keeps all offsets.
 */
export function retentionStart(group: Group, committedMs: number): number | undefined {
  return group instanceof ClassicGroup ? classic.retentionStart(group, committedMs) : committedMs;
}

/** Whether nobody uses a group or is about to. */
export function isAbandoned(group: Group): boolean {
  return group.isEmpty && (!(group instanceof ClassicGroup) || group.pendingMembers.size === 0);
}
