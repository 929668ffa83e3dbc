/**
 * What of a log is to be cleaned, and which segments become one. Kafka: `LogCleanerManager`,
 * `Cleaner.groupSegmentsBySize`.
 *
 *     log start        first dirty offset   first uncleanable offset     log end
 *     | clean: one record a key | dirty: records since | not to be touched yet |
 *
 * @module
 */

import { INT64_MAX } from "../../protocol/primitives/int64.ts";
import type { LogConfig } from "../log/log_config.ts";
import type { LogSegments } from "../log/log_segments.ts";
import { OFFSET_INDEX_ENTRY_SIZE } from "../segment/offset_index.ts";
import type { Segment } from "../segment/segment.ts";
import { TIME_INDEX_ENTRY_SIZE } from "../segment/time_index.ts";

/** How much of a log wants cleaning. */
export interface CleanableRange {
  /** The first offset that no cleaning has been up to. */
  readonly firstDirtyOffset: number;
  /** The first offset that may not be cleaned yet; a segment begins there. */
  readonly firstUncleanableOffset: number;
  readonly cleanBytes: number;
  readonly cleanableBytes: number;
  /** Whether a record waits longer than `max.compaction.lag.ms`. */
  readonly isOverdue: boolean;
}

/** The state of a log that cleaning goes by. */
export interface CleanableState {
  readonly segments: LogSegments;
  readonly config: LogConfig;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly firstDirtyOffset: number;
}

/**
 * Finds out what of a log may be cleaned: no active segment, nothing from `maxOffset` on, no segment
 * that has a record younger than `min.compaction.lag.ms`, and none after it.
 *
 * @param maxOffset The last stable offset.
 */
export function cleanableRange(
  log: CleanableState,
  nowMs: number,
  maxOffset: number,
): CleanableRange {
  const { segments, config, logStartOffset, logEndOffset } = log;
  const isValid = log.firstDirtyOffset >= logStartOffset && log.firstDirtyOffset <= logEndOffset;
  const firstDirtyOffset = isValid ? log.firstDirtyOffset : logStartOffset;
  let firstUncleanableOffset = firstDirtyOffset;
  let cleanBytes = 0;
  let cleanableBytes = 0;
  let earliestMs = Infinity;
  for (let slot = 0; slot < segments.count - 1; slot++) {
    const segment = segments.at(slot)!;
    const end = segments.at(slot + 1)!.baseOffset;
    if (end <= firstDirtyOffset) {
      cleanBytes += segment.sizeInBytes;
      continue;
    }
    if (end > maxOffset) break;
    const { minCompactionLagMs, maxCompactionLagMs } = config;
    if (minCompactionLagMs > 0 && segment.maxTimestamp > nowMs - minCompactionLagMs) break;
    if (maxCompactionLagMs < INT64_MAX && segment.firstTimestamp > 0) {
      earliestMs = Math.min(earliestMs, segment.firstTimestamp);
    }
    firstUncleanableOffset = end;
    cleanableBytes += segment.sizeInBytes;
  }
  const isOverdue = cleanableBytes > 0 && earliestMs < nowMs - config.maxCompactionLagMs;
  return { firstDirtyOffset, firstUncleanableOffset, cleanBytes, cleanableBytes, isOverdue };
}

/**
 * Segments before `endOffset` in groups that follow each other, each of which fits in one segment:
 * cleaning makes segments smaller, and they should not get many.
 */
export function groupSegments(
  segments: LogSegments,
  endOffset: number,
  config: LogConfig,
): Segment[][] {
  const groups: Segment[][] = [];
  let group: Segment[] = [];
  let sizeInBytes = 0;
  let offsetIndexBytes = 0;
  let timeIndexBytes = 0;
  for (let slot = 0; slot < segments.count - 1; slot++) {
    const segment = segments.at(slot)!;
    const { baseOffset } = segment;
    if (baseOffset >= endOffset) break;
    const lastOffset = segments.at(slot + 1)!.baseOffset - 1;
    const { offset, time } = segment.indexes;
    sizeInBytes += segment.sizeInBytes;
    offsetIndexBytes += offset.count * OFFSET_INDEX_ENTRY_SIZE;
    timeIndexBytes += time.count * TIME_INDEX_ENTRY_SIZE;
    const fits = group.length > 0 && sizeInBytes <= config.segmentBytes &&
      offsetIndexBytes <= config.segmentIndexBytes && timeIndexBytes <= config.segmentIndexBytes &&
      group[0]!.takesOffset(lastOffset);
    if (!fits) {
      group = [];
      groups.push(group);
      sizeInBytes = segment.sizeInBytes;
      offsetIndexBytes = offset.count * OFFSET_INDEX_ENTRY_SIZE;
      timeIndexBytes = time.count * TIME_INDEX_ENTRY_SIZE;
    }
    group.push(segment);
  }
  return groups;
}
