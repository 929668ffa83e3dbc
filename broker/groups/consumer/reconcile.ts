/**
 * Reconciliation of a member's current assignment with its target, one heartbeat at a time.
 *
 *     stable       holds its target; advances when there is a newer one
 *     unrevoked    holds partitions that it must revoke, and stays in its epoch until a heartbeat
 *                  reports its owned partitions without them
 *     unreleased   is in the target's epoch, and gets the rest of it as other members revoke that
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { ApiError } from "../../api_error.ts";
import {
  type Assignment,
  equal,
  filter,
  includes,
  intersects,
  NOTHING,
  sizeOf,
  union,
} from "./assignment.ts";
import { type ConsumerMember, isReconciled, MemberState } from "./consumer_member.ts";

/** The goal of a reconciliation. */
export interface Reconciliation {
  readonly targetEpoch: number;
  readonly target: Assignment;
  /** Whether the member is subscribed to a topic. */
  isSubscribed(topicId: string): boolean;
  /** Whether no other member holds a partition. */
  isFree(topicId: string, partition: number): boolean;
  /** Whether this heartbeat changed the member's subscription. */
  readonly hasSubscriptionChanged: boolean;
  /** The partitions that the member reports as owned; `null` if it does not report. */
  readonly owned: Assignment | null;
}

/**
 * Advances a member as far as possible.
 *
 * @throws {ApiError} FENCED_MEMBER_EPOCH if the member must rejoin.
 */
export function reconcile(member: ConsumerMember, goal: Reconciliation): ConsumerMember {
  if (!goal.hasSubscriptionChanged && isReconciled(member, goal.targetEpoch)) return member;
  switch (member.state) {
    case MemberState.stable:
      if (member.memberEpoch !== goal.targetEpoch) return advance(member, member.memberEpoch, goal);
      return dropUnsubscribed(member, goal);
    case MemberState.unrevoked:
      if (!stillOwns(member.pendingRevocation, goal)) {
        return advance(member, member.memberEpoch, goal);
      }
      return goal.hasSubscriptionChanged ? dropUnsubscribed(member, goal) : member;
    case MemberState.unreleased:
      return advance(member, member.memberEpoch, goal);
    default:
      // Written by a later version. A member without partitions can start over.
      if (goal.owned === null || sizeOf(goal.owned) > 0) {
        throw new ApiError(ErrorCode.FENCED_MEMBER_EPOCH, "The member's state is not known");
      }
      return advance(member, goal.targetEpoch, goal);
  }
}

/** Whether the member reports any partition that it was asked to revoke. */
function stillOwns(revoked: Assignment, { owned }: Reconciliation): boolean {
  return owned === null || intersects(owned, revoked);
}

/**
 * Revokes topics the member is no longer subscribed to immediately; the next target is computed
 * without them.
 */
function dropUnsubscribed(member: ConsumerMember, goal: Reconciliation): ConsumerMember {
  const dropped = filter(member.assigned, (topicId) => !goal.isSubscribed(topicId));
  if (dropped.size === 0) return member;
  const assigned = filter(member.assigned, (topicId) => goal.isSubscribed(topicId));
  const pendingRevocation = union(member.pendingRevocation, dropped);
  if (!stillOwns(pendingRevocation, goal)) return { ...member, assigned };
  return { ...member, state: MemberState.unrevoked, assigned, pendingRevocation };
}

function advance(member: ConsumerMember, epoch: number, goal: Reconciliation): ConsumerMember {
  const target = filter(goal.target, (topicId) => goal.isSubscribed(topicId));
  const kept = filter(member.assigned, (topicId, p) => includes(target, topicId, p));
  const revoked = filter(member.assigned, (topicId, p) => !includes(kept, topicId, p));
  if (revoked.size > 0 && stillOwns(revoked, goal)) {
    return enter(member, epoch, {
      state: MemberState.unrevoked,
      assigned: kept,
      pendingRevocation: revoked,
    });
  }
  const wanted = filter(target, (topicId, p) => !includes(kept, topicId, p));
  const free = filter(wanted, (topicId, p) => goal.isFree(topicId, p));
  const isComplete = sizeOf(free) === sizeOf(wanted);
  return enter(member, goal.targetEpoch, {
    state: isComplete ? MemberState.stable : MemberState.unreleased,
    assigned: union(kept, free),
    pendingRevocation: NOTHING,
  });
}

/** The member with a new epoch and state, or the same object if unchanged. */
function enter(
  member: ConsumerMember,
  memberEpoch: number,
  held: Pick<ConsumerMember, "state" | "assigned" | "pendingRevocation">,
): ConsumerMember {
  if (memberEpoch !== member.memberEpoch) {
    return { ...member, previousMemberEpoch: member.memberEpoch, memberEpoch, ...held };
  }
  const isSame = held.state === member.state && equal(held.assigned, member.assigned) &&
    equal(held.pendingRevocation, member.pendingRevocation);
  return isSame ? member : { ...member, ...held };
}
