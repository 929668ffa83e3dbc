/**
 * What an admin is asked and answers.
 *
 * @module
 */

import type { OperationOptions } from "../connection/client_core.ts";
import type { BrokerNode, PartitionMetadata } from "../connection/cluster_metadata.ts";
import type { DqueueError } from "../errors.ts";
import type { IsolationLevel } from "../consumer/offset_lookup.ts";

/** A value of a setting; numbers and truth values are sent as text, null stands for the default. */
export type ConfigValue = string | number | boolean | null;

/** A topic to create. */
export interface NewTopic {
  /** Its name: letters, digits, `.`, `_` and `-`, at most 249. */
  readonly name: string;
  /** How many partitions it shall have. Default: the broker's `num.partitions`. */
  readonly partitions?: number;
  /** How many brokers shall hold each partition. Default: the broker's `default.replication.factor`. */
  readonly replicas?: number;
  /** The brokers that shall hold each partition, instead of `partitions` and `replicas`. */
  readonly assignments?: readonly (readonly number[])[];
  /** Settings that differ from the broker's, such as `{ "retention.ms": 3600000 }`. */
  readonly configs?: { readonly [name: string]: ConfigValue };
}

/** How to do what changes something. */
export interface ChangeOptions extends OperationOptions {
  /** Checks whether it can be done and does not do it. Default: false. */
  readonly validateOnly?: boolean;
}

/** A topic just created. */
export interface CreatedTopic {
  /** Its name. */
  readonly name: string;
  /** Its id; all zeros if the broker is too old to tell. */
  readonly id: string;
  /** How many partitions it has; −1 if the broker is too old to tell. */
  readonly partitions: number;
  /** How many brokers hold each partition; −1 if the broker is too old to tell. */
  readonly replicas: number;
}

/** What became of one topic of several to create. */
export interface CreateTopicResult {
  /** The name of the topic. */
  readonly name: string;
  /** The topic; undefined if it was not created. */
  readonly topic: CreatedTopic | undefined;
  /** Why it was not created; undefined if it was. */
  readonly error: DqueueError | undefined;
}

/** What became of one topic of several to delete. */
export interface DeleteTopicResult {
  /** The name of the topic. */
  readonly name: string;
  /** Why it was not deleted; undefined if it was. */
  readonly error: DqueueError | undefined;
}

/** Which topics to list. */
export interface ListTopicsOptions extends OperationOptions {
  /** Whether to list the broker's own topics too. Default: false. */
  readonly internal?: boolean;
}

/** A topic in a list. */
export interface TopicListing {
  /** Its name. */
  readonly name: string;
  /** Its id; all zeros if the broker is too old to tell. */
  readonly id: string;
  /** Whether it is one of the broker's own. */
  readonly isInternal: boolean;
  /** How many partitions it has. */
  readonly partitions: number;
  /** How many brokers hold each partition; that of the first, should they differ. */
  readonly replicas: number;
}

/** A topic with its partitions. */
export interface TopicDescription {
  /** Its name. */
  readonly name: string;
  /** Its id; all zeros if the broker is too old to tell. */
  readonly id: string;
  /** Whether it is one of the broker's own. */
  readonly isInternal: boolean;
  /** Its partitions, each at the index of its number. */
  readonly partitions: readonly PartitionMetadata[];
}

/** How to add partitions. */
export interface CreatePartitionsOptions extends ChangeOptions {
  /** The brokers that shall hold each new partition. Default: the cluster chooses. */
  readonly assignments?: readonly (readonly number[])[];
}

/** What a setting belongs to. A broker's name is its node id; that of all brokers together is empty. */
export interface ConfigResource {
  /** The kind of thing. */
  readonly type: "topic" | "broker" | "brokerLogger" | "clientMetrics" | "group";
  /** Its name. */
  readonly name: string;
}

/** Which settings to describe, and how fully. */
export interface DescribeConfigsOptions extends OperationOptions {
  /** The names of the settings. Default: all. */
  readonly names?: readonly string[];
  /** Whether to tell where else a value could come from. Default: false. */
  readonly synonyms?: boolean;
  /** Whether to explain each setting. Default: false. */
  readonly documentation?: boolean;
}

/** Where the value of a setting comes from, in the order in which one overrides the next. */
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

/** The type of the value of a setting. */
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

/** A value that a setting has or would have if others were not set. */
export interface ConfigSynonym {
  /** The name under which it is set there. */
  readonly name: string;
  /** The value; null if it is secret or there is none. */
  readonly value: string | null;
  /** Where it is set. */
  readonly source: ConfigSource;
}

/** A setting and its value. */
export interface ConfigEntry {
  /** The name of the setting. */
  readonly name: string;
  /** Its value; null if it is secret or there is none. */
  readonly value: string | null;
  /** Where the value comes from. */
  readonly source: ConfigSource;
  /** Whether only a restart of the broker can change it. */
  readonly isReadOnly: boolean;
  /** Whether the value is secret. */
  readonly isSensitive: boolean;
  /** The type of the value. */
  readonly type: ConfigType;
  /** All values there are, the one that holds first; empty unless asked for. */
  readonly synonyms: readonly ConfigSynonym[];
  /** What the setting does; null unless asked for. */
  readonly documentation: string | null;
}

/** What to do with a setting: a value to set, null to go back to the default, or a change of a list. */
export type ConfigChange =
  | ConfigValue
  | { readonly append: string }
  | { readonly subtract: string };

/** Which offsets to list. */
export interface ListOffsetsOptions extends OperationOptions {
  /** The partitions. Default: all. */
  readonly partitions?: readonly number[];
  /** Whether "latest" is the end, or the first open transaction. Default: `"read_uncommitted"`. */
  readonly isolationLevel?: IsolationLevel;
}

/** Where a partition begins after its records were deleted. */
export interface DeletedRecords {
  /** The topic. */
  readonly topic: string;
  /** The partition. */
  readonly partition: number;
  /** The first offset that is left. */
  readonly lowWatermark: number;
}

/** A cluster and its brokers. */
export interface ClusterDescription {
  /** The id of the cluster; null if the broker is too old to tell. */
  readonly clusterId: string | null;
  /** The node id of the broker that requests for the controller go to; −1 if there is none. */
  readonly controllerId: number;
  /** The brokers that are alive, by node id. */
  readonly brokers: readonly BrokerNode[];
}

/** Which folders to describe. */
export interface DescribeLogDirsOptions extends OperationOptions {
  /** The node ids of the brokers. Default: all. */
  readonly brokers?: readonly number[];
  /** The topics whose sizes are asked for. Default: all. */
  readonly topics?: readonly string[];
}

/** A copy of a partition in a broker's folder. */
export interface ReplicaSize {
  /** The topic. */
  readonly topic: string;
  /** The partition. */
  readonly partition: number;
  /** The bytes of all its segments. */
  readonly sizeBytes: number;
  /** How many offsets it lacks. */
  readonly offsetLag: number;
  /** Whether it is being copied to take the place of another. */
  readonly isFuture: boolean;
}

/** A folder in which a broker keeps partitions. */
export interface LogDirDescription {
  /** The node id of the broker. */
  readonly brokerId: number;
  /** Where the folder is. */
  readonly path: string;
  /** Why it cannot be used; undefined if it can. */
  readonly error: DqueueError | undefined;
  /** The size of its volume in bytes, −1 if not known. */
  readonly totalBytes: number;
  /** The room left on its volume in bytes, −1 if not known. */
  readonly usableBytes: number;
  /** What it holds. */
  readonly replicas: readonly ReplicaSize[];
}
