/**
 * A member of a KIP-848 group. Members are values: a change makes a new one.
 *
 * @module
 */

import type { ClassicProtocol } from "../classic/classic_member.ts";
import type { RecordOf } from "../records/group_record.ts";
import { type Assignment, assignmentOf, NOTHING, topicPartitionsOf } from "./assignment.ts";

/** Where a member stands between what it holds and what it shall hold. */
export const MemberState = {
  /** It holds its target. */
  stable: 0,
  /** It must give partitions up before it may go on to the next epoch. */
  unrevoked: 1,
  /** It is in the target's epoch and waits for partitions that others have not yet given up. */
  unreleased: 2,
} as const;

/** The epoch with which a member leaves. */
export const LEAVE_EPOCH = -1;
/** The epoch with which a static member leaves its place open for its next incarnation. */
export const LEAVE_STATIC_EPOCH = -2;

/** What a member has that uses the classic protocol in a KIP-848 group. */
export interface ClassicSide {
  readonly sessionTimeoutMs: number;
  readonly protocols: readonly ClassicProtocol[];
}

/** One member. */
export interface ConsumerMember {
  readonly memberId: string;
  /** The epoch it is in; 0 while it joins, `LEAVE_STATIC_EPOCH` while its place is open. */
  readonly memberEpoch: number;
  readonly previousMemberEpoch: number;
  /** One of `MemberState`, or what a newer program has made of it. */
  readonly state: number;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** How long it may take to give partitions up. */
  readonly rebalanceTimeoutMs: number;
  /** In alphabetical order. */
  readonly subscribedTopicNames: readonly string[];
  /** In RE2's syntax; null for none. */
  readonly subscribedTopicRegex: string | null;
  /** The assignor it would like. */
  readonly serverAssignor: string | null;
  /** Null for a member that uses the KIP-848 protocol. */
  readonly classic: ClassicSide | null;
  /** What it holds, and may go on with. */
  readonly assigned: Assignment;
  /** What it holds, and is asked to give up. */
  readonly pendingRevocation: Assignment;
}

/** A member that nothing is known of yet. */
export function newMember(memberId: string): ConsumerMember {
  return {
    memberId,
    memberEpoch: 0,
    previousMemberEpoch: -1,
    state: MemberState.stable,
    instanceId: null,
    rackId: null,
    clientId: "",
    clientHost: "",
    rebalanceTimeoutMs: -1,
    subscribedTopicNames: [],
    subscribedTopicRegex: null,
    serverAssignor: null,
    classic: null,
    assigned: NOTHING,
    pendingRevocation: NOTHING,
  };
}

/** Whether it holds all that a target of this epoch gives it. */
export function isReconciled(member: ConsumerMember, targetEpoch: number): boolean {
  return member.state === MemberState.stable && member.memberEpoch === targetEpoch;
}

/** Whether two have the same subscription and description; what they hold does not count. */
export function isSameSubscription(a: ConsumerMember, b: ConsumerMember): boolean {
  return a.instanceId === b.instanceId && a.rackId === b.rackId && a.clientId === b.clientId &&
    a.clientHost === b.clientHost && a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.subscribedTopicRegex === b.subscribedTopicRegex && a.serverAssignor === b.serverAssignor &&
    isSameNames(a.subscribedTopicNames, b.subscribedTopicNames) &&
    isSameClassicSide(a.classic, b.classic);
}

/** Whether two lists of topics are the same. */
export function isSameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}

function isSameClassicSide(a: ClassicSide | null, b: ClassicSide | null): boolean {
  if (a === null || b === null) return a === b;
  return a.sessionTimeoutMs === b.sessionTimeoutMs && a.protocols.length === b.protocols.length &&
    a.protocols.every(({ name, metadata }, i) => {
      const other = b.protocols[i]!;
      return name === other.name && metadata.length === other.metadata.length &&
        metadata.every((byte, at) => byte === other.metadata[at]);
    });
}

/** The member with the subscription of a record. */
export function withSubscription(
  member: ConsumerMember,
  value: NonNullable<RecordOf<"consumerMember">["value"]>,
): ConsumerMember {
  const { classicMemberMetadata: classic, subscribedTopicRegex } = value;
  return {
    ...member,
    instanceId: value.instanceId,
    rackId: value.rackId,
    clientId: value.clientId,
    clientHost: value.clientHost,
    rebalanceTimeoutMs: value.rebalanceTimeoutMs,
    subscribedTopicNames: [...value.subscribedTopicNames].sort(),
    subscribedTopicRegex: subscribedTopicRegex === "" ? null : subscribedTopicRegex,
    serverAssignor: value.serverAssignor,
    classic: classic === null ? null : {
      sessionTimeoutMs: classic.sessionTimeoutMs,
      protocols: classic.supportedProtocols.map(({ name, metadata }) => ({
        name,
        metadata: metadata.slice(),
      })),
    },
  };
}

/** The member with the epoch and partitions of a record. */
export function withCurrentAssignment(
  member: ConsumerMember,
  value: NonNullable<RecordOf<"consumerCurrentMember">["value"]>,
): ConsumerMember {
  return {
    ...member,
    memberEpoch: value.memberEpoch,
    previousMemberEpoch: value.previousMemberEpoch,
    state: value.state,
    assigned: assignmentOf(value.assignedPartitions),
    pendingRevocation: assignmentOf(value.partitionsPendingRevocation),
  };
}

/** The record of a member's subscription. */
export function subscriptionRecord(
  groupId: string,
  member: ConsumerMember,
): RecordOf<"consumerMember"> {
  const { classic } = member;
  return {
    kind: "consumerMember",
    key: { groupId, memberId: member.memberId },
    value: {
      instanceId: member.instanceId,
      rackId: member.rackId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: [...member.subscribedTopicNames],
      subscribedTopicRegex: member.subscribedTopicRegex,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      serverAssignor: member.serverAssignor,
      classicMemberMetadata: classic === null ? null : {
        sessionTimeoutMs: classic.sessionTimeoutMs,
        supportedProtocols: [...classic.protocols],
      },
    },
  };
}

/** The record of what a member holds. */
export function currentRecord(
  groupId: string,
  member: ConsumerMember,
): RecordOf<"consumerCurrentMember"> {
  return {
    kind: "consumerCurrentMember",
    key: { groupId, memberId: member.memberId },
    value: {
      memberEpoch: member.memberEpoch,
      previousMemberEpoch: member.previousMemberEpoch,
      state: member.state,
      assignedPartitions: topicPartitionsOf(member.assigned),
      partitionsPendingRevocation: topicPartitionsOf(member.pendingRevocation),
    },
  };
}
