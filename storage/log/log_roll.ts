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
  return waitedMs > maxAgeMs(log, active, config) ||
    active.indexes.isFull(config.segmentIndexBytes) ||
    !active.indexes.takesOffset(batches[batches.length - 1]!.lastOffset);
}

/**
 * The end of the batches from `slot` on that can be written together: no roll would be due between
 * them. There is at least one, for which the segment has been rolled if necessary. The result may be
 * lower than it could be.
 *
 * @param log Name of the log, as for `isRollDue`.
 * @returns The slot after the last of them.
 */
export function endOfRun(
  log: string,
  active: Segment,
  config: LogConfig,
  batches: readonly RecordBatch[],
  slot: number,
): number {
  const first = batches[slot]!;
  const { indexes } = active;
  const firstTimestamp = active.sizeInBytes > 0 ? indexes.firstTimestamp : first.maxTimestamp;
  const latest = firstTimestamp < 0 ? Infinity : firstTimestamp + maxAgeMs(log, active, config);
  let size = active.sizeInBytes + first.sizeInBytes;
  let end = slot + 1;
  for (; end < batches.length; end++) {
    const batch = batches[end]!;
    size += batch.sizeInBytes;
    // At most one entry is added to each index for a batch.
    const isFull = indexes.isFull(config.segmentIndexBytes, end - slot);
    if (size > config.segmentBytes || batch.maxTimestamp > latest || isFull) break;
    if (!indexes.takesOffset(batch.lastOffset)) break;
  }
  return end;
}

/** The age of its first batch up to which a segment takes batches. */
function maxAgeMs(log: string, active: Segment, config: LogConfig): number {
  const segmentMs = config.cleanupPolicy.includes("compact")
    ? Math.min(config.segmentMs, config.maxCompactionLagMs)
    : config.segmentMs;
  const maxJitterMs = Math.min(config.segmentJitterMs, segmentMs);
  return segmentMs - jitterMs(log, active.baseOffset, maxJitterMs);
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
  if (segments.count === 1) flusher.syncStart();
  // First, because only the active segment may have space after its batches.
  segments.active.trim();
  next.createFile(newFileSize(config));
  segments.active.indexes.retire();
  segments.active.usedTransactions?.retire();
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
