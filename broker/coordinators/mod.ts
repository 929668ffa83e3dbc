/**
 * What the coordinators of groups and of transactions have in common.
 *
 * A coordinator keeps its state in an internal topic (`coordinator_topic.ts`, in the broker's registry
 * `registry_topic.ts`), whose partitions each have a shard (`shard.ts`) on their leader. `led_shards.ts`
 * loads and closes shards as leaders change, `replay.ts` reads the log of one.
 *
 * @module
 */

export { type CoordinatorTopic, partitionOf } from "./coordinator_topic.ts";
export { LedShards, type LedShardsOptions } from "./led_shards.ts";
export { RegistryTopic, type RegistryTopicOptions } from "./registry_topic.ts";
export { replayPartition } from "./replay.ts";
export { coordinatorErrorCode, Shard, type ShardOptions } from "./shard.ts";
