/**
 * Checks all batches of a segment once a read has found damage in it, to learn all damaged ranges
 * and where valid batches follow. Also rebuilds the indexes, because a wrong entry looks like
 * damage to a reader that follows it.
 *
 * @module
 */

import { BatchWalk, type DamagedRange } from "./batch_walk.ts";
import { Segment, type SegmentContext } from "./segment.ts";
import { TimeSlice } from "../time_slice.ts";

/** How to check a segment. */
export interface SegmentCheckOptions {
  readonly context: SegmentContext;
  readonly folder: string;
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
  const { context, folder, indexIntervalBytes, endOffset } = options;
  const { truncations, baseOffset } = segment;
  const slice = new TimeSlice();
  const damages: DamagedRange[] = [];
  const indexed = new Segment(context, folder, baseOffset, undefined, segment.createdMs);
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
    while (walk.next()) {
      if (walk.damage !== undefined) damages.push(walk.damage);
      else indexed.indexBatch(walk.header, walk.position, indexIntervalBytes);
      if (!slice.isOver) continue;
      await slice.pause();
      if (segment.isDeleted || segment.truncations !== truncations) return undefined;
    }
    position = walk.position;
    nextOffset = walk.nextOffset;
  }
  segment.integrity.replace(position, damages);
  segment.takeIndexes(indexed);
  return damages;
}
