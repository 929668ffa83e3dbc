/**
 * What an admin is asked and answers about groups.
 *
 * @module
 */

import type { OperationOptions } from "../connection/client_core.ts";
import type { BrokerNode } from "../connection/cluster_metadata.ts";
import type { DqueueError } from "../errors.ts";
import type { TopicPartition } from "../topic_partition.ts";
import type { OffsetSpec } from "../consumer/offset_lookup.ts";

/**
 * What a group is doing. `PreparingRebalance` and `CompletingRebalance` are states of the classic
 * protocol, `Assigning` and `Reconciling` of the one of KIP-848; `Unknown` is what a broker does not say.
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

/** The protocol that a group uses; `unknown` if the broker is too old to tell. */
export type GroupType = "classic" | "consumer" | "share" | "streams" | "unknown";

/** Which groups to list. */
export interface ListGroupsOptions extends OperationOptions {
  /** The states wanted; needs brokers of Kafka 2.6 or later. Default: all. */
  readonly states?: readonly Exclude<GroupState, "Unknown">[];
  /** The types wanted; needs brokers of Kafka 3.8 or later. Default: all. */
  readonly types?: readonly Exclude<GroupType, "unknown">[];
}

/** A group in a list. */
export interface GroupListing {
  /** The group's id. */
  readonly groupId: string;
  /** `consumer` for groups of consumers, empty for a group of which there are only offsets. */
  readonly protocolType: string;
  /** What it is doing. */
  readonly state: GroupState;
  /** The protocol it uses. */
  readonly type: GroupType;
}

/** A member of a group. */
export interface GroupMember {
  /** The id that the coordinator knows it by. */
  readonly memberId: string;
  /** Its `group.instance.id` if it is a static member (KIP-345). */
  readonly groupInstanceId: string | null;
  /** What its client calls itself. */
  readonly clientId: string;
  /** Where it connects from. */
  readonly host: string;
  /** The rack it stands in, if it says so. */
  readonly rackId: string | null;
  /** The protocol it uses; in a group of KIP-848 there may be members of both. */
  readonly protocol: "classic" | "consumer";
  /** The topics it is subscribed to, as far as the coordinator tells. */
  readonly topics: readonly string[];
  /** The regular expression of topics it is subscribed to. */
  readonly topicRegex: string | null;
  /** The partitions it holds. */
  readonly assignment: readonly TopicPartition[];
  /** The partitions it shall hold in the end; undefined in groups of the classic protocol. */
  readonly targetAssignment: readonly TopicPartition[] | undefined;
  /** Its epoch; undefined in groups of the classic protocol. */
  readonly memberEpoch: number | undefined;
}

/** A group and its members. */
export interface GroupDescription {
  /** The group's id. */
  readonly groupId: string;
  /** The protocol it uses. */
  readonly type: "classic" | "consumer";
  /** What it is doing. */
  readonly state: GroupState;
  /** `consumer` for groups of consumers. */
  readonly protocolType: string;
  /** How its partitions are assigned; empty if that is not decided. */
  readonly assignor: string;
  /** The broker that coordinates it. */
  readonly coordinator: BrokerNode;
  /** How often its members or subscriptions have changed; undefined in the classic protocol. */
  readonly groupEpoch: number | undefined;
  /** The group epoch that partitions were assigned for; undefined in the classic protocol. */
  readonly assignmentEpoch: number | undefined;
  /** Its members. */
  readonly members: readonly GroupMember[];
}

/** What became of a group that was to be deleted. */
export interface DeleteGroupResult {
  /** The group's id. */
  readonly groupId: string;
  /** Why it was not deleted; undefined if it was. */
  readonly error: DqueueError | undefined;
}

/** An offset that a group has committed: the next one it will read. */
export interface CommittedOffset {
  /** The topic. */
  readonly topic: string;
  /** The partition. */
  readonly partition: number;
  /** The next offset to read; −1 if none was committed. */
  readonly offset: number;
  /** The epoch of the leader of the last message read, −1 if not known. */
  readonly leaderEpoch: number;
  /** The text that was committed with it. */
  readonly metadata: string;
}

/** Which offsets of a group to list. */
export interface ListGroupOffsetsOptions extends OperationOptions {
  /** The partitions; those without a committed offset are listed with −1. Default: all with one. */
  readonly partitions?: readonly TopicPartition[];
}

/** An offset to commit for a group. */
export interface GroupOffset extends TopicPartition {
  /** The next offset to read, 0 or more. */
  readonly offset: number;
  /** The epoch of the leader of the last message read. Default: not known. */
  readonly leaderEpoch?: number;
  /** A text to keep with it. Default: none. */
  readonly metadata?: string;
}

/**
 * Where to set a group: an offset, a place, or so many messages forward, or back, from where it is.
 */
export type GroupOffsetTarget = number | OffsetSpec | { readonly shift: number };

/** How to set a group to another place. */
export interface ResetGroupOffsetsOptions extends OperationOptions {
  /** The partitions. Default: all of the topic. */
  readonly partitions?: readonly number[];
  /** Looks up what would be done and does not do it. Default: false. */
  readonly validateOnly?: boolean;
}

/** Where a group was set to in one partition. */
export interface ResetGroupOffset extends TopicPartition {
  /** What was committed before, −1 if nothing. */
  readonly before: number;
  /** What is committed now, or would be. */
  readonly offset: number;
}
