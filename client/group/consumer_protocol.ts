/**
 * Subscriptions and assignments of consumer groups as this client's parts use them: by partition, where
 * the wire has lists by topic.
 *
 * @module
 */

import * as wire from "../../protocol/consumer_protocol.ts";
import type { TopicPartition } from "../topic_partition.ts";

/** What a member tells when it joins. */
export interface MemberSubscription {
  /** The topics it wants to read. */
  readonly topics: readonly string[];
  /** What its assignor adds. */
  readonly userData: Uint8Array | null;
  /** The partitions it holds while it joins. */
  readonly ownedPartitions: readonly TopicPartition[];
  /** The generation in which it got them, −1 if it does not say. */
  readonly generationId: number;
  /** The rack it stands in. */
  readonly rackId: string | null;
}

/** Writes a subscription in the latest version. */
export function encodeSubscription(subscription: MemberSubscription): Uint8Array {
  const { ownedPartitions, ...rest } = subscription;
  return wire.encodeSubscription({ ...rest, ownedPartitions: byTopic(ownedPartitions) });
}

/**
 * Reads a subscription of any version.
 *
 * @throws {MalformedMessageError} If its bytes do not form one.
 */
export function decodeSubscription(metadata: Uint8Array): MemberSubscription {
  const { ownedPartitions, ...rest } = wire.decodeSubscription(metadata);
  return { ...rest, ownedPartitions: flat(ownedPartitions) };
}

/** Writes an assignment. */
export function encodeAssignment(
  partitions: readonly TopicPartition[],
  userData: Uint8Array | null = null,
): Uint8Array {
  return wire.encodeAssignment({ assignedPartitions: byTopic(partitions), userData }, 0);
}

/**
 * Reads an assignment; one of no bytes assigns nothing.
 *
 * @throws {MalformedMessageError} If its bytes do not form one.
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
