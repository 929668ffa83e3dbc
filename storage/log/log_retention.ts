/**
 * Which segments of a log retention deletes.
 *
 * @module
 */

import type { LogConfig } from "./log_config.ts";
import type { LogSegments } from "./log_segments.ts";
import type { Segment } from "../segment/segment.ts";

/** The state of a log that retention depends on. */
export interface RetentionState {
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** The high watermark: segments that end after it are kept. */
  readonly maxOffset: number;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/**
 * Number of segments to delete, from the oldest: those that end before the log start offset and,
 * with `cleanup.policy=delete`, those beyond the size or age limit. Kafka's rules, in its order.
 */
export function countExpiredSegments(
  segments: LogSegments,
  config: LogConfig,
  state: RetentionState,
): number {
  let count = countWhile(segments, 0, state, (_, next) => {
    return next !== undefined && next.baseOffset <= state.logStartOffset;
  });
  if (!config.cleanupPolicy.includes("delete")) return count;
  if (config.retentionBytes >= 0) {
    let excess = segments.sizeInBytes - config.retentionBytes;
    let slot = 0;
    for (const segment of segments) {
      if (slot++ < count) excess -= segment.sizeInBytes;
    }
    count = countWhile(segments, count, state, ({ sizeInBytes }) => {
      if (excess < sizeInBytes) return false;
      excess -= sizeInBytes;
      return true;
    });
  }
  if (config.retentionMs >= 0) {
    count = countWhile(segments, count, state, (segment) => {
      return state.nowMs - segment.retentionTimestamp > config.retentionMs;
    });
  }
  return count;
}

function countWhile(
  segments: LogSegments,
  from: number,
  state: RetentionState,
  isExpired: (segment: Segment, next: Segment | undefined) => boolean,
): number {
  let count = from;
  for (; count < segments.count; count++) {
    const segment = segments.at(count)!;
    const next = segments.at(count + 1);
    const end = next?.baseOffset ?? state.logEndOffset;
    if (next === undefined && segment.sizeInBytes === 0) break;
    if (end > state.maxOffset || !isExpired(segment, next)) break;
  }
  return count;
}
