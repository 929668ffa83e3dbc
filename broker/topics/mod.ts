/**
 * The topics of a broker.
 *
 * `TopicRegistry` looks topics up, and creates, deletes and changes them through the cluster's
 * metadata. `TopicHosting` follows the metadata: it opens, creates and deletes the logs that are to be
 * here, each under a `Partition`, which knows who leads and how far consumers may read. `LogManager` has
 * what the logs need from time to time. A topic's settings (`TopicConfig`) derive from the broker's.
 *
 * @module
 */

export {
  type AppendOptions,
  type AppendResult,
  type EpochEndOffset,
  Partition,
  type ReadOptions,
} from "./partition.ts";
export type { ReplicaAssignment } from "./replica_assignment.ts";
export { checkTopicConfigs, TopicConfig, type TopicSettings } from "./topic_config.ts";
export { checkTopicName, isInternalTopic, isTopicName } from "./topic_name.ts";
export type { Topic } from "./topic.ts";
export {
  type CreatedTopic,
  MAX_PARTITIONS_PER_REQUEST,
  type MutationOptions,
  type NewTopic,
  TopicRegistry,
  type TopicRegistryOptions,
} from "./topic_registry.ts";
