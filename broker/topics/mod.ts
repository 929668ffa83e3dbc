/**
 * The topics of a broker.
 *
 * `TopicRegistry` looks up topics, and creates, deletes and changes them through the cluster
 * metadata. `ReplicaManager` follows the metadata: it opens, creates and deletes the logs of this
 * broker, each owned by a `Partition`, which knows its leader and high watermark. `LogManager`
 * maintains the logs. Topic settings (`TopicConfig`) derive from the broker's.
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
