import type { TopicState } from "../cluster/cluster_state.ts";
import type { Partition } from "./partition.ts";
import type { TopicConfig } from "./topic_config.ts";

/** A topic of the cluster, with its partitions on this broker. */
export interface Topic {
  readonly name: string;
  readonly id: string;
  /** Whether the topic is internal. */
  readonly isInternal: boolean;
  readonly config: TopicConfig;
  /** The topic in the cluster metadata. */
  readonly state: TopicState;
  /** By index; undefined where this broker has no replica. */
  readonly partitions: readonly (Partition | undefined)[];
}
