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
  /** The log of a partition; `undefined` if this broker is not its leader. */
  log(index: number): GroupLog | undefined;
}
