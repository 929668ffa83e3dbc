/**
 * Recovers a log after an unclean shutdown: finds the end of its batches, and updates everything
 * derived from them. `log_loader.ts` describes what is trusted.
 *
 * @module
 */

import { CorruptRecordError, UnsupportedRecordFormatError } from "../../../protocol/records/mod.ts";
import type { BatchScanner } from "../../segment/batch_scanner.ts";
import type { DamagedRange } from "../../segment/batch_walk.ts";
import { FileSystemError } from "../../file_system/file_system.ts";
import { LeaderEpochCache } from "../leader_epoch_cache.ts";
import { readLeaderEpochs, rebuildLeaderEpochs } from "../leader_epoch_file.ts";
import type { LoadedLog, LoadOptions } from "./loaded_log.ts";
import { type LogLoss, lostRecords } from "../../segment/lost_records.ts";
import { ProducerStateManager } from "../producers/producer_state_manager.ts";
import { rebuildTransactionIndex } from "../transactions/rebuild_transaction_index.ts";
import { replayProducers } from "../producers/replay_producers.ts";
import { Segment, type SegmentContext } from "../../segment/segment.ts";
import { runSliced, TimeSlice } from "../../time_slice.ts";

/** After this many zeros the rest of a file is assumed to be zeros. */
const ZEROS_READ = 1 << 20;

/** Recovers one log. */
export class LogRecoverer {
  readonly #context: SegmentContext;
  readonly #name: string;
  readonly #folder: string;
  readonly #segments: Segment[];
  readonly #options: LoadOptions;
  readonly #producers: ProducerStateManager;
  #epochs: LeaderEpochCache;
  readonly #areEpochsLost: boolean;
  readonly #slice = new TimeSlice();
  #recoveryPoint: number;
  #isDistrusted = false;
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
    this.#recoveryPoint = options.recoveryPoint ?? 0;
    this.#epochs = readLeaderEpochs(context.fs, folder) ?? new LeaderEpochCache();
    this.#areEpochsLost = options.recoveryPoint !== 0 &&
      (options.recoveryPoint === undefined || this.#epochs.entries.length === 0);
    // Later ones may be from before a truncation, or from after one that did not reach the disk.
    this.#epochs.truncateFromEnd(this.#recoveryPoint);
  }

  async recover(logStartOffset: number): Promise<LoadedLog> {
    const { recoveryPoint = 0, nowMs } = this.#options;
    // Later ones may be from before a truncation, like later epochs.
    this.#producers.removeSnapshots(this.#folder, (offset) => offset <= recoveryPoint);
    await this.#restoreProducers(Math.min(logStartOffset, recoveryPoint), recoveryPoint);
    let slot = Math.max(
      0,
      this.#segments.findLastIndex((segment) => segment.baseOffset < recoveryPoint),
    );
    for (; slot < this.#segments.length; slot++) {
      const segment = this.#segments[slot]!;
      this.#takeSnapshotAt(segment);
      await this.#recoverSegment(segment);
      segment.markDirty();
      const next = this.#segments[slot + 1];
      // A failed append left the bytes that were cut, and the next segment was rolled after it.
      if (next?.baseOffset === this.#nextOffset) this.#problem = undefined;
      this.#checkNext(next);
      if (this.#problem !== undefined) await this.#dropSegmentsAfter(slot);
      if (slot < this.#segments.length - 1) segment.indexes.retire();
    }
    // Records before the log start offset are not restored.
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
    if (this.#areEpochsLost) {
      this.#epochs = rebuildLeaderEpochs(this.#segments, logEndOffset);
    }
    this.#epochs.truncateFromEnd(logEndOffset);
    this.#restoreFirstEpochs(logStartOffset);
    this.#epochs.truncateFromStart(logStartOffset);
    this.#producers.removeSnapshots(this.#folder, (offset) => offset <= logEndOffset);
    this.#producers.removeExpired(nowMs);
    if (this.#isDistrusted) await this.#indexTransactions(logStartOffset);
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
   * Writes a placeholder for lost records before the recovery point, so that their offsets are not
   * assigned again.
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
   * Handles a log that ends before its recovery point: the disk lost synced data, or has a
   * truncation without the lower recovery point written before it. Derived files cannot be trusted
   * then.
   */
  async #distrust(): Promise<void> {
    this.#problem ??= `batches up to offset ${this.#recoveryPoint} are missing`;
    this.#isDistrusted = true;
    for (const segment of this.#segments) {
      await runSliced(segment.indexes.rebuildInSlices(this.#indexInterval), this.#slice);
    }
    const last = this.#segments.at(-1)!;
    this.#epochs.truncateFromEnd(last.baseOffset);
    this.#recoveryPoint = last.baseOffset;
    this.#nextOffset = last.baseOffset;
    await this.#recoverSegment(last);
  }

  /** Rebuilds the transaction indexes of all segments. */
  async #indexTransactions(logStartOffset: number): Promise<void> {
    const { fs } = this.#context;
    const { snapshots } = this.#producers;
    const segments = this.#segments;
    const [name, folder, logEndOffset] = [this.#name, this.#folder, this.#nextOffset];
    const log = { fs, name, folder, snapshots, segments, logStartOffset, logEndOffset };
    for (const [slot, { transactions }] of segments.entries()) {
      await runSliced(rebuildTransactionIndex(log, slot), this.#slice);
      await transactions.sync();
    }
    await fs.syncDir(folder);
  }

  /** Takes the producer snapshot at the start of a segment that was rolled after the recovery point. */
  #takeSnapshotAt({ baseOffset }: Segment): void {
    if (baseOffset <= this.#recoveryPoint || this.#producers.endOffset !== baseOffset) return;
    try {
      this.#producers.takeSnapshot(this.#folder);
    } catch (error) {
      // As in a roll: another recovery then starts from an older one.
      if (!(error instanceof FileSystemError)) throw error;
    }
  }

  async #restoreProducers(startOffset: number, endOffset: number): Promise<void> {
    this.#producers.load(this.#folder, startOffset, endOffset, this.#options.nowMs);
    await runSliced(replayProducers(this.#producers, this.#segments, endOffset), this.#slice);
  }

  /**
   * Checks the batches of a segment from the recovery point on, and cuts off the rest of the file.
   */
  async #recoverSegment(segment: Segment): Promise<void> {
    const isTrusted = segment.baseOffset < this.#recoveryPoint;
    if (!isTrusted) {
      segment.indexes.begin();
      segment.transactions.reset();
    }
    const start = isTrusted ? await this.#skipTrusted(segment) : 0;
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
      // Batches of an old format do not follow others: what looks like one is a torn write.
      const isTorn = error instanceof UnsupportedRecordFormatError &&
        (scanner.position > 0 || segment !== this.#segments[0]);
      if (!isTorn && !(error instanceof CorruptRecordError)) throw error;
      problem = error.message;
    }
    const dataEnd = await this.#endOfData(segment, scanner.position);
    // Preallocated space after the last batch is no loss.
    const isUnused = dataEnd === scanner.position && segment === this.#segments.at(-1);
    if (problem !== undefined && !isUnused) this.#problem = problem;
    this.#scannedBytes += scanner.position - start;
    this.#truncatedBytes += dataEnd - scanner.position;
    segment.cutTail(scanner.position);
    if (segment === this.#segments.at(-1)) segment.transactions.tryWrite();
    else segment.transactions.retire();
  }

  /**
   * The start of the zeros at the end of a segment's file, at `position` or later. A preallocated
   * file is not read to its end: after `ZEROS_READ` zeros the rest is assumed to be zeros, and all
   * of it is cut off anyway.
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
   * Detects that the end of a segment is missing, for instance because a power failure left a file
   * empty but not the next one. After the recovery point a segment begins where the one before
   * ends: compaction, which leaves gaps, only cleans batches before it. Without a known recovery
   * point there may be gaps anywhere.
   *
   * A segment that begins before the end of the one before was replaced by that one, but its removal
   * did not reach the disk.
   */
  #checkNext(next: Segment | undefined): void {
    if (next !== undefined && next.baseOffset < this.#nextOffset) {
      this.#problem ??= `segment ${next.baseOffset} begins before offset ${this.#nextOffset}`;
    }
    if (this.#options.recoveryPoint === undefined) return;
    if (next === undefined || next.baseOffset <= this.#nextOffset) return;
    this.#problem ??= `batches from offset ${this.#nextOffset} to ${next.baseOffset} are missing`;
  }

  /**
   * Skips the batches before the recovery point, from the last valid index entries on, and restores
   * the indexes up to there. Damage among these batches is left in place and found by reads; but if
   * the file ends within a batch, its end is lost.
   *
   * @returns The position of the first batch to check.
   */
  async #skipTrusted(segment: Segment): Promise<number> {
    const recoveryPoint = this.#recoveryPoint;
    segment.indexes.truncateTo(recoveryPoint);
    segment.transactions.truncateTo(recoveryPoint);
    const { lastOffset, lastPosition, count } = segment.indexes.offset;
    const isSound = count === 0 || this.#isBatchAt(segment, lastPosition, lastOffset);
    if (!isSound) segment.indexes.begin();
    const walk = segment.walk(isSound ? lastPosition : 0);
    while (await walk.nextInSlices(this.#slice)) {
      const { damage } = walk;
      if (damage === undefined) {
        if (walk.nextOffset > recoveryPoint) return walk.position;
        segment.indexes.add(walk.header, walk.position, this.#indexInterval);
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

  /** Reports damage of batches before the recovery point, which is left in place. */
  #reportDamage(damage: DamagedRange, { path }: Segment, isEnd: boolean): void {
    const { position, endPosition, firstOffset, problem } = damage;
    const nextOffset = isEnd ? this.#recoveryPoint : damage.nextOffset;
    const followed = isEnd ? ", and batches after them may be lost" : "";
    this.#losses.push({
      path,
      problem: `${endPosition - position} bytes at position ${position} are damaged${followed}: ` +
        problem,
      firstOffset,
      nextOffset,
    });
  }

  /** Whether the batch at a position has the last offset of an index entry. */
  #isBatchAt(segment: Segment, position: number, lastOffset: number): boolean {
    try {
      const scanner = segment.scan(position, false);
      return scanner.next() && scanner.header.lastOffset === lastOffset;
    } catch (error) {
      const isNone = error instanceof CorruptRecordError ||
        error instanceof UnsupportedRecordFormatError;
      if (isNone) return false;
      throw error;
    }
  }

  #check(segment: Segment, scanner: BatchScanner): void {
    const { header } = scanner;
    scanner.batch().ensureValid();
    const { baseOffset, lastOffset } = header;
    if (
      baseOffset < this.#nextOffset || lastOffset < baseOffset ||
      !segment.indexes.takesOffset(lastOffset)
    ) {
      throw new CorruptRecordError(
        `Cannot recover "${this.#name}": batch has offsets ${baseOffset} to ${lastOffset}, the next is ${this.#nextOffset}`,
      );
    }
  }

  #apply(segment: Segment, scanner: BatchScanner): void {
    const { header, position } = scanner;
    segment.indexes.add(header, position, this.#indexInterval);
    this.#nextOffset = header.nextOffset;
    if (header.nextOffset > this.#producers.endOffset) {
      const completed = this.#producers.update(header, () => scanner.batch());
      if (completed?.isAborted === true) segment.transactions.add(completed);
    }
    if (header.partitionLeaderEpoch > this.#epochs.latestEpoch) {
      this.#epochs.assign(header.partitionLeaderEpoch, header.baseOffset);
    }
  }

  get #indexInterval(): number {
    return this.#options.indexIntervalBytes;
  }

  /**
   * Finds the epochs of batches that were deleted when the file was written, but whose deletion did not
   * reach the disk.
   */
  #restoreFirstEpochs(logStartOffset: number): void {
    const [first] = this.#epochs.entries;
    if (first === undefined || first.offset <= logStartOffset) return;
    const earlier = rebuildLeaderEpochs(this.#segments, first.offset);
    if (earlier.entries.length > 0) this.#epochs.prepend(earlier);
  }

  async #dropSegmentsAfter(slot: number): Promise<void> {
    const dropped = this.#segments.splice(slot + 1);
    for (const segment of dropped) {
      this.#truncatedBytes += segment.sizeInBytes;
      for (const path of segment.markDeleted()) await this.#context.fs.remove(path);
    }
    // They must not reappear after batches that are appended next.
    if (dropped.length > 0) await this.#context.fs.syncDir(this.#folder);
  }

  /** Starts with an empty log, because the records up to its log start offset are lost. */
  async #startOver(logStartOffset: number): Promise<void> {
    await this.#dropSegmentsAfter(-1);
    const { nowMs } = this.#options;
    const segment = new Segment(this.#context, this.#folder, logStartOffset, undefined, nowMs);
    segment.createFile();
    this.#segments.push(segment);
    this.#producers.clear(logStartOffset);
    this.#producers.advanceTo(logStartOffset);
    this.#epochs.clear();
    this.#nextOffset = logStartOffset;
  }
}
