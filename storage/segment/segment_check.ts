/**
 * Checks all batches of a segment once a read has found damage in it, to learn all damaged ranges
 * and where valid batches follow. Also rebuilds the indexes, because a wrong entry looks like
 * damage to a reader that follows it.
 *
 * @module
 */

import { BatchWalk, type DamagedRange } from "./batch_walk.ts";
import type { Segment } from "./segment.ts";
import { type IndexContext, SegmentIndexes } from "./indexes/segment_indexes.ts";
import { TimeSlice } from "../time_slice.ts";

/** How to check a segment. */
export interface SegmentCheckOptions {
  readonly context: IndexContext;
  readonly indexIntervalBytes: number;
  /** Exclusive upper bound of offsets: where the next segment begins, or the log ends. */
  readonly endOffset: () => number;
}

/**
 * Checks a segment from beginning to end, in slices.
 *
 * @returns The damaged ranges; `undefined` if the segment was truncated or deleted during the
 *   check.
 */
export async function checkSegment(
  segment: Segment,
  options: SegmentCheckOptions,
): Promise<readonly DamagedRange[] | undefined> {
  const { context, indexIntervalBytes, endOffset } = options;
  const { truncations, baseOffset } = segment;
  const isStale = () => segment.isDeleted || segment.truncations !== truncations;
  const slice = new TimeSlice();
  const damages: DamagedRange[] = [];
  const indexes = new SegmentIndexes(context, segment);
  indexes.begin();
  let position = 0;
  let nextOffset = baseOffset;
  // An active segment grows during the check.
  while (position < segment.sizeInBytes) {
    const walk = new BatchWalk(segment.file, {
      position,
      endPosition: segment.sizeInBytes,
      nextOffset,
      endOffset: endOffset(),
    });
    while (await walk.nextInSlices(slice)) {
      if (isStale()) return undefined;
      if (walk.damage !== undefined) damages.push(walk.damage);
      else indexes.add(walk.header, walk.position, indexIntervalBytes);
      if (slice.isOver) await slice.pause();
      if (isStale()) return undefined;
    }
    if (isStale()) return undefined;
    position = walk.position;
    nextOffset = walk.nextOffset;
  }
  segment.integrity.replace(position, damages);
  segment.indexes.takeFrom(indexes);
  return damages;
}
