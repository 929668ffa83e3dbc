/**
 * The embedded protocol of consumer groups: the data that members of a classic group with protocol
 * type `consumer` exchange through the coordinator.
 *
 *     subscription   int16 version, topics, user data; from version 1 the partitions held, from 2 the
 *                    generation they were held in (KIP-792), from 3 the rack (KIP-881)
 *     assignment     int16 version, partitions by topic, user data
 *
 * The coordinator treats both as opaque, except to find out which topics a group reads and to
 * migrate a group to KIP-848. Every later version begins with version 0. Some clients state a later
 * version but omit its additions, so fields missing at the end are treated as not given.
 *
 * @module
 */

import { codec } from "./schema/codec.ts";
import { MalformedMessageError, Reader } from "./primitives/reader.ts";
import {
  array,
  bytes,
  type Decoded,
  type Encodable,
  int32,
  message,
  string,
} from "./schema/schema.ts";
import { Writer } from "./primitives/writer.ts";

/** The protocol type of consumer groups. */
export const CONSUMER_PROTOCOL_TYPE = "consumer";

/** Subscription sent by a member when it joins. */
export const consumerProtocolSubscription = message("ConsumerProtocolSubscription", "0-3", "none", {
  topics: array(string()),
  userData: bytes({ nullable: "0+", default: null }),
  ownedPartitions: array("1+", { topic: string(), partitions: array(int32()) }, {
    default: [],
    ignorable: true,
  }),
  generationId: int32("2+", { default: -1, ignorable: true }),
  rackId: string("3+", { nullable: "3+", default: null, ignorable: true }),
});

/** Assignment of a member. */
export const consumerProtocolAssignment = message("ConsumerProtocolAssignment", "0-3", "none", {
  assignedPartitions: array({ topic: string(), partitions: array(int32()) }),
  userData: bytes({ nullable: "0+", default: null }),
});

/** A decoded subscription of any version. */
export type ConsumerProtocolSubscription = Decoded<typeof consumerProtocolSubscription>;
/** A decoded assignment of any version. */
export type ConsumerProtocolAssignment = Decoded<typeof consumerProtocolAssignment>;

/** Maximum number of topics and partitions of one member; they are decoded without a pause. */
const MAX_ELEMENTS = 100_000;

/** Topic names in a subscription of any version. */
export function subscribedTopics(metadata: Uint8Array): readonly string[] {
  const reader = new Reader(metadata, MAX_ELEMENTS);
  checkVersion(reader.int16(), "subscription");
  return codec(consumerProtocolSubscription, 0).decode(reader).topics;
}

/**
 * Decodes a subscription.
 *
 * @throws {MalformedMessageError} If the bytes are not a subscription.
 */
export function decodeSubscription(metadata: Uint8Array): ConsumerProtocolSubscription {
  let version = versionOf(metadata);
  for (;; version--) {
    try {
      const reader = new Reader(metadata, MAX_ELEMENTS);
      reader.int16();
      return codec(consumerProtocolSubscription, version).decode(reader);
    } catch (error) {
      if (!(error instanceof MalformedMessageError) || version === 0) throw error;
    }
  }
}

/** Encodes a subscription in the latest version. */
export function encodeSubscription(
  subscription: Encodable<typeof consumerProtocolSubscription>,
): Uint8Array {
  const version = consumerProtocolSubscription.versions.max;
  const writer = new Writer();
  writer.int16(version);
  codec(consumerProtocolSubscription, version).encode(writer, subscription);
  return writer.takeBytes();
}

/** Version of a subscription, at most the latest known one. */
export function versionOf(metadata: Uint8Array): number {
  const version = checkVersion(new Reader(metadata).int16(), "subscription");
  return Math.min(version, consumerProtocolSubscription.versions.max);
}

/**
 * Decodes an assignment; one without bytes assigns nothing.
 *
 * @throws {MalformedMessageError} If the bytes are not an assignment.
 */
export function decodeAssignment(assignment: Uint8Array): ConsumerProtocolAssignment {
  if (assignment.length === 0) return { assignedPartitions: [], userData: null };
  const reader = new Reader(assignment, MAX_ELEMENTS);
  checkVersion(reader.int16(), "assignment");
  return codec(consumerProtocolAssignment, 0).decode(reader);
}

/**
 * Encodes an assignment. All versions have the same fields; a member gets the version of its
 * subscription.
 */
export function encodeAssignment(
  assignment: Encodable<typeof consumerProtocolAssignment>,
  version: number,
): Uint8Array {
  const writer = new Writer();
  writer.int16(version);
  codec(consumerProtocolAssignment, version).encode(writer, assignment);
  return writer.takeBytes();
}

function checkVersion(version: number, what: string): number {
  if (version < 0) {
    throw new MalformedMessageError(`Cannot read ${what}: version is ${version}`);
  }
  return version;
}
