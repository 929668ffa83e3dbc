/**
 * The embedded protocol of consumer groups: what members of a classic group of protocol type
 * `consumer` tell each other through the coordinator.
 *
 *     subscription   int16 version, topics, user data; from version 1 the partitions held, from 2 the
 *                    generation they were held in (KIP-792), from 3 the rack (KIP-881)
 *     assignment     int16 version, partitions by topic, user data
 *
 * Version 0 begins every later one. Some clients name a later version and leave its additions out, so
 * what is missing at the end counts as not given.
 *
 * @module
 */

import { codec } from "../protocol/codec.ts";
import { MalformedMessageError, Reader } from "../protocol/reader.ts";
import { array, bytes, int32, message, string } from "../protocol/schema.ts";
import { Writer } from "../protocol/writer.ts";
import type { TopicPartition } from "./topic_partition.ts";

/** The protocol type of consumer groups. */
export const CONSUMER_PROTOCOL_TYPE = "consumer";

const subscriptionMessage = message("ConsumerProtocolSubscription", "0-3", "none", {
  topics: array(string("0+"), "0+"),
  userData: bytes("0+", { nullable: "0+", default: null }),
  ownedPartitions: array(
    { topic: string("1+"), partitions: array(int32("1+"), "1+") },
    "1+",
    { default: [], ignorable: true },
  ),
  generationId: int32("2+", { default: -1, ignorable: true }),
  rackId: string("3+", { nullable: "3+", default: null, ignorable: true }),
});

const assignmentMessage = message("ConsumerProtocolAssignment", "0-3", "none", {
  assignedPartitions: array(
    { topic: string("0+"), partitions: array(int32("0+"), "0+") },
    "0+",
  ),
  userData: bytes("0+", { nullable: "0+", default: null }),
});

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
  const { version, ...rest } = { version: subscriptionMessage.versions.max, ...subscription };
  const writer = new Writer();
  writer.int16(version);
  codec(subscriptionMessage, version).encode(writer, {
    ...rest,
    ownedPartitions: byTopic(subscription.ownedPartitions),
  });
  return writer.takeBytes();
}

/**
 * Reads a subscription of any version.
 *
 * @throws {MalformedMessageError} If its bytes do not form one.
 */
export function decodeSubscription(metadata: Uint8Array): MemberSubscription {
  let version = Math.min(versionOf(metadata, "subscription"), subscriptionMessage.versions.max);
  for (;; version--) {
    try {
      const decoded = codec(subscriptionMessage, version).decode(body(metadata));
      return { ...decoded, ownedPartitions: flat(decoded.ownedPartitions) };
    } catch (error) {
      if (!(error instanceof MalformedMessageError) || version === 0) throw error;
    }
  }
}

/** Writes an assignment; all versions are alike. */
export function encodeAssignment(
  partitions: readonly TopicPartition[],
  userData: Uint8Array | null = null,
): Uint8Array {
  const writer = new Writer();
  writer.int16(0);
  codec(assignmentMessage, 0).encode(writer, { assignedPartitions: byTopic(partitions), userData });
  return writer.takeBytes();
}

/**
 * Reads an assignment; one of no bytes assigns nothing.
 *
 * @throws {MalformedMessageError} If its bytes do not form one.
 */
export function decodeAssignment(
  assignment: Uint8Array,
): { readonly partitions: TopicPartition[]; readonly userData: Uint8Array | null } {
  if (assignment.length === 0) return { partitions: [], userData: null };
  versionOf(assignment, "assignment");
  const { assignedPartitions, userData } = codec(assignmentMessage, 0).decode(body(assignment));
  return { partitions: flat(assignedPartitions), userData };
}

function versionOf(bytes: Uint8Array, what: string): number {
  const version = new Reader(bytes).int16();
  if (version < 0) {
    throw new MalformedMessageError(`Cannot read ${what}: its version is ${version}`);
  }
  return version;
}

function body(bytes: Uint8Array): Reader {
  const reader = new Reader(bytes);
  reader.int16();
  return reader;
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
