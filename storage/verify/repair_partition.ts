/**
 * Repairs a log according to the report of its verification: replaces damage by empty batches, as
 * compaction leaves them, so that no offset moves and reads continue after it; rebuilds indexes and
 * leader epochs; and renames unusable files that the next start can do without.
 *
 * No bytes are lost: those removed from a segment are kept as `<segment>.<position>.corrupt`, and
 * an unusable file as `<file>.corrupt`. After a crash each segment is either unchanged or repaired,
 * and another verification reports the rest.
 *
 * @module
 */

import { setInt64 } from "../../protocol/primitives/int64.ts";
import {
  crc32c,
  LOG_OVERHEAD,
  RECORD_BATCH_OVERHEAD,
  RecordBatchBuilder,
} from "../../protocol/records/mod.ts";
import {
  ATTRIBUTES_POSITION,
  BASE_OFFSET_POSITION,
  BASE_TIMESTAMP_POSITION,
  BATCH_LENGTH_POSITION,
  CRC_POSITION,
  LAST_OFFSET_DELTA_POSITION,
  MAGIC,
  MAGIC_POSITION,
  PARTITION_LEADER_EPOCH_POSITION,
  RECORD_COUNT_POSITION,
} from "../../protocol/records/record_batch.ts";
import { FilePool } from "../file_system/file_pool.ts";
import {
  appendFullySync,
  type File,
  type FileSystem,
  parentOf,
  syncFile,
} from "../file_system/file_system.ts";
import { IndexCache } from "../segment/indexes/index_cache.ts";
import { LEADER_EPOCH_FILE_NAME, LeaderEpochCache } from "../log/leader_epoch_cache.ts";
import { PARTITION_METADATA_FILE_NAME, writePartitionMetadata } from "../log/partition_metadata.ts";
import { Segment } from "../segment/segment.ts";
import { STRAY_SUFFIX } from "../segment/segment_comparison.ts";
import {
  CORRUPT_SUFFIX,
  fileNameOf,
  LOG_SUFFIX,
  offsetOf,
  PRODUCER_SNAPSHOT_SUFFIX,
} from "../segment/segment_file_name.ts";
import { rebuildTransactionIndex } from "../log/transactions/rebuild_transaction_index.ts";
import { runSliced } from "../time_slice.ts";
import { NO_TIMESTAMP } from "../segment/indexes/time_index.ts";
import type { Hole, MissingLog, PartitionReport, SegmentReport, WrongEpoch } from "./report.ts";

const REPAIRING_SUFFIX = ".repairing.tmp";
const COPY_BYTES = 1 << 20;
/** Maximum number of offsets in one batch. */
const MAX_OFFSETS = 2 ** 31 - 1;

/** Repairs a log, which must not be in use. The repair is on disk when this resolves. */
export async function repairPartition(
  fs: FileSystem,
  report: PartitionReport,
  nowMs: number,
): Promise<void> {
  const { folder } = report;
  for (const path of report.strays) fs.renameSync(path, `${path}${STRAY_SUFFIX}`);
  for (const segment of report.segments) {
    if (segment.isMissing) fs.writeFileSync(segment.path, new Uint8Array(0));
    const isLast = segment === report.segments.at(-1);
    const edits = editsOf(segment, report.wrongEpochs, isLast);
    if (edits.length > 0) await rewrite(fs, segment, edits);
    if (segment.holes.length > 0 || segment.hasWrongIndex) {
      await rebuildIndexes(fs, folder, segment, nowMs);
    }
  }
  for (const path of report.wrongFiles) setAside(fs, path);
  await rebuildTransactionIndexes(fs, report, nowMs);
  if (report.topicId !== undefined) {
    const path = `${folder}/${PARTITION_METADATA_FILE_NAME}`;
    writePartitionMetadata(fs, path, report.topicId);
    await syncFile(fs, path);
  }
  if (report.epochs !== undefined) {
    const cache = new LeaderEpochCache();
    for (const { leaderEpoch, offset } of report.epochs) cache.assign(leaderEpoch, offset);
    const path = `${folder}/${LEADER_EPOCH_FILE_NAME}`;
    cache.write(fs, path);
    await syncFile(fs, path);
  }
  await fs.syncDir(folder);
}

/**
 * Recreates a log that has no folder, with empty batches for the offsets that it had, so that they
 * are not assigned again. It is on disk when this resolves.
 */
export async function replaceLog(fs: FileSystem, log: MissingLog, nowMs: number): Promise<void> {
  const { name, folder, logStartOffset, recoveryPoint, topicId } = log;
  fs.mkdirSync(folder);
  await fs.syncDir(parentOf(folder));
  const hole: Hole = {
    position: 0,
    endPosition: 0,
    firstOffset: logStartOffset,
    nextOffset: recoveryPoint,
    problem: "missing",
    isTorn: false,
    leaderEpoch: -1,
  };
  const isLost = recoveryPoint > logStartOffset;
  const segment: SegmentReport = {
    baseOffset: logStartOffset,
    path: `${folder}/${fileNameOf(logStartOffset, LOG_SUFFIX)}`,
    sizeInBytes: 0,
    holes: isLost ? [hole] : [],
    hasWrongIndex: false,
    hasWrongTransactionIndex: false,
    isMissing: true,
  };
  await repairPartition(fs, {
    name,
    folder,
    findings: [],
    segments: recoveryPoint > 0 ? [segment] : [],
    strays: [],
    batchCount: 0,
    recordCount: 0,
    logEndOffset: recoveryPoint,
    wrongEpochs: [],
    wrongFiles: [],
    topicId,
    epochs: undefined,
  }, nowMs);
}

/** Renames an unusable file, if it exists. Does not sync the folder. */
export function setAside(fs: FileSystem, path: string): void {
  if (fs.statSync(path) !== undefined) fs.renameSync(path, `${path}${CORRUPT_SUFFIX}`);
}

/** A range of bytes of a segment and its replacement. */
interface Edit {
  readonly position: number;
  readonly endPosition: number;
  readonly replacement: readonly Uint8Array[];
  /** Whether to keep the replaced bytes in a file. */
  readonly isHole: boolean;
}

function editsOf(
  { path, holes, sizeInBytes }: SegmentReport,
  wrongEpochs: readonly WrongEpoch[],
  isLast: boolean,
): Edit[] {
  const edits = holes.map((hole): Edit => ({
    position: hole.position,
    endPosition: hole.endPosition,
    replacement: Array.from(emptyBatches(hole, isLast && hole.endPosition === sizeInBytes)),
    isHole: true,
  }));
  for (const wrong of wrongEpochs) {
    if (wrong.path !== path) continue;
    const epoch = new Uint8Array(4);
    new DataView(epoch.buffer).setInt32(0, wrong.leaderEpoch);
    const position = wrong.position + PARTITION_LEADER_EPOCH_POSITION;
    edits.push({ position, endPosition: position + 4, replacement: [epoch], isHole: false });
  }
  return edits.sort((a, b) => a.position - b.position);
}

async function rewrite(
  fs: FileSystem,
  { path, sizeInBytes }: SegmentReport,
  edits: readonly Edit[],
): Promise<void> {
  const temporary = `${path}${REPAIRING_SUFFIX}`;
  fs.writeFileSync(temporary, new Uint8Array(0));
  const source = fs.openSync(path, "read");
  const target = fs.openSync(temporary, "append");
  try {
    let position = 0;
    for (const edit of edits) {
      copy(source, target, position, edit.position);
      if (edit.isHole) await keep(fs, source, path, edit);
      for (const bytes of edit.replacement) appendFullySync(target, bytes);
      position = edit.endPosition;
    }
    copy(source, target, position, sizeInBytes);
    await target.syncData();
  } finally {
    source.close();
    target.close();
  }
  await fs.syncDir(parentOf(path));
  fs.renameSync(temporary, path);
}

/** Copies the damaged bytes to a file of their own. */
async function keep(fs: FileSystem, source: File, path: string, edit: Edit): Promise<void> {
  const { position, endPosition } = edit;
  if (position === endPosition) return;
  const aside = `${path}.${position}${CORRUPT_SUFFIX}`;
  fs.writeFileSync(aside, new Uint8Array(0));
  const target = fs.openSync(aside, "append");
  try {
    copy(source, target, position, endPosition);
    await target.syncData();
  } finally {
    target.close();
  }
}

function copy(source: File, target: File, from: number, to: number): void {
  const buffer = new Uint8Array(Math.max(0, Math.min(COPY_BYTES, to - from)));
  for (let position = from; position < to;) {
    const count = source.readSync(
      buffer.subarray(0, Math.min(COPY_BYTES, to - position)),
      position,
    );
    if (count === 0) return;
    appendFullySync(target, buffer.subarray(0, count));
    position += count;
  }
}

/**
 * Empty batches with the offsets of a hole. At the end of the log a control record takes the last
 * offset: some clients reach the end only if there is a record, even one that they skip.
 */
function* emptyBatches(hole: Hole, isAtEnd: boolean): Generator<Uint8Array, void> {
  const leaderEpoch = Math.max(0, hole.leaderEpoch);
  const { firstOffset, nextOffset } = hole;
  const end = isAtEnd && nextOffset > firstOffset ? nextOffset - 1 : nextOffset;
  for (let offset = firstOffset; offset < end;) {
    const count = Math.min(MAX_OFFSETS, end - offset);
    yield emptyBatch(offset, count, leaderEpoch);
    offset += count;
  }
  if (end < nextOffset) yield controlBatch(end, leaderEpoch);
}

/** An abort marker without a producer. */
function controlBatch(baseOffset: number, partitionLeaderEpoch: number): Uint8Array {
  const builder = new RecordBatchBuilder({ isControl: true, baseOffset, partitionLeaderEpoch });
  builder.append(NO_TIMESTAMP, new Uint8Array(4), new Uint8Array(6));
  return builder.build();
}

/** A batch of `count` offsets without records, timestamps or producer. */
function emptyBatch(baseOffset: number, count: number, leaderEpoch: number): Uint8Array {
  const bytes = new Uint8Array(RECORD_BATCH_OVERHEAD);
  const view = new DataView(bytes.buffer);
  setInt64(view, BASE_OFFSET_POSITION, baseOffset);
  view.setInt32(BATCH_LENGTH_POSITION, RECORD_BATCH_OVERHEAD - LOG_OVERHEAD);
  view.setInt32(PARTITION_LEADER_EPOCH_POSITION, leaderEpoch);
  view.setInt8(MAGIC_POSITION, MAGIC);
  view.setInt32(LAST_OFFSET_DELTA_POSITION, count - 1);
  // All of these are -1, which means "none".
  bytes.fill(0xff, BASE_TIMESTAMP_POSITION, RECORD_COUNT_POSITION);
  view.setUint32(CRC_POSITION, crc32c(bytes, ATTRIBUTES_POSITION));
  return bytes;
}

/** Rebuilds transaction indexes, after the batches and the producer snapshots are right. */
async function rebuildTransactionIndexes(
  fs: FileSystem,
  { name, folder, segments: reports, logEndOffset }: PartitionReport,
  nowMs: number,
): Promise<void> {
  const isWrong = reports.map(({ holes, hasWrongTransactionIndex }) => {
    return holes.length > 0 || hasWrongTransactionIndex;
  });
  if (!isWrong.includes(true)) return;
  const context = { fs, pool: new FilePool(fs), indexCache: new IndexCache() };
  const segments = reports.map(({ baseOffset, path }) => {
    return new Segment(context, folder, baseOffset, fs.statSync(path)?.size ?? 0, nowMs);
  });
  const snapshots = fs.readDirSync(folder)
    .map((entry) => offsetOf(entry.name, PRODUCER_SNAPSHOT_SUFFIX))
    .filter((offset) => offset !== undefined);
  const logStartOffset = segments[0]!.baseOffset;
  const log = { fs, name, folder, snapshots, segments, logStartOffset, logEndOffset };
  try {
    for (const [slot, { transactions }] of segments.entries()) {
      if (!isWrong[slot]) continue;
      await runSliced(rebuildTransactionIndex(log, slot));
      await transactions.sync();
    }
  } finally {
    for (const segment of segments) segment.close();
  }
}

async function rebuildIndexes(
  fs: FileSystem,
  folder: string,
  { baseOffset, path }: SegmentReport,
  nowMs: number,
): Promise<void> {
  const context = { fs, pool: new FilePool(fs), indexCache: new IndexCache() };
  const { size } = fs.statSync(path)!;
  const segment = new Segment(context, folder, baseOffset, size, nowMs);
  try {
    segment.indexes.rebuild();
    for (const index of [segment.offsetIndexPath, segment.timeIndexPath]) await syncFile(fs, index);
  } finally {
    segment.close();
  }
}
