/**
 * What an assignor is: the part of a group of the classic protocol that divides partitions among members.
 *
 * Every member names the assignors it knows, in order of preference, and the coordinator picks one that
 * all know. One member, the leader, then runs it for all. So members of different programs can be in one
 * group as long as they know an assignor of the same name, and agree on what `userData` means.
 *
 * @module
 */

import type { TopicPartition } from "../topic_partition.ts";

/** A member of the group whose partitions are assigned. */
export interface AssignorMember {
  /** The id that the coordinator knows it by. */
  readonly memberId: string;
  /** Its `group.instance.id` if it is a static member (KIP-345). */
  readonly groupInstanceId: string | null;
  /** The topics it is subscribed to. */
  readonly topics: readonly string[];
  /** The partitions it holds while it joins; those of a member that gives up all first are none. */
  readonly ownedPartitions: readonly TopicPartition[];
  /** The generation in which it got them, −1 if it does not say. */
  readonly generationId: number;
  /** What its assignor has added to its subscription. */
  readonly userData: Uint8Array | null;
  /** The rack it stands in, if it says so. */
  readonly rackId: string | null;
}

/** A group and the topics it reads. */
export interface AssignorGroup {
  /** The members in the order in which assignors go through them, which is the same for all programs. */
  readonly members: readonly AssignorMember[];
  /** The number of partitions of each topic that exists and that a member is subscribed to. */
  readonly partitionCounts: ReadonlyMap<string, number>;
}

/** What a member got last, for an assignor that wants to tell the leader. */
export interface LastAssignment {
  /** The partitions. */
  readonly partitions: readonly TopicPartition[];
  /** The generation in which it got them, −1 before the first. */
  readonly generationId: number;
}

/** The partitions of each member, by member id. A member left out gets none. */
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
  /** The name that members have to agree on. */
  readonly name: string;
  /**
   * Whether members keep their partitions during a rebalance and give up only those that move (KIP-429).
   * Such an assignor must not give a partition to one member while another still holds it. Default: false.
   */
  readonly cooperative?: boolean;
  /**
   * What to add to this member's subscription, for the leader's assignor.
   *
   * @param last What this member got last.
   */
  userData?(last: LastAssignment): Uint8Array | null;
  /**
   * Assigns the partitions; the leader of the group calls it.
   *
   * @param group The members and the topics.
   */
  assign(group: AssignorGroup): GroupAssignments;
}

/** The assignors that come with the SDK, by the names that Kafka and other clients know them by. */
export type AssignorName =
  | "range"
  | "roundrobin"
  | "sticky"
  | "cooperative-sticky"
  | "RoundRobinAssigner";

/**
 * The order in which assignors go through members: static ones by their instance id, before the others
 * by member id.
 */
export function compareMembers(a: AssignorMember, b: AssignorMember): number {
  if (a.groupInstanceId !== null && b.groupInstanceId !== null) {
    return compareText(a.groupInstanceId, b.groupInstanceId);
  }
  if (a.groupInstanceId !== null) return -1;
  if (b.groupInstanceId !== null) return 1;
  return compareText(a.memberId, b.memberId);
}

/** The partitions of all topics, by topic and number. */
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
