/**
 * The topic `__consumer_offsets`, which stores groups.
 *
 * @module
 */

import type { GroupLog } from "./group_log.ts";

export const OFFSETS_TOPIC = "__consumer_offsets";

/** The offsets topic: partitions with a log each. */
export interface OffsetsTopic {
  /** Number of partitions; 0 until the topic is created. */
  readonly partitionCount: number;
  /** Creates the topic if it does not exist. */
  create(): Promise<void>;
  /** The epoch in which this broker leads a partition; `undefined` if it is not the leader. */
  leaderEpoch(index: number): number | undefined;
  /**
   * Whether this broker is sure to lead a partition: it must not answer as a coordinator otherwise.
   */
  isServed(index: number): boolean;
  /** The log of a partition; `undefined` if this broker is not its leader. */
  log(index: number): GroupLog | undefined;
  /**
   * Calls `listener` after partitions were added or their leaders may have changed.
   *
   * @returns A function that unsubscribes.
   */
  onChange(listener: () => void): () => void;
}
