/**
 * Arguments and results of the admin about groups.
 *
 * @module
 */

import type { OperationOptions } from "../connection/client_core.ts";
import type { BrokerNode } from "../connection/cluster_metadata.ts";
import type { DqueueError } from "../errors.ts";
import type { TopicPartition } from "../topic_partition.ts";
import type { OffsetSpec } from "../consumer/offset_lookup.ts";

/**
 * The state of a group. `PreparingRebalance` and `CompletingRebalance` are states of the classic
 * protocol, `Assigning` and `Reconciling` of the consumer protocol; `Unknown` means that the broker
 * does not return it.
 */
export type GroupState =
  | "Empty"
  | "PreparingRebalance"
  | "CompletingRebalance"
  | "Assigning"
  | "Reconciling"
  | "Stable"
  | "Dead"
  | "Unknown";

/** The type of a group; `unknown` if the broker is too old to return it. */
export type GroupType = "classic" | "consumer" | "share" | "streams" | "unknown";

/** Which groups to list. */
export interface ListGroupsOptions extends OperationOptions {
  /** The states to include; requires Kafka 2.6 or later. Default: all. */
  readonly states?: readonly Exclude<GroupState, "Unknown">[];
  /** The types to include; requires Kafka 3.8 or later. Default: all. */
  readonly types?: readonly Exclude<GroupType, "unknown">[];
}

/** A group in a list. */
export interface GroupListing {
  /** The group id. */
  readonly groupId: string;
  /** `consumer` for consumer groups; empty for a group that has only committed offsets. */
  readonly protocolType: string;
  /** Its state. */
  readonly state: GroupState;
  /** Its type. */
  readonly type: GroupType;
}

/** A member of a group. */
export interface GroupMember {
  /** The member id. */
  readonly memberId: string;
  /** Its `group.instance.id` if it is a static member (KIP-345). */
  readonly groupInstanceId: string | null;
  /** The client id. */
  readonly clientId: string;
  /** The host it connects from. */
  readonly host: string;
  /** Its rack, if it has one. */
  readonly rackId: string | null;
  /** Its protocol; a KIP-848 group may have members of both. */
  readonly protocol: "classic" | "consumer";
  /** The subscribed topics, if the coordinator returns them. */
  readonly topics: readonly string[];
  /** The subscribed regular expression. */
  readonly topicRegex: string | null;
  /** The partitions it owns. */
  readonly assignment: readonly TopicPartition[];
  /** The partitions it is to own after reconciliation; undefined in classic groups. */
  readonly targetAssignment: readonly TopicPartition[] | undefined;
  /** Its member epoch; undefined in classic groups. */
  readonly memberEpoch: number | undefined;
}

/** A group and its members. */
export interface GroupDescription {
  /** The group id. */
  readonly groupId: string;
  /** Its type. */
  readonly type: "classic" | "consumer";
  /** Its state. */
  readonly state: GroupState;
  /** `consumer` for consumer groups. */
  readonly protocolType: string;
  /** The assignor; empty if it is not decided yet. */
  readonly assignor: string;
  /** The coordinator. */
  readonly coordinator: BrokerNode;
  /** The group epoch; undefined in classic groups. */
  readonly groupEpoch: number | undefined;
  /** The group epoch of the current target assignment; undefined in classic groups. */
  readonly assignmentEpoch: number | undefined;
  /** Its members. */
  readonly members: readonly GroupMember[];
}

/** The result of deleting a group. */
export interface DeleteGroupResult {
  /** The group id. */
  readonly groupId: string;
  /** Why it was not deleted; undefined if it was. */
  readonly error: DqueueError | undefined;
}

/** A committed offset of a group. */
export interface CommittedOffset {
  /** The topic. */
  readonly topic: string;
  /** The partition. */
  readonly partition: number;
  /** The next offset to read; −1 if none is committed. */
  readonly offset: number;
  /** The leader epoch of the last message read; −1 if unknown. */
  readonly leaderEpoch: number;
  /** The metadata committed with it. */
  readonly metadata: string;
}

/** Which committed offsets to list. */
export interface ListGroupOffsetsOptions extends OperationOptions {
  /**
   * The partitions; those without a committed offset are listed with −1. Default: all that have
   * one.
   */
  readonly partitions?: readonly TopicPartition[];
}

/** An offset to commit for a group. */
export interface GroupOffset extends TopicPartition {
  /** The next offset to read, 0 or more. */
  readonly offset: number;
  /** The leader epoch of the last message read. Default: unknown. */
  readonly leaderEpoch?: number;
  /** A text to store with the offset. Default: none. */
  readonly metadata?: string;
}

/** Where to reset a group to: an offset, a place, or a shift from the current offset. */
export type GroupOffsetTarget = number | OffsetSpec | { readonly shift: number };

/** Options of resetting a group. */
export interface ResetGroupOffsetsOptions extends OperationOptions {
  /** The partitions. Default: all of the topic. */
  readonly partitions?: readonly number[];
  /** Whether to return the changes without carrying them out. Default: false. */
  readonly validateOnly?: boolean;
}

/** The change of the committed offset of one partition. */
export interface ResetGroupOffset extends TopicPartition {
  /** The previous committed offset; −1 if there was none. */
  readonly before: number;
  /** The new committed offset. */
  readonly offset: number;
}
