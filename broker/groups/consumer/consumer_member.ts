/**
 * A member of a KIP-848 group. Members are immutable: a change creates a new object.
 *
 * @module
 */

import type { ClassicProtocol } from "../classic/classic_member.ts";
import type { RecordOf } from "../records/group_record.ts";
import { type Assignment, assignmentOf, NOTHING, topicPartitionsOf } from "./assignment.ts";

/** The progress of a member towards its target. */
export const MemberState = {
  /** It holds its target. */
  stable: 0,
  /** It must revoke partitions before it can advance to the next epoch. */
  unrevoked: 1,
  /** It is in the target's epoch and waits for partitions held by others. */
  unreleased: 2,
} as const;

/** The epoch with which a member leaves. */
export const LEAVE_EPOCH = -1;
/** The epoch with which a static member leaves temporarily, to return later. */
export const LEAVE_STATIC_EPOCH = -2;

/** Additional state of a member that uses the classic protocol. */
export interface ClassicSide {
  readonly sessionTimeoutMs: number;
  readonly protocols: readonly ClassicProtocol[];
}

/** A member. */
export interface ConsumerMember {
  readonly memberId: string;
  /** The member's epoch; 0 while it joins, `LEAVE_STATIC_EPOCH` while it has left temporarily. */
  readonly memberEpoch: number;
  readonly previousMemberEpoch: number;
  /** One of `MemberState`, or an unknown value of a later version. */
  readonly state: number;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** Time limit for revoking partitions. */
  readonly rebalanceTimeoutMs: number;
  /** In alphabetical order. */
  readonly subscribedTopicNames: readonly string[];
  /** In RE2 syntax; `null` for none. */
  readonly subscribedTopicRegex: string | null;
  /** The member's preferred assignor. */
  readonly serverAssignor: string | null;
  /** `null` for a member that uses the KIP-848 protocol. */
  readonly classic: ClassicSide | null;
  /** Partitions that it holds and keeps. */
  readonly assigned: Assignment;
  /** Partitions that it holds and must revoke. */
  readonly pendingRevocation: Assignment;
}

/** A member without any state. */
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

/** Whether the member holds its full target of this epoch. */
export function isReconciled(member: ConsumerMember, targetEpoch: number): boolean {
  return member.state === MemberState.stable && member.memberEpoch === targetEpoch;
}

/** Whether two members have the same subscription and description, apart from partitions. */
export function isSameSubscription(a: ConsumerMember, b: ConsumerMember): boolean {
  return a.instanceId === b.instanceId && a.rackId === b.rackId && a.clientId === b.clientId &&
    a.clientHost === b.clientHost && a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.subscribedTopicRegex === b.subscribedTopicRegex && a.serverAssignor === b.serverAssignor &&
    isSameNames(a.subscribedTopicNames, b.subscribedTopicNames) &&
    isSameClassicSide(a.classic, b.classic);
}

/** Whether two lists of topics are equal. */
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

/** Returns the member with the subscription of a record. */
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

/** Returns the member with the epoch and partitions of a record. */
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

/** Creates the record of a member's subscription. */
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

/** Creates the record of a member's current assignment. */
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
