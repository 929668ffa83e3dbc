/**
 * Topics and partitions: metadata, creation, deletion, leaders and replicas.
 *
 * @module
 */

export * from "./alter_partition_reassignments.ts";
export * from "./create_partitions.ts";
export * from "./create_topics.ts";
export * from "./delete_topics.ts";
export * from "./describe_topic_partitions.ts";
export * from "./elect_leaders.ts";
export * from "./list_partition_reassignments.ts";
export * from "./metadata.ts";
