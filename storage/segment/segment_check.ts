/**
 * Checks all batches of a segment, once damage was met in it: what is damaged and where the next sound
 * batch begins is known for all of it then. The indexes are made anew on the way, since an entry that
 * is wrong looks like damage to who follows it.
 *
 * @module
 */

import { BatchWalk, type DamagedRange } from "./batch_walk.ts";
import { Segment, type SegmentContext } from "./segment.ts";
import { TimeSlice } from "../time_slice.ts";

/** What it takes to check a segment. */
export interface SegmentCheckOptions {
  readonly context: SegmentContext;
  readonly folder: string;
  readonly indexIntervalBytes: number;
  /** No batch reaches this offset: where the next segment begins, or the log ends. */
  readonly endOffset: () => number;
}

/**
 * Checks a segment from beginning to end, giving way on the way.
 *
 * @returns What is damaged; nothing if the segment was truncated or deleted meanwhile.
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
  // An active segment grows meanwhile.
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
