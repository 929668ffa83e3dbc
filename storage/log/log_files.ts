/**
 * What a log says of its files.
 *
 * @module
 */

import type { FileSystem } from "../file_system/file_system.ts";
import type { SegmentInfo } from "../segment/segment.ts";
import type { ClosedSegment } from "../segment/segment_checkpoint.ts";
import {
  offsetOf,
  PRODUCER_SNAPSHOT_SUFFIX,
  SEGMENT_SUFFIXES,
} from "../segment/segment_file_name.ts";
import { LEADER_EPOCH_FILE_NAME } from "./leader_epoch_cache.ts";
import type { LogState } from "./log_state.ts";
import { PARTITION_METADATA_FILE_NAME } from "./partition_metadata.ts";

/** The segments of a log that have files, with the sizes they have after it is closed. */
export function closedSegments({ segments, context, logEndOffset }: LogState): ClosedSegment[] {
  const all = Array.from(segments);
  const sizeOf = (path: string) => context.fs.statSync(path)?.size ?? 0;
  const modifiedMsOf = (path: string) => context.fs.statSync(path)?.modifiedMs ?? -1;
  return all.flatMap((segment, slot) => {
    if (!segment.isOnDisk) return [];
    const { baseOffset, sizeInBytes } = segment;
    const offsetIndexSize = sizeOf(segment.offsetIndexPath);
    const timeIndexSize = sizeOf(segment.timeIndexPath);
    const transactionIndexSize = sizeOf(segment.transactionIndexPath);
    const endOffset = all[slot + 1]?.baseOffset ?? logEndOffset;
    return [{
      baseOffset,
      endOffset,
      sizeInBytes,
      offsetIndexSize,
      timeIndexSize,
      transactionIndexSize,
      modifiedMs: modifiedMsOf(segment.path),
      lastBatch: segment.indexes.lastBatch,
    }];
  });
}

/** The segments of a log, for display. */
export function segmentInfos({ segments }: LogState): SegmentInfo[] {
  return Array.from(segments, (segment) => ({
    baseOffset: segment.baseOffset,
    sizeInBytes: segment.sizeInBytes,
    path: segment.path,
    isActive: segment === segments.active,
  }));
}

/** Whether a partition's folder has only files with names that logs use. */
export function hasOnlyLogFiles(fs: FileSystem, folder: string): boolean {
  return fs.readDirSync(folder).every(({ name }) => {
    return name === PARTITION_METADATA_FILE_NAME || name === LEADER_EPOCH_FILE_NAME ||
      [...SEGMENT_SUFFIXES, PRODUCER_SNAPSHOT_SUFFIX]
        .some((suffix) => offsetOf(name, suffix) !== undefined);
  });
}
