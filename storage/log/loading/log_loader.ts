/**
 * Loads the files of a log: finds its segments and, after an unclean shutdown, the end of its
 * batches.
 *
 * After a clean shutdown the recovery point is the log end offset, and no batch is read. Otherwise
 * batches before the recovery point were on disk and are trusted; from there on every batch is
 * checked, and the log ends at the first one that is torn, damaged or out of order. The same scan
 * updates indexes, producer state and leader epochs. So the cost depends on the bytes appended
 * since the last checkpoint, and on the number of logs.
 *
 * Recovery does not sync its results: the recovery point advances only when the log is flushed.
 *
 * @module
 */

import { completeSwaps } from "./complete_swaps.ts";
import type { DirectoryEntry } from "../../file_system/file_system.ts";
import { LeaderEpochCache } from "../leader_epoch_cache.ts";
import { readLeaderEpochs } from "../leader_epoch_file.ts";
import type { LoadedLog, LoadOptions } from "./loaded_log.ts";
import { LogRecoverer } from "./log_recoverer.ts";
import { ProducerStateManager } from "../producers/producer_state_manager.ts";
import { rebuildTransactionIndex } from "../transactions/rebuild_transaction_index.ts";
import { replayProducers } from "../producers/replay_producers.ts";
import { Segment, type SegmentContext } from "../../segment/segment.ts";
import { compareSegments } from "../../segment/segment_comparison.ts";
import {
  DELETED_SUFFIX,
  fileNameOf,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetOf,
  PRODUCER_SNAPSHOT_SUFFIX,
  SEGMENT_SUFFIXES,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from "../../segment/segment_file_name.ts";
import { runSliced, TimeSlice } from "../../time_slice.ts";

/** Loads the log `name` from `folder`, and recovers it unless the last shutdown was clean. */
export async function loadLog(
  context: SegmentContext,
  name: string,
  folder: string,
  options: LoadOptions,
): Promise<LoadedLog> {
  const { closed, isClean, logStartOffset, nowMs } = options;
  if (!isClean || closed === undefined) return await load(context, name, folder, options);
  const entries = context.fs.readDirSync(folder);
  const names = new Set(entries.map((entry) => entry.name));
  const comparison = await compareSegments({
    context,
    folder,
    names,
    closed,
    logStartOffset,
    nowMs,
  });
  const { isChanged, hasMore } = comparison;
  const loaded = await load(
    context,
    name,
    folder,
    { ...options, isClean: !hasMore, closed: isChanged || hasMore ? undefined : closed },
    isChanged ? undefined : entries,
    comparison.unindexed,
  );
  return { ...loaded, losses: [...comparison.losses, ...loaded.losses] };
}

async function load(
  context: SegmentContext,
  name: string,
  folder: string,
  options: LoadOptions,
  found?: DirectoryEntry[],
  unindexed: readonly number[] = [],
): Promise<LoadedLog> {
  let entries = found ?? context.fs.readDirSync(folder);
  let names = new Set(entries.map((entry) => entry.name));
  const swaps = await completeSwaps(context, folder, names);
  if (swaps.isChanged) {
    entries = context.fs.readDirSync(folder);
    names = new Set(entries.map((entry) => entry.name));
  }
  await removeLeftovers(context, folder, names);
  const loaded = await loadFrom(context, name, folder, entries, options);
  await indexTransactions(context, name, folder, loaded, [...swaps.unindexed, ...unindexed]);
  return loaded;
}

/** Rebuilds transaction indexes that may be lost. They are on disk when this resolves. */
async function indexTransactions(
  { fs }: SegmentContext,
  name: string,
  folder: string,
  loaded: LoadedLog,
  baseOffsets: readonly number[],
): Promise<void> {
  if (baseOffsets.length === 0) return;
  for (const [slot, { baseOffset, transactions }] of loaded.segments.entries()) {
    if (!baseOffsets.includes(baseOffset)) continue;
    await runSliced(rebuildTransactionIndex({ fs, name, folder, ...loaded }, slot));
    await transactions.sync();
  }
  await fs.syncDir(folder);
}

async function loadFrom(
  context: SegmentContext,
  name: string,
  folder: string,
  entries: readonly DirectoryEntry[],
  options: LoadOptions,
): Promise<LoadedLog> {
  const names = new Set(entries.map((entry) => entry.name));
  const segments = findSegments(context, folder, entries, options);
  const { isClean, recoveryPoint = 0 } = options;
  const snapshots = offsetsOf(entries, PRODUCER_SNAPSHOT_SUFFIX)
    .filter((offset) => isClean || !isEmptySnapshot(context, folder, offset));
  const firstOffset = segments[0]?.baseOffset ?? 0;
  const logStartOffset = Math.max(options.logStartOffset, firstOffset);
  // Segments were deleted; the deletion must be on disk before it becomes visible.
  if (!isClean && firstOffset > options.logStartOffset) await context.fs.syncDir(folder);
  const isEmpty = segments.length === 0 ||
    (segments.length === 1 && segments[0]!.sizeInBytes === 0);
  if (isEmpty && (isClean || recoveryPoint <= logStartOffset)) {
    if (segments.length === 0) {
      segments.push(firstSegment(context, folder, logStartOffset, options));
    }
    const logEndOffset = isClean ? Math.max(logStartOffset, recoveryPoint) : logStartOffset;
    const loaded = { ...LAZILY_LOADED, segments, logStartOffset, logEndOffset, snapshots };
    return isClean ? loaded : { ...loaded, ...withoutBatches(context, folder, loaded) };
  }
  if (isClean && segments.length > 0 && recoveryPoint >= segments.at(-1)!.baseOffset) {
    await rebuildMissingIndexes(segments, names, options);
    return await loadClean(name, folder, context, segments, logStartOffset, snapshots, options);
  }
  if (segments.length === 0) segments.push(firstSegment(context, folder, logStartOffset, options));
  await rebuildMissingIndexes(
    segments.filter((segment) => segment.baseOffset < recoveryPoint),
    names,
    options,
  );
  const loader = new LogRecoverer(context, name, folder, segments, snapshots, options);
  return await loader.recover(logStartOffset);
}

/** The parts that are loaded on demand if no recovery is needed. */
const LAZILY_LOADED = {
  producers: undefined,
  epochs: undefined,
  recovery: undefined,
  losses: [],
} as const;

/**
 * What is derived from the batches of a log that has none after a crash. The files may be from before a
 * truncation.
 */
function withoutBatches(
  { fs }: SegmentContext,
  folder: string,
  { snapshots, logStartOffset, logEndOffset }: LoadedLog,
): Pick<LoadedLog, "epochs" | "snapshots"> {
  const epochs = readLeaderEpochs(fs, folder) ?? new LeaderEpochCache();
  epochs.truncateFromEnd(logEndOffset);
  epochs.truncateFromStart(logStartOffset);
  for (const offset of snapshots) {
    if (offset > logEndOffset) fs.removeSync(snapshotPath(folder, offset));
  }
  return { epochs, snapshots: snapshots.filter((offset) => offset <= logEndOffset) };
}

/** Whether a crash left a snapshot without content. Removes it. */
function isEmptySnapshot({ fs }: SegmentContext, folder: string, offset: number): boolean {
  const path = snapshotPath(folder, offset);
  if (fs.statSync(path)?.size !== 0) return false;
  fs.removeSync(path);
  return true;
}

function snapshotPath(folder: string, offset: number): string {
  return `${folder}/${fileNameOf(offset, PRODUCER_SNAPSHOT_SUFFIX)}`;
}

/**
 * A segment without batches. Only a log that does not start at 0 needs a file to record its start.
 */
function firstSegment(
  context: SegmentContext,
  folder: string,
  baseOffset: number,
  options: LoadOptions,
): Segment {
  const segment = new Segment(context, folder, baseOffset, undefined, options.nowMs);
  if (baseOffset > 0) segment.createFile();
  return segment;
}

/** Removes files no longer in use, and indexes without a segment. */
async function removeLeftovers(
  context: SegmentContext,
  folder: string,
  names: ReadonlySet<string>,
): Promise<void> {
  for (const name of names) {
    const isLeftover = name.endsWith(DELETED_SUFFIX) || name.endsWith(".tmp");
    const isOrphan = SEGMENT_SUFFIXES.some((suffix) => {
      const offset = offsetOf(name, suffix);
      return offset !== undefined && !names.has(fileNameOf(offset, LOG_SUFFIX));
    });
    if (isLeftover || isOrphan) await context.fs.remove(`${folder}/${name}`);
  }
}

function findSegments(
  context: SegmentContext,
  folder: string,
  entries: readonly DirectoryEntry[],
  { closed = [], nowMs }: LoadOptions,
): Segment[] {
  const known = new Map(closed.map((segment) => [segment.baseOffset, segment]));
  const indexed = new Set(offsetsOf(entries, TRANSACTION_INDEX_SUFFIX));
  return offsetsOf(entries, LOG_SUFFIX).map((baseOffset) => {
    const before = known.get(baseOffset);
    const size = before?.sizeInBytes ??
      context.fs.statSync(`${folder}/${fileNameOf(baseOffset, LOG_SUFFIX)}`)!.size;
    const segment = new Segment(context, folder, baseOffset, size, nowMs);
    segment.noteTransactionFile(indexed.has(baseOffset));
    if (before?.lastBatch !== undefined) segment.indexes.restoreLastBatch(before.lastBatch);
    return segment;
  });
}

function offsetsOf(entries: readonly DirectoryEntry[], suffix: string): number[] {
  return entries.map((entry) => offsetOf(entry.name, suffix))
    .filter((offset) => offset !== undefined)
    .toSorted((a, b) => a - b);
}

async function loadClean(
  name: string,
  folder: string,
  context: SegmentContext,
  segments: readonly Segment[],
  logStartOffset: number,
  snapshots: readonly number[],
  options: LoadOptions,
): Promise<LoadedLog> {
  const logEndOffset = options.recoveryPoint!;
  let producers: ProducerStateManager | undefined;
  if (logEndOffset > logStartOffset && !snapshots.includes(logEndOffset)) {
    producers = await loadProducers(
      context,
      name,
      folder,
      segments,
      snapshots,
      logStartOffset,
      logEndOffset,
      options,
    );
  }
  return { ...LAZILY_LOADED, segments, logStartOffset, logEndOffset, snapshots, producers };
}

async function rebuildMissingIndexes(
  segments: readonly Segment[],
  names: ReadonlySet<string>,
  options: LoadOptions,
): Promise<void> {
  const slice = new TimeSlice();
  for (const segment of segments) {
    const { baseOffset, sizeInBytes } = segment;
    const hasFiles = names.has(fileNameOf(baseOffset, OFFSET_INDEX_SUFFIX)) &&
      names.has(fileNameOf(baseOffset, TIME_INDEX_SUFFIX));
    if (sizeInBytes === 0 || hasFiles) continue;
    await runSliced(segment.indexes.rebuildInSlices(options.indexIntervalBytes), slice);
  }
}

async function loadProducers(
  context: SegmentContext,
  name: string,
  folder: string,
  segments: readonly Segment[],
  snapshots: readonly number[],
  logStartOffset: number,
  logEndOffset: number,
  options: LoadOptions,
): Promise<ProducerStateManager> {
  const producers = new ProducerStateManager(
    context.fs,
    name,
    snapshots,
    options.producerIdExpirationMs,
  );
  producers.load(folder, logStartOffset, logEndOffset, options.nowMs);
  await runSliced(replayProducers(producers, segments, logEndOffset));
  return producers;
}
