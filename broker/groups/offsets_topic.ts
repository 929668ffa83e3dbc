/**
 * The topic `__consumer_offsets`, where groups are kept.
 *
 * @module
 */

import type { GroupLog } from "./group_log.ts";

export const OFFSETS_TOPIC = "__consumer_offsets";

/** Where groups are kept: partitions, each with a log. */
export interface OffsetsTopic {
  /** Partitions that there are; 0 until the topic is created. */
  readonly partitionCount: number;
  /** Creates it, unless it is there. */
  create(): Promise<void>;
  /** The log of a partition; undefined if this broker does not lead it. */
  log(index: number): GroupLog | undefined;
}
