/**
 * The last stable offset for readers that do not depend on it.
 *
 * @module
 */

import type { Partition } from "../../topics/partition.ts";

/**
 * The last stable offset, or the high watermark as long as nothing was written since the log was
 * opened: the state of its producers need not be loaded only to tell it.
 */
export function knownStableOffset(partition: Partition): number {
  return partition.log.hasLoadedProducers ? partition.lastStableOffset : partition.highWatermark;
}
