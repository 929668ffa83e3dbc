import type { Partition } from "./partition.ts";
import type { TopicConfig } from "./topic_config.ts";

/** A topic. Never changed in place but for its partitions: a change makes a new one. */
export interface Topic {
  readonly name: string;
  readonly id: string;
  /** Whether it is one of the broker's own. */
  readonly isInternal: boolean;
  readonly config: TopicConfig;
  /** By index. */
  readonly partitions: readonly Partition[];
}
