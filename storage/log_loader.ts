/**
 * Opens the files of a log: finds its segments and, if it was not closed in good order, where its
 * batches end.
 *
 * After a clean shutdown the recovery point is the log end offset, and no batch is read. Otherwise
 * what lies before the recovery point was on disk and is taken as it is; from there on every batch is
 * checked, and the log ends at the first that is torn, damaged or out of order. Indexes, producer
 * state and leader epochs are brought up to there on the way. So the work goes with what was appended
 * since the last checkpoint, and with the number of logs.
 *
 * What recovery found is not synced by it: the recovery point moves only when the log is flushed.
 *
 * @module
 */

import { CorruptRecordError } from "../protocol/records/mod.ts";
import type { BatchScanner } from "./batch_scanner.ts";
import type { DamagedRange } from "./batch_walk.ts";
import { completeSwaps } from "./cleaner/segment_swap.ts";
import { CorruptFileError } from "./errors.ts";
import type { DirectoryEntry } from "./file_system.ts";
import { LEADER_EPOCH_FILE_NAME, LeaderEpochCache } from "./leader_epoch_cache.ts";
import { type LogLoss, lostRecords } from "./lost_records.ts";
import { type Milliseconds, ProducerStateManager } from "./producer_state.ts";
import { Segment, type SegmentContext } from "./segment.ts";
import type { ClosedSegment } from "./segment_checkpoint.ts";
import { compareSegments } from "./segment_comparison.ts";
import {
  DELETED_SUFFIX,
  fileNameOf,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetOf,
  PRODUCER_SNAPSHOT_SUFFIX,
  SEGMENT_SUFFIXES,
  TIME_INDEX_SUFFIX,
} from "./segment_file_name.ts";
import { TimeSlice } from "./time_slice.ts";

/** What is known of a log from the checkpoints of its data folder. */
export interface LoadOptions {
  /** Its segments, if it was closed in good order. */
  readonly closed?: readonly ClosedSegment[] | undefined;
  /** Whether the log was closed in good order at its recovery point. */
  readonly isClean: boolean;
  /** Batches before this offset need no checking. Nothing if that is not known, since it was lost. */
  readonly recoveryPoint: number | undefined;
  readonly logStartOffset: number;
  readonly indexIntervalBytes: number;
  readonly producerIdExpirationMs: Milliseconds;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** What recovery did to a log. */
export interface LogRecovery {
  /** The recovery point: batches from here on were checked, and may not be on disk. */
  readonly fromOffset: number;
  /** Bytes of batches that were checked. */
  readonly scannedBytes: number;
  /** Bytes that were cut off. */
  readonly truncatedBytes: number;
  /** Why they were, if any were. */
  readonly problem: string | undefined;
  readonly logEndOffset: number;
}

/** A log as it was found. */
export interface LoadedLog {
  /** At least one, sorted. */
  readonly segments: readonly Segment[];
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** Offsets of the producer snapshot files. */
  readonly snapshots: readonly number[];
  /** The rest is there if it had to be worked out; else it can be loaded when it is needed. */
  readonly producers: ProducerStateManager | undefined;
  readonly epochs: LeaderEpochCache | undefined;
  readonly recovery: LogRecovery | undefined;
  /** What was found that is not as it was, or as it should be. */
  readonly losses: readonly LogLoss[];
}

/** Finds the segments of the log `name` in `folder`, and recovers it unless it was closed in good order. */
export async function loadLog(
  context: SegmentContext,
  name: string,
  folder: string,
  options: LoadOptions,
): Promise<LoadedLog> {
  const { closed, isClean, logStartOffset, nowMs } = options;
  if (!isClean || closed === undefined) return await load(context, name, folder, options);
  const names = new Set(context.fs.readDirSync(folder).map((entry) => entry.name));
  const comparison = await compareSegments({
    context,
    folder,
    names,
    closed,
    logStartOffset,
    nowMs,
  });
  const loaded = await load(context, name, folder, { ...options, isClean: !comparison.hasMore });
  return { ...loaded, losses: [...comparison.losses, ...loaded.losses] };
}

async function load(
  context: SegmentContext,
  name: string,
  folder: string,
  options: LoadOptions,
): Promise<LoadedLog> {
  let entries = context.fs.readDirSync(folder);
  let names = new Set(entries.map((entry) => entry.name));
  if (await completeSwaps(context, folder, names)) {
    entries = context.fs.readDirSync(folder);
    names = new Set(entries.map((entry) => entry.name));
  }
  await removeLeftovers(context, folder, names);
  const segments = findSegments(context, folder, entries, options.nowMs);
  const { isClean, recoveryPoint = 0 } = options;
  const snapshots = offsetsOf(entries, PRODUCER_SNAPSHOT_SUFFIX)
    .filter((offset) => isClean || !isEmptySnapshot(context, folder, offset));
  const firstOffset = segments[0]?.baseOffset ?? 0;
  const logStartOffset = Math.max(options.logStartOffset, firstOffset);
  // Segments were deleted; that they were must not be seen before it is on disk.
  if (!isClean && firstOffset > options.logStartOffset) await context.fs.syncDir(folder);
  const isEmpty = segments.length === 0 ||
    (segments.length === 1 && segments[0]!.sizeInBytes === 0);
  if (isEmpty && (isClean || recoveryPoint <= logStartOffset)) {
    if (segments.length === 0) {
      segments.push(firstSegment(context, folder, logStartOffset, options));
    }
    const logEndOffset = isClean ? Math.max(logStartOffset, recoveryPoint) : logStartOffset;
    return { ...LAZILY_LOADED, segments, logStartOffset, logEndOffset, snapshots };
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

/** What is loaded when it is needed, of a log that needs no recovery. */
const LAZILY_LOADED = {
  producers: undefined,
  epochs: undefined,
  recovery: undefined,
  losses: [],
} as const;

/** Whether a crash has left a snapshot without content, which is removed then. */
function isEmptySnapshot({ fs }: SegmentContext, folder: string, offset: number): boolean {
  const path = `${folder}/${fileNameOf(offset, PRODUCER_SNAPSHOT_SUFFIX)}`;
  if (fs.statSync(path)?.size !== 0) return false;
  fs.removeSync(path);
  return true;
}

/** A segment without batches. A log that begins at 0 needs no file to remember that. */
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

/** Removes what is no longer in use, and indexes of segments that are not there. */
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
  nowMs: number,
): Segment[] {
  return offsetsOf(entries, LOG_SUFFIX).map((baseOffset) => {
    const { size } = context.fs.statSync(`${folder}/${fileNameOf(baseOffset, LOG_SUFFIX)}`)!;
    return new Segment(context, folder, baseOffset, size, nowMs);
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
    const rebuild = segment.rebuildIndexesInSlices(options.indexIntervalBytes);
    while (!rebuild.next().done) {
      if (slice.isOver) await slice.pause();
    }
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
  const slice = new TimeSlice();
  for (const _ of replayProducers(producers, segments, logEndOffset)) {
    if (slice.isOver) await slice.pause();
  }
  return producers;
}

/**
 * Applies the batches from the producers' end offset up to `endOffset`. They were checked when they
 * were appended; what is damaged since then is left to be found by who reads it. Pauses between
 * batches so that the caller may give way.
 */
export function* replayProducers(
  producers: ProducerStateManager,
  segments: Iterable<Segment>,
  endOffset: number,
): Generator<void, void> {
  const all = Array.from(segments);
  for (const [slot, segment] of all.entries()) {
    const segmentEnd = all[slot + 1]?.baseOffset ?? endOffset;
    if (segmentEnd <= producers.endOffset || segment.baseOffset >= endOffset) continue;
    const position = segment.indexes.offset.lookup(producers.endOffset);
    for (const batches of segment.batchesFrom(position)) {
      if (batches.header.nextOffset > endOffset) break;
      // The first may begin before the log's start, and hold it.
      if (batches.header.nextOffset <= producers.endOffset) continue;
      producers.update(batches.header, () => batches.batch());
      yield;
    }
  }
  producers.advanceTo(endOffset);
}

/** Finds the end of a log that was not closed in good order. */
class LogRecoverer {
  readonly #context: SegmentContext;
  readonly #name: string;
  readonly #folder: string;
  readonly #segments: Segment[];
  readonly #options: LoadOptions;
  readonly #producers: ProducerStateManager;
  readonly #epochs: LeaderEpochCache;
  readonly #slice = new TimeSlice();
  #recoveryPoint: number;
  #nextOffset = 0;
  #scannedBytes = 0;
  #truncatedBytes = 0;
  #problem: string | undefined;
  readonly #losses: LogLoss[] = [];

  constructor(
    context: SegmentContext,
    name: string,
    folder: string,
    segments: readonly Segment[],
    snapshots: readonly number[],
    options: LoadOptions,
  ) {
    this.#context = context;
    this.#name = name;
    this.#folder = folder;
    this.#segments = segments.slice();
    this.#options = options;
    this.#producers = new ProducerStateManager(
      context.fs,
      name,
      snapshots,
      options.producerIdExpirationMs,
    );
    this.#epochs = this.#readEpochs();
    this.#recoveryPoint = options.recoveryPoint ?? 0;
  }

  async recover(logStartOffset: number): Promise<LoadedLog> {
    const { recoveryPoint = 0, nowMs } = this.#options;
    await this.#restoreProducers(Math.min(logStartOffset, recoveryPoint), recoveryPoint);
    let slot = Math.max(
      0,
      this.#segments.findLastIndex((segment) => segment.baseOffset < recoveryPoint),
    );
    for (; slot < this.#segments.length; slot++) {
      const segment = this.#segments[slot]!;
      await this.#recoverSegment(segment);
      segment.markDirty();
      const next = this.#segments[slot + 1];
      // What was cut is what is left of a failed append, after which the next segment was begun.
      if (next?.baseOffset === this.#nextOffset) this.#problem = undefined;
      this.#checkNext(next);
      if (this.#problem !== undefined) await this.#dropSegmentsAfter(slot);
      if (slot < this.#segments.length - 1) segment.retire();
    }
    // What lies before the log's start needs no mending.
    if (this.#nextOffset < recoveryPoint && recoveryPoint > logStartOffset) {
      await this.#distrust();
      if (this.#nextOffset < logStartOffset) await this.#startOver(logStartOffset);
      if (this.#nextOffset < recoveryPoint) this.#fillUp(recoveryPoint);
    }
    if (this.#nextOffset < logStartOffset) await this.#startOver(logStartOffset);
    const logEndOffset = this.#nextOffset;
    if (this.#producers.endOffset > logEndOffset) {
      await this.#restoreProducers(logStartOffset, logEndOffset);
    }
    this.#epochs.truncateFromEnd(logEndOffset);
    this.#epochs.truncateFromStart(logStartOffset);
    this.#producers.removeSnapshots(this.#folder, (offset) => offset <= logEndOffset);
    this.#producers.removeExpired(nowMs);
    return {
      segments: this.#segments,
      logStartOffset,
      logEndOffset,
      snapshots: this.#producers.snapshots,
      producers: this.#producers,
      epochs: this.#epochs,
      recovery: {
        fromOffset: recoveryPoint,
        scannedBytes: this.#scannedBytes,
        truncatedBytes: this.#truncatedBytes,
        problem: this.#problem,
        logEndOffset,
      },
      losses: this.#losses,
    };
  }

  /**
   * Puts something in the place of records that were on disk by the recovery point, so that their
   * offsets are not given to others.
   */
  #fillUp(recoveryPoint: number): void {
    const last = this.#segments.at(-1)!;
    const firstOffset = this.#nextOffset;
    last.write(lostRecords(firstOffset, recoveryPoint));
    this.#losses.push({
      path: last.path,
      problem: "the file ends before the recovery point, up to which records were on disk",
      firstOffset,
      nextOffset: recoveryPoint,
    });
    this.#nextOffset = recoveryPoint;
    this.#producers.advanceTo(recoveryPoint);
  }

  /**
   * Deals with a log that ends before its recovery point: the disk lost what it had synced, or a
   * truncation without the lower recovery point that goes with it. Nothing that is derived from the
   * batches can be relied on then.
   */
  async #distrust(): Promise<void> {
    this.#problem ??= `batches up to offset ${this.#recoveryPoint} are not there`;
    for (const segment of this.#segments) {
      const rebuild = segment.rebuildIndexesInSlices(this.#indexInterval);
      while (!rebuild.next().done) {
        if (this.#slice.isOver) await this.#slice.pause();
      }
    }
    const last = this.#segments.at(-1)!;
    this.#recoveryPoint = last.baseOffset;
    this.#nextOffset = last.baseOffset;
    await this.#recoverSegment(last);
  }

  async #restoreProducers(startOffset: number, endOffset: number): Promise<void> {
    this.#producers.load(this.#folder, startOffset, endOffset, this.#options.nowMs);
    for (const _ of replayProducers(this.#producers, this.#segments, endOffset)) {
      if (this.#slice.isOver) await this.#slice.pause();
    }
  }

  /** Checks the batches of a segment from the recovery point on, and cuts off what follows them. */
  async #recoverSegment(segment: Segment): Promise<void> {
    const isTrusted = segment.baseOffset < this.#recoveryPoint;
    if (!isTrusted) segment.beginIndexes();
    const start = isTrusted ? this.#skipTrusted(segment) : 0;
    const scanner = segment.scan(start, true);
    this.#nextOffset = Math.max(this.#nextOffset, segment.baseOffset);
    try {
      while (scanner.next()) {
        this.#check(segment, scanner);
        this.#apply(segment, scanner);
        if (this.#slice.isOver) await this.#slice.pause();
      }
      if (scanner.position < segment.sizeInBytes) this.#problem ??= "the last batch is torn";
    } catch (error) {
      if (!(error instanceof CorruptRecordError)) throw error;
      this.#problem = error.message;
    }
    this.#scannedBytes += scanner.position - start;
    this.#truncatedBytes += segment.sizeInBytes - scanner.position;
    segment.cutTail(scanner.position);
  }

  /**
   * Finds that the end of a segment is missing, for instance since a power failure left a file empty
   * but not the one after it. Behind the recovery point a segment begins where the one before ends:
   * compaction, which leaves gaps, has not been there. If that point is not known, it may have been
   * anywhere.
   */
  #checkNext(next: Segment | undefined): void {
    if (this.#options.recoveryPoint === undefined) return;
    if (next === undefined || next.baseOffset <= this.#nextOffset) return;
    this.#problem ??= `batches from offset ${this.#nextOffset} to ${next.baseOffset} are missing`;
  }

  /**
   * Goes along the batches that were on disk at the recovery point, from the last sound index entries
   * on, so that the indexes are as they were then. What is damaged of these batches since is left as
   * it is, to be found by who reads it; but a file that ends within one has lost more than that.
   *
   * @returns The position of the first batch that needs checking.
   */
  #skipTrusted(segment: Segment): number {
    const recoveryPoint = this.#recoveryPoint;
    segment.truncateIndexes(recoveryPoint);
    const { lastOffset, lastPosition, count } = segment.indexes.offset;
    const isSound = count === 0 || this.#isBatchAt(segment, lastPosition, lastOffset);
    if (!isSound) segment.beginIndexes();
    const walk = segment.walk(isSound ? lastPosition : 0);
    while (walk.next()) {
      const { damage } = walk;
      if (damage === undefined) {
        if (walk.nextOffset > recoveryPoint) return walk.position;
        segment.note(walk.header, walk.position, this.#indexInterval);
      } else if (damage.isTorn || damage.firstOffset >= recoveryPoint) {
        return walk.position;
      }
      const isEnd = damage !== undefined && walk.nextPosition === segment.sizeInBytes;
      if (damage !== undefined) this.#tellOf(damage, segment, isEnd);
      this.#nextOffset = isEnd ? recoveryPoint : walk.nextOffset;
    }
    return walk.position;
  }

  /** Notes damage of batches that were on disk at the recovery point, which are left as they are. */
  #tellOf(damage: DamagedRange, { path }: Segment, isEnd: boolean): void {
    const { position, endPosition, firstOffset, problem } = damage;
    const nextOffset = isEnd ? this.#recoveryPoint : damage.nextOffset;
    const followed = isEnd ? ", as are those that may have followed" : "";
    this.#losses.push({
      path,
      problem: `${endPosition - position} bytes at position ${position} are damaged${followed}: ` +
        problem,
      firstOffset,
      nextOffset,
    });
  }

  /** Whether the batch at a position ends with an offset, as an index entry has it. */
  #isBatchAt(segment: Segment, position: number, lastOffset: number): boolean {
    try {
      const scanner = segment.scan(position, false);
      return scanner.next() && scanner.header.lastOffset === lastOffset;
    } catch (error) {
      if (error instanceof CorruptRecordError) return false;
      throw error;
    }
  }

  #check(segment: Segment, scanner: BatchScanner): void {
    const { header } = scanner;
    scanner.batch().ensureValid();
    const { baseOffset, lastOffset } = header;
    if (
      baseOffset < this.#nextOffset || lastOffset < baseOffset || !segment.takesOffset(lastOffset)
    ) {
      throw new CorruptRecordError(
        `Cannot recover "${this.#name}": batch has offsets ${baseOffset} to ${lastOffset}, the next is ${this.#nextOffset}`,
      );
    }
  }

  #apply(segment: Segment, scanner: BatchScanner): void {
    const { header, position } = scanner;
    segment.note(header, position, this.#indexInterval);
    this.#nextOffset = header.nextOffset;
    if (header.nextOffset > this.#producers.endOffset) {
      this.#producers.update(header, () => scanner.batch());
    }
    if (header.partitionLeaderEpoch > this.#epochs.latestEpoch) {
      this.#epochs.assign(header.partitionLeaderEpoch, header.baseOffset);
    }
  }

  get #indexInterval(): number {
    return this.#options.indexIntervalBytes;
  }

  #readEpochs(): LeaderEpochCache {
    try {
      return LeaderEpochCache.read(this.#context.fs, `${this.#folder}/${LEADER_EPOCH_FILE_NAME}`);
    } catch (error) {
      if (error instanceof CorruptFileError) return new LeaderEpochCache();
      throw error;
    }
  }

  async #dropSegmentsAfter(slot: number): Promise<void> {
    const dropped = this.#segments.splice(slot + 1);
    for (const segment of dropped) {
      this.#truncatedBytes += segment.sizeInBytes;
      for (const path of segment.markDeleted()) await this.#context.fs.remove(path);
    }
    // They must not be back behind what is appended next.
    if (dropped.length > 0) await this.#context.fs.syncDir(this.#folder);
  }

  /** Begins with an empty log, since the records up to its start are not there. */
  async #startOver(logStartOffset: number): Promise<void> {
    await this.#dropSegmentsAfter(-1);
    const { nowMs } = this.#options;
    const segment = new Segment(this.#context, this.#folder, logStartOffset, undefined, nowMs);
    segment.createFile();
    this.#segments.push(segment);
    this.#producers.clear();
    this.#producers.advanceTo(logStartOffset);
    this.#epochs.clear();
    this.#nextOffset = logStartOffset;
  }
}
