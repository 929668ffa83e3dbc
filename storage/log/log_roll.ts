/**
 * When and how a log rolls a new segment.
 *
 * @module
 */

import type { RecordBatch } from "../../protocol/records/mod.ts";
import { type LogConfig, newFileSize } from "./log_config.ts";
import { FileSystemError } from "../file_system/file_system.ts";
import type { LogCheckpointer } from "./log_checkpointer.ts";
import type { LogFlusher } from "./log_flusher.ts";
import type { LogState } from "./log_state.ts";
import { Segment } from "../segment/segment.ts";
import { MAX_RELATIVE_OFFSET } from "../segment/indexes/segment_indexes.ts";

/**
 * Whether batches, with their offsets assigned, need a new segment: the active one would exceed
 * `segment.bytes`, they are `segment.ms` later than its first batch (or than its creation, if that
 * batch has no timestamp), or its indexes cannot hold them. In a compacted log
 * `max.compaction.lag.ms` applies too, because the active segment is not compacted.
 *
 * @param log Name of the log, from which its jitter is derived.
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
  const { firstTimestamp } = active.indexes;
  const waitedMs = firstTimestamp >= 0 ? maxTimestamp - firstTimestamp : nowMs - active.createdMs;
  const segmentMs = config.cleanupPolicy.includes("compact")
    ? Math.min(config.segmentMs, config.maxCompactionLagMs)
    : config.segmentMs;
  return waitedMs >
      segmentMs - jitterMs(log, active.baseOffset, Math.min(config.segmentJitterMs, segmentMs)) ||
    active.indexes.isFull(config.segmentIndexBytes) ||
    !active.indexes.takesOffset(batches[batches.length - 1]!.lastOffset);
}

/**
 * The base offset of the new segment for batches: the log end offset, so that recovery can tell a
 * gap in a replica from the loss of a segment's end; or that of the batches, if the gap before them
 * is too large for an index.
 */
export function rollOffset(logEndOffset: number, batches: readonly RecordBatch[]): number {
  const { lastOffset } = batches[batches.length - 1]!;
  const isTaken = lastOffset - logEndOffset <= MAX_RELATIVE_OFFSET;
  return isTaken ? logEndOffset : batches[0]!.baseOffset;
}

/** A pseudorandom number that is constant for a segment and differs between logs. */
function jitterMs(log: string, baseOffset: number, maxJitterMs: number): number {
  if (maxJitterMs <= 0) return 0;
  let hash = baseOffset >>> 0;
  for (let i = 0; i < log.length; i++) hash = (hash * 31 + log.charCodeAt(i)) >>> 0;
  return hash % maxJitterMs;
}

/**
 * Rolls a new segment.
 *
 * @throws {FileSystemError} If the active file cannot be cut to its batches or the new one cannot
 *   be created. The log is unchanged.
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
  // First, because only the active segment may have space after its batches.
  segments.active.trim();
  next.createFile(newFileSize(config));
  segments.active.indexes.retire();
  segments.push(next);
  flusher.namesChanged();
  checkpointer.changed();
  producers.advanceTo(baseOffset);
  try {
    producers.takeSnapshot(folder);
  } catch (error) {
    // Recovery then starts from an older snapshot.
    if (!(error instanceof FileSystemError)) throw error;
  }
}
