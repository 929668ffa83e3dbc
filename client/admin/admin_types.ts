/**
 * Arguments and results of the admin.
 *
 * @module
 */

import type { OperationOptions } from "../connection/client_core.ts";
import type { BrokerNode, PartitionMetadata } from "../connection/cluster_metadata.ts";
import type { DqueueError } from "../errors.ts";
import type { IsolationOptions } from "../consumer/offset_lookup.ts";

/** A config value. Numbers and booleans are sent as text; null means the default. */
export type ConfigValue = string | number | boolean | null;

/** A topic to create. */
export interface NewTopic {
  /** Its name: letters, digits, `.`, `_` and `-`, at most 249. */
  readonly name: string;
  /** The number of partitions. Default: the broker's `num.partitions`. */
  readonly partitions?: number;
  /** The replication factor. Default: the broker's `default.replication.factor`. */
  readonly replicas?: number;
  /** The brokers that hold each partition, instead of `partitions` and `replicas`. */
  readonly assignments?: readonly (readonly number[])[];
  /** Configs that differ from the broker's defaults, such as `{ "retention.ms": 3600000 }`. */
  readonly configs?: { readonly [name: string]: ConfigValue };
}

/** Options of operations that change something. */
export interface ChangeOptions extends OperationOptions {
  /** Whether to validate the request without carrying it out. Default: false. */
  readonly validateOnly?: boolean;
}

/** A topic that was created. */
export interface CreatedTopic {
  /** Its name. */
  readonly name: string;
  /** Its id; all zeros if the broker is too old to return it. */
  readonly id: string;
  /** The number of partitions; −1 if the broker is too old to return it. */
  readonly partitions: number;
  /** The replication factor; −1 if the broker is too old to return it. */
  readonly replicas: number;
}

/** The result for one topic of several to create. */
export interface CreateTopicResult {
  /** The name of the topic. */
  readonly name: string;
  /** The topic; undefined if it was not created. */
  readonly topic: CreatedTopic | undefined;
  /** Why the topic was not created; undefined if it was. */
  readonly error: DqueueError | undefined;
}

/** The result for one topic of several to delete. */
export interface DeleteTopicResult {
  /** The name of the topic. */
  readonly name: string;
  /** Why the topic was not deleted; undefined if it was. */
  readonly error: DqueueError | undefined;
}

/** Which topics to list. */
export interface ListTopicsOptions extends OperationOptions {
  /** Whether to include internal topics. Default: false. */
  readonly internal?: boolean;
}

/** A topic in a list. */
export interface TopicListing {
  /** Its name. */
  readonly name: string;
  /** Its id; all zeros if the broker is too old to return it. */
  readonly id: string;
  /** Whether it is an internal topic. */
  readonly isInternal: boolean;
  /** The number of partitions. */
  readonly partitions: number;
  /** The replication factor of its first partition. */
  readonly replicas: number;
}

/** A topic with its partitions. */
export interface TopicDescription {
  /** Its name. */
  readonly name: string;
  /** Its id; all zeros if the broker is too old to return it. */
  readonly id: string;
  /** Whether it is an internal topic. */
  readonly isInternal: boolean;
  /** Its partitions, indexed by partition number. */
  readonly partitions: readonly PartitionMetadata[];
}

/** Options of adding partitions. */
export interface CreatePartitionsOptions extends ChangeOptions {
  /** The brokers that hold each new partition. Default: chosen by the cluster. */
  readonly assignments?: readonly (readonly number[])[];
}

/** What configs belong to. The name of a broker is its node id; an empty name means all brokers. */
export interface ConfigResource {
  /** The kind of resource. */
  readonly type: "topic" | "broker" | "brokerLogger" | "clientMetrics" | "group";
  /** Its name. */
  readonly name: string;
}

/** Which configs to describe, and in how much detail. */
export interface DescribeConfigsOptions extends OperationOptions {
  /** The names of the configs. Default: all. */
  readonly names?: readonly string[];
  /** Whether to return the synonyms of each config. Default: false. */
  readonly synonyms?: boolean;
  /** Whether to return the documentation of each config. Default: false. */
  readonly documentation?: boolean;
}

/** The source of a config value, from highest to lowest precedence. */
export type ConfigSource =
  | "topic"
  | "group"
  | "clientMetrics"
  | "dynamicBrokerLogger"
  | "dynamicBroker"
  | "dynamicDefaultBroker"
  | "staticBroker"
  | "default"
  | "unknown";

/** The type of a config value. */
export type ConfigType =
  | "boolean"
  | "string"
  | "int"
  | "short"
  | "long"
  | "double"
  | "list"
  | "class"
  | "password"
  | "unknown";

/** One of the places a config can be set, with its value there. */
export interface ConfigSynonym {
  /** The name of the config there. */
  readonly name: string;
  /** The value; null if it is sensitive or not set. */
  readonly value: string | null;
  /** The place. */
  readonly source: ConfigSource;
}

/** A config and its value. */
export interface ConfigEntry {
  /** The name of the config. */
  readonly name: string;
  /** Its value; null if it is sensitive or not set. */
  readonly value: string | null;
  /** The source of the value. */
  readonly source: ConfigSource;
  /** Whether it can be changed only by restarting the broker. */
  readonly isReadOnly: boolean;
  /** Whether the value is sensitive. */
  readonly isSensitive: boolean;
  /** The type of the value. */
  readonly type: ConfigType;
  /** All values of the config, the effective one first; empty unless `synonyms` is set. */
  readonly synonyms: readonly ConfigSynonym[];
  /** What the config does; null unless `documentation` is set. */
  readonly documentation: string | null;
}

/** A change of a config: a value to set, null to reset it to its default, or a change of a list. */
export type ConfigChange =
  | ConfigValue
  | { readonly append: string }
  | { readonly subtract: string };

/** Which offsets to list. "latest" is the high watermark or the last stable offset, by `isolation`. */
export interface ListOffsetsOptions extends OperationOptions, IsolationOptions {
  /** The partitions. Default: all. */
  readonly partitions?: readonly number[];
}

/** The result of deleting records of one partition. */
export interface DeletedRecords {
  /** The topic. */
  readonly topic: string;
  /** The partition. */
  readonly partition: number;
  /** The low watermark: the first offset that remains. */
  readonly lowWatermark: number;
}

/** A cluster and its brokers. */
export interface ClusterDescription {
  /** The id of the cluster; null if the broker is too old to return it. */
  readonly clusterId: string | null;
  /** The node id of the controller; −1 if there is none. */
  readonly controllerId: number;
  /** The live brokers, sorted by node id. */
  readonly brokers: readonly BrokerNode[];
  /**
   * The brokers that are registered but serve nobody, sorted by node id, if they were asked for; always
   * empty from brokers before Kafka 4.0.
   */
  readonly fencedBrokers: readonly BrokerNode[];
}

/** How to describe a cluster. */
export interface DescribeClusterOptions extends OperationOptions {
  /** Whether to return fenced brokers (KIP-1073). Default: false. */
  readonly includeFencedBrokers?: boolean;
}

/** How to elect leaders. */
export interface ElectLeadersOptions extends OperationOptions {
  /**
   * `preferred` elects the first replica if it is in sync. `unclean` gives a partition without a leader
   * one that may lack committed messages, which are then lost. Default: `preferred`.
   */
  readonly type?: "preferred" | "unclean";
}

/** The end of a broker's replica of a partition. */
export interface ReplicaEnd {
  /** The topic's name. */
  readonly topic: string;
  /** The partition's index. */
  readonly partition: number;
  /** Id of the broker that has the replica. */
  readonly brokerId: number;
  /** The leader epoch of the last record; -1 if there is none. */
  readonly leaderEpoch: number;
  /** The offset after the last record. */
  readonly logEndOffset: number;
}

/** The replicas that a partition should have. */
export interface ReplicaPlan {
  /** The topic. */
  readonly topic: string;
  /** The partition. */
  readonly partition: number;
  /** The node ids of the brokers, the preferred leader first; null to cancel a reassignment. */
  readonly replicas: readonly number[] | null;
}

/** How to reassign partitions. */
export interface ReassignPartitionsOptions extends OperationOptions {
  /** Whether the number of replicas may change (KIP-860). Default: true. */
  readonly allowReplicationFactorChange?: boolean;
}

/** The result for a partition. */
export interface PartitionResult {
  /** The topic. */
  readonly topic: string;
  /** The partition. */
  readonly partition: number;
  /** Why it failed; undefined if it succeeded. */
  readonly error: DqueueError | undefined;
}

/** A reassignment in progress. */
export interface PartitionReassignment {
  /** The topic. */
  readonly topic: string;
  /** The partition. */
  readonly partition: number;
  /** The node ids of all replicas: the new ones, then those to be removed. */
  readonly replicas: readonly number[];
  /** Those that are being added. */
  readonly adding: readonly number[];
  /** Those that are removed when the others are in sync. */
  readonly removing: readonly number[];
}

/** Which log directories to describe. */
export interface DescribeLogDirsOptions extends OperationOptions {
  /** The node ids of the brokers. Default: all. */
  readonly brokers?: readonly number[];
  /** The topics to include. Default: all. */
  readonly topics?: readonly string[];
}

/** A replica in a log directory. */
export interface ReplicaSize {
  /** The topic. */
  readonly topic: string;
  /** The partition. */
  readonly partition: number;
  /** The total size of its segments in bytes. */
  readonly sizeBytes: number;
  /** How many offsets it lags behind. */
  readonly offsetLag: number;
  /** Whether it is a future replica, being copied from another log directory. */
  readonly isFuture: boolean;
}

/** A log directory of a broker. */
export interface LogDirDescription {
  /** The node id of the broker. */
  readonly brokerId: number;
  /** Its path. */
  readonly path: string;
  /** Why it is offline; undefined if it is online. */
  readonly error: DqueueError | undefined;
  /** The size of its volume in bytes; −1 if unknown. */
  readonly totalBytes: number;
  /** The free space of its volume in bytes; −1 if unknown. */
  readonly usableBytes: number;
  /** The replicas in it. */
  readonly replicas: readonly ReplicaSize[];
}
