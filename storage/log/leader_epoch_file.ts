/**
 * Reads the leader epochs of a log from their file or, if that is lost or damaged, finds them in the
 * batches: without epochs a follower would not notice that its log differs from the leader's.
 *
 * Epochs ascend with the offsets, so only few batches are read: the first of each segment, and within
 * segments with more than one epoch those that a binary search over the offset index visits. An epoch
 * larger than that of the last batch is damage, which a CRC does not reveal, and is left out.
 *
 * @module
 */

import { CorruptFileError } from "../errors.ts";
import type { FileSystem } from "../file_system/file_system.ts";
import type { Segment } from "../segment/segment.ts";
import { LEADER_EPOCH_FILE_NAME, LeaderEpochCache } from "./leader_epoch_cache.ts";

/** Reads the file in a partition's folder; `undefined` if it is missing, damaged or has no epochs. */
export function readLeaderEpochs(fs: FileSystem, folder: string): LeaderEpochCache | undefined {
  try {
    const cache = LeaderEpochCache.read(fs, `${folder}/${LEADER_EPOCH_FILE_NAME}`);
    return cache.entries.length === 0 ? undefined : cache;
  } catch (error) {
    if (error instanceof CorruptFileError) return undefined;
    throw error;
  }
}

/**
 * Finds the epochs of the batches.
 *
 * @param segments The segments of the log, in order.
 * @param endOffset Batches from this offset on are left out.
 */
export function rebuildLeaderEpochs(
  segments: Iterable<Segment>,
  endOffset: number,
): LeaderEpochCache {
  const cache = new LeaderEpochCache();
  const starts = Array.from(segments).flatMap((segment) => {
    const first = firstBatch(segment, 0);
    return first === undefined || first.baseOffset >= endOffset ? [] : [{ segment, ...first }];
  });
  const last = starts.at(-1);
  if (last === undefined) return cache;
  const lastEpoch = epochOfLastBatch(last.segment, endOffset);
  const assign = (epoch: number, offset: number) => {
    if (epoch > cache.latestEpoch && epoch <= lastEpoch) cache.assign(epoch, offset);
  };
  for (const [slot, { segment, epoch, baseOffset }] of starts.entries()) {
    assign(epoch, baseOffset);
    const nextEpoch = starts[slot + 1]?.epoch ?? lastEpoch;
    if (nextEpoch > cache.latestEpoch) findChanges(segment, endOffset, nextEpoch, cache, assign);
  }
  if (cache.entries.length > 0) cache.markRebuilt();
  return cache;
}

/** Finds the epochs that begin within a segment. */
function findChanges(
  segment: Segment,
  endOffset: number,
  nextEpoch: number,
  cache: LeaderEpochCache,
  assign: (epoch: number, offset: number) => void,
): void {
  const { offset: index } = segment.indexes;
  for (let from = 0; cache.latestEpoch < nextEpoch;) {
    // The last indexed batch that has the latest epoch known so far.
    let low = from - 1;
    let high = index.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const batch = firstBatch(segment, index.positionAt(middle));
      const isKnown = batch !== undefined && batch.baseOffset < endOffset &&
        batch.epoch <= cache.latestEpoch;
      if (isKnown) low = middle;
      else high = middle - 1;
    }
    const start = low < 0 ? 0 : index.positionAt(low);
    const end = low + 2 < index.count ? index.positionAt(low + 2) : Infinity;
    for (const batch of segment.batchesFrom(start)) {
      if (batch === undefined) continue;
      const { partitionLeaderEpoch, baseOffset } = batch.header;
      if (batch.position >= end || baseOffset >= endOffset) break;
      assign(partitionLeaderEpoch, baseOffset);
    }
    if (end === Infinity) return;
    from = low + 2;
  }
}

function epochOfLastBatch(segment: Segment, endOffset: number): number {
  const { offset: index } = segment.indexes;
  let slot = index.floorSlot(endOffset - 1);
  for (; slot >= -1; slot--) {
    let epoch: number | undefined;
    for (const batch of segment.batchesFrom(slot < 0 ? 0 : index.positionAt(slot))) {
      if (batch === undefined) continue;
      if (batch.header.baseOffset >= endOffset) break;
      epoch = batch.header.partitionLeaderEpoch;
    }
    if (epoch !== undefined) return epoch;
  }
  return -1;
}

function firstBatch(
  segment: Segment,
  position: number,
): { readonly epoch: number; readonly baseOffset: number } | undefined {
  for (const batch of segment.batchesFrom(position)) {
    if (batch === undefined) continue;
    const { partitionLeaderEpoch, baseOffset } = batch.header;
    return { epoch: partitionLeaderEpoch, baseOffset };
  }
  return undefined;
}
