import type { Partition } from "./partition.ts";
import type { TopicConfig } from "./topic_config.ts";

/** A topic. Immutable except for its partitions: a change creates a new object. */
export interface Topic {
  readonly name: string;
  readonly id: string;
  /** Whether the topic is internal. */
  readonly isInternal: boolean;
  readonly config: TopicConfig;
  /** By index. */
  readonly partitions: readonly Partition[];
}
