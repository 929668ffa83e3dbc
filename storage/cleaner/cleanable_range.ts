/**
 * Which part of a log can be cleaned, and which segments are merged. Kafka: `LogCleanerManager`,
 * `Cleaner.groupSegmentsBySize`.
 *
 *     log start        first dirty offset   first uncleanable offset     log end
 *     | clean: one record a key | dirty: newer records | not cleanable yet     |
 *
 * @module
 */

import { INT64_MAX } from "../../protocol/primitives/int64.ts";
import type { LogConfig } from "../log/log_config.ts";
import type { LogSegments } from "../log/log_segments.ts";
import { OFFSET_INDEX_ENTRY_SIZE } from "../segment/indexes/offset_index.ts";
import type { Segment } from "../segment/segment.ts";
import { TIME_INDEX_ENTRY_SIZE } from "../segment/indexes/time_index.ts";

/** The part of a log that can be cleaned. */
export interface CleanableRange {
  /** The first offset that has not been cleaned. */
  readonly firstDirtyOffset: number;
  /** The first offset that cannot be cleaned yet; a segment begins there. */
  readonly firstUncleanableOffset: number;
  readonly cleanBytes: number;
  readonly cleanableBytes: number;
  /** Whether a record has waited longer than `max.compaction.lag.ms`. */
  readonly isOverdue: boolean;
}

/** The state of a log that cleaning depends on. */
export interface CleanableState {
  readonly segments: LogSegments;
  readonly config: LogConfig;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly firstDirtyOffset: number;
}

/**
 * Determines the part of a log that can be cleaned: it ends before the active segment, before
 * `maxOffset`, and before the first segment with a record younger than `min.compaction.lag.ms`.
 *
 * @param maxOffset The last stable offset, or the high watermark if nothing is unstable.
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
    if (minCompactionLagMs > 0 && segment.indexes.maxTimestamp > nowMs - minCompactionLagMs) break;
    if (maxCompactionLagMs < INT64_MAX && segment.indexes.firstTimestamp > 0) {
      earliestMs = Math.min(earliestMs, segment.indexes.firstTimestamp);
    }
    firstUncleanableOffset = end;
    cleanableBytes += segment.sizeInBytes;
  }
  const isOverdue = cleanableBytes > 0 && earliestMs < nowMs - config.maxCompactionLagMs;
  return { firstDirtyOffset, firstUncleanableOffset, cleanBytes, cleanableBytes, isOverdue };
}

/**
 * Groups consecutive segments before `endOffset` such that each group fits in one segment: cleaning
 * shrinks segments, and their number should not grow.
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
      group[0]!.indexes.takesOffset(lastOffset);
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
