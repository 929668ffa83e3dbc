/**
 * When a log begins a new segment, and how.
 *
 * @module
 */

import type { RecordBatch } from "../../protocol/records/mod.ts";
import { type LogConfig, newFileSize } from "./log_config.ts";
import { FileSystemError } from "../file_system/file_system.ts";
import type { LogCheckpointer } from "./log_checkpointer.ts";
import type { LogFlusher } from "./log_flusher.ts";
import type { LogState } from "./log_state.ts";
import { MAX_RELATIVE_OFFSET, Segment } from "../segment/segment.ts";

/**
 * Whether batches, which have their offsets, are to go to a new segment: since the active one would
 * exceed `segment.bytes`, since they are `segment.ms` later than its first batch (or now is that much
 * later than its creation, if that batch has no timestamp), or since its indexes cannot take them.
 * If the log is compacted, `max.compaction.lag.ms` counts like `segment.ms`, since the active
 * segment is not.
 *
 * @param log Name of the log, by which logs with the same settings roll at different times.
 * @param size Size of the batches in bytes.
 */
export function isRollDue(
  log: string,
  active: Segment,
  config: LogConfig,
  batches: readonly RecordBatch[],
  size: number,
  nowMs: number,
): boolean {
  if (active.sizeInBytes === 0) return false;
  if (active.sizeInBytes > config.segmentBytes - size) return true;
  let maxTimestamp = -1;
  for (const batch of batches) maxTimestamp = Math.max(maxTimestamp, batch.maxTimestamp);
  const { firstTimestamp } = active;
  const waitedMs = firstTimestamp >= 0 ? maxTimestamp - firstTimestamp : nowMs - active.createdMs;
  const segmentMs = config.cleanupPolicy.includes("compact")
    ? Math.min(config.segmentMs, config.maxCompactionLagMs)
    : config.segmentMs;
  return waitedMs >
      segmentMs - jitterMs(log, active.baseOffset, Math.min(config.segmentJitterMs, segmentMs)) ||
    active.hasFullIndex(config.segmentIndexBytes) ||
    !active.takesOffset(batches[batches.length - 1]!.lastOffset);
}

/**
 * The base offset of the segment that batches are to go to: where the log ends, so that recovery can
 * tell a replica's gap from the loss of a segment's end; or that of the batches, if the gap before
 * them is larger than an index can take.
 */
export function rollOffset(logEndOffset: number, batches: readonly RecordBatch[]): number {
  const { lastOffset } = batches[batches.length - 1]!;
  const isTaken = lastOffset - logEndOffset <= MAX_RELATIVE_OFFSET;
  return isTaken ? logEndOffset : batches[0]!.baseOffset;
}

/** The same for a segment whenever it is asked for, and different between logs. */
function jitterMs(log: string, baseOffset: number, maxJitterMs: number): number {
  if (maxJitterMs <= 0) return 0;
  let hash = baseOffset >>> 0;
  for (let i = 0; i < log.length; i++) hash = (hash * 31 + log.charCodeAt(i)) >>> 0;
  return hash % maxJitterMs;
}

/**
 * Begins a new segment. If the file of the active one cannot be cut to its batches, or that of the new
 * one not be created, nothing has changed.
 *
 * @throws {FileSystemError} If so.
 */
export function roll(
  log: LogState,
  flusher: LogFlusher,
  checkpointer: LogCheckpointer,
  baseOffset: number,
  nowMs: number,
): void {
  const { context, folder, segments, config } = log;
  const producers = log.producers(nowMs);
  const next = new Segment(context, folder, baseOffset, undefined, nowMs);
  // First, since no segment but the active one may have more than its batches.
  segments.active.trim();
  next.createFile(newFileSize(config));
  segments.active.retire();
  segments.push(next);
  flusher.namesChanged();
  checkpointer.changed();
  producers.advanceTo(baseOffset);
  try {
    producers.takeSnapshot(folder);
  } catch (error) {
    // Recovery then begins with an older one.
    if (!(error instanceof FileSystemError)) throw error;
  }
}
