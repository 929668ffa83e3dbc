/**
 * Assignors: they divide the partitions of a classic group among its members.
 *
 * Every member lists the assignors it supports, in order of preference, and the coordinator picks
 * one that all support. The leader of the group runs it for all members. Members of different
 * programs can be in one group if they support an assignor of the same name and agree on the
 * meaning of `userData`.
 *
 * @module
 */

import type { TopicPartition } from "../topic_partition.ts";

/** A member of the group, as seen by an assignor. */
export interface AssignorMember {
  /** The member id. */
  readonly memberId: string;
  /** Its `group.instance.id` if it is a static member (KIP-345). */
  readonly groupInstanceId: string | null;
  /** The subscribed topics. */
  readonly topics: readonly string[];
  /** The partitions it owns while it joins; empty for a member that revokes all of them first. */
  readonly ownedPartitions: readonly TopicPartition[];
  /** The generation in which it got them; −1 if unknown. */
  readonly generationId: number;
  /** The data its assignor has added to its subscription. */
  readonly userData: Uint8Array | null;
  /** Its rack, if it has one. */
  readonly rackId: string | null;
}

/** The group and its topics, as seen by an assignor. */
export interface AssignorGroup {
  /**
   * The members in the order in which assignors process them, which is the same in all programs.
   */
  readonly members: readonly AssignorMember[];
  /** The number of partitions of each existing topic that a member is subscribed to. */
  readonly partitionCounts: ReadonlyMap<string, number>;
}

/** The last assignment of a member, from which an assignor can make user data. */
export interface LastAssignment {
  /** The partitions. */
  readonly partitions: readonly TopicPartition[];
  /** The generation in which it got them; −1 before the first. */
  readonly generationId: number;
}

/** The partitions of each member, by member id. Members that are missing get none. */
export type GroupAssignments = ReadonlyMap<string, readonly TopicPartition[]>;

/**
 * Divides the partitions of a group among its members.
 *
 * @example One member reads everything, the others stand by
 * ```ts
 * import type { Assignor } from "@dqueue/dqueue/client";
 *
 * const oneReader: Assignor = {
 *   name: "one-reader",
 *   assign({ members, partitionCounts }) {
 *     const partitions = [...partitionCounts].flatMap(([topic, count]) =>
 *       Array.from({ length: count }, (_, partition) => ({ topic, partition }))
 *     );
 *     return new Map([[members[0]!.memberId, partitions]]);
 *   },
 * };
 * ```
 */
export interface Assignor {
  /** The name, which all members have to agree on. */
  readonly name: string;
  /**
   * Whether members keep their partitions during a rebalance and revoke only those that move
   * (KIP-429). Such an assignor must not assign a partition while another member owns it. Default:
   * false.
   */
  readonly cooperative?: boolean;
  /**
   * Returns user data for this member's subscription, for the assignor of the leader.
   *
   * @param last This member's last assignment.
   */
  userData?(last: LastAssignment): Uint8Array | null;
  /**
   * Assigns the partitions; called on the leader of the group.
   *
   * @param group The members and the topics.
   */
  assign(group: AssignorGroup): GroupAssignments;
}

/** The built-in assignors, by the names that Kafka and other clients use. */
export type AssignorName =
  | "range"
  | "roundrobin"
  | "sticky"
  | "cooperative-sticky"
  | "RoundRobinAssigner";

/**
 * The order in which assignors process members: static members by instance id, then the others by
 * member id.
 */
export function compareMembers(a: AssignorMember, b: AssignorMember): number {
  if (a.groupInstanceId !== null && b.groupInstanceId !== null) {
    return compareText(a.groupInstanceId, b.groupInstanceId);
  }
  if (a.groupInstanceId !== null) return -1;
  if (b.groupInstanceId !== null) return 1;
  return compareText(a.memberId, b.memberId);
}

/** All partitions, sorted by topic and partition. */
export function allPartitions({ partitionCounts }: AssignorGroup): TopicPartition[] {
  return [...partitionCounts]
    .sort(([a], [b]) => compareText(a, b))
    .flatMap(([topic, count]) =>
      Array.from({ length: count }, (_, partition) => ({ topic, partition }))
    );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
