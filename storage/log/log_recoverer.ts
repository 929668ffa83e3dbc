/**
 * Recovers a log that was not closed in good order: finds where its batches end, and brings what is
 * derived from them up to there. `log_loader.ts` says what is relied on.
 *
 * @module
 */

import { CorruptRecordError } from "../../protocol/records/mod.ts";
import type { BatchScanner } from "../segment/batch_scanner.ts";
import type { DamagedRange } from "../segment/batch_walk.ts";
import { CorruptFileError } from "../errors.ts";
import { LEADER_EPOCH_FILE_NAME, LeaderEpochCache } from "./leader_epoch_cache.ts";
import type { LoadedLog, LoadOptions } from "./loaded_log.ts";
import { type LogLoss, lostRecords } from "../segment/lost_records.ts";
import { ProducerStateManager } from "./producer_state.ts";
import { replayProducers } from "./replay_producers.ts";
import { Segment, type SegmentContext } from "../segment/segment.ts";
import { TimeSlice } from "../time_slice.ts";

/** After so many zeros in a file nothing else is looked for. */
const ZEROS_READ = 1 << 20;

/** Finds the end of a log that was not closed in good order. */
export class LogRecoverer {
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
    let problem: string | undefined;
    try {
      while (scanner.next()) {
        this.#check(segment, scanner);
        this.#apply(segment, scanner);
        if (this.#slice.isOver) await this.#slice.pause();
      }
      if (scanner.position < segment.sizeInBytes) problem ??= "the last batch is torn";
    } catch (error) {
      if (!(error instanceof CorruptRecordError)) throw error;
      problem = error.message;
    }
    const dataEnd = await this.#endOfData(segment, scanner.position);
    // What `preallocate` has left after the last batch is no loss.
    const isUnused = dataEnd === scanner.position && segment === this.#segments.at(-1);
    if (problem !== undefined && !isUnused) this.#problem = problem;
    this.#scannedBytes += scanner.position - start;
    this.#truncatedBytes += dataEnd - scanner.position;
    segment.cutTail(scanner.position);
  }

  /**
   * Where the zeros at the end of a segment's file begin, or the position if there is nothing else from
   * there on. A file of full size is not read to its end for that: after so many zeros nothing else
   * is expected, and all of it is cut off anyway.
   */
  async #endOfData({ file, sizeInBytes }: Segment, position: number): Promise<number> {
    const buffer = new Uint8Array(Math.min(ZEROS_READ, sizeInBytes - position));
    let dataEnd = position;
    for (let at = position; at < sizeInBytes && at < dataEnd + ZEROS_READ;) {
      const count = file.readSync(buffer, at);
      if (count === 0) break;
      const last = buffer.subarray(0, count).findLastIndex((byte) => byte !== 0);
      if (last >= 0) dataEnd = at + last + 1;
      at += count;
      if (this.#slice.isOver) await this.#slice.pause();
    }
    return dataEnd;
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
        segment.indexBatch(walk.header, walk.position, this.#indexInterval);
        if (walk.nextOffset === recoveryPoint) {
          this.#nextOffset = recoveryPoint;
          return walk.nextPosition;
        }
      } else if (damage.isTorn || damage.firstOffset >= recoveryPoint) {
        return walk.position;
      }
      const isEnd = damage !== undefined && walk.nextPosition === segment.sizeInBytes;
      if (damage !== undefined) this.#reportDamage(damage, segment, isEnd);
      this.#nextOffset = isEnd ? recoveryPoint : walk.nextOffset;
    }
    return walk.position;
  }

  /** Notes damage of batches that were on disk at the recovery point, which are left as they are. */
  #reportDamage(damage: DamagedRange, { path }: Segment, isEnd: boolean): void {
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
    segment.indexBatch(header, position, this.#indexInterval);
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
