/**
 * Subscriptions and assignments of consumer groups, with flat lists of partitions where the wire
 * format groups them by topic.
 *
 * @module
 */

import * as wire from "../../../protocol/consumer_protocol.ts";
import type { TopicPartition } from "../../topic_partition.ts";

/** The subscription of a member. */
export interface MemberSubscription {
  /** The topics. */
  readonly topics: readonly string[];
  /** The data added by its assignor. */
  readonly userData: Uint8Array | null;
  /** The partitions it owns while it joins. */
  readonly ownedPartitions: readonly TopicPartition[];
  /** The generation in which it got them; −1 if unknown. */
  readonly generationId: number;
  /** Its rack. */
  readonly rackId: string | null;
}

/** Encodes a subscription in the latest version. */
export function encodeSubscription(subscription: MemberSubscription): Uint8Array {
  const { ownedPartitions, ...rest } = subscription;
  return wire.encodeSubscription({ ...rest, ownedPartitions: byTopic(ownedPartitions) });
}

/**
 * Decodes a subscription of any version.
 *
 * @throws {MalformedMessageError} If the bytes are not a valid subscription.
 */
export function decodeSubscription(metadata: Uint8Array): MemberSubscription {
  const { ownedPartitions, ...rest } = wire.decodeSubscription(metadata);
  return { ...rest, ownedPartitions: flat(ownedPartitions) };
}

/** Encodes an assignment. */
export function encodeAssignment(
  partitions: readonly TopicPartition[],
  userData: Uint8Array | null = null,
): Uint8Array {
  return wire.encodeAssignment({ assignedPartitions: byTopic(partitions), userData }, 0);
}

/**
 * Decodes an assignment; one without bytes is empty.
 *
 * @throws {MalformedMessageError} If the bytes are not a valid assignment.
 */
export function decodeAssignment(
  assignment: Uint8Array,
): { readonly partitions: TopicPartition[]; readonly userData: Uint8Array | null } {
  const { assignedPartitions, userData } = wire.decodeAssignment(assignment);
  return { partitions: flat(assignedPartitions), userData };
}

function byTopic(
  partitions: readonly TopicPartition[],
): { topic: string; partitions: number[] }[] {
  return Array.from(
    Map.groupBy(partitions, ({ topic }) => topic),
    ([topic, group]) => ({ topic, partitions: group.map(({ partition }) => partition) }),
  );
}

function flat(
  topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
): TopicPartition[] {
  return topics.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition }))
  );
}
