/**
 * Removes batches from either end of a log: truncation, deletion of records, retention.
 *
 * Files of whole segments are renamed immediately and removed later. A crash during that leaves no
 * gap: segments are removed from the outside in.
 *
 * Before a truncation, the recovery point on disk is lowered to where it cuts, or before. So whatever
 * part of the truncation, and of appends after it, a power failure leaves, recovery checks all of it
 * and derives everything from the batches that are there.
 *
 * @module
 */

import { DiskFullError, OffsetOutOfRangeError, StorageError } from "../errors.ts";
import { FileSystemError, isDiskFull } from "../file_system/file_system.ts";
import type { LogBatchCache } from "./batch_cache.ts";
import type { LogCheckpointer, Truncation } from "./log_checkpointer.ts";
import type { LogFlusher } from "./log_flusher.ts";
import { countExpiredSegments } from "./log_retention.ts";
import { newFileSize } from "./log_config.ts";
import { roll } from "./log_roll.ts";
import type { LogState } from "./log_state.ts";
import type { ProducerStateManager } from "./producers/producer_state_manager.ts";
import { Segment } from "../segment/segment.ts";

/** Trims one log. `Log` documents the methods. */
export class LogTrimmer {
  readonly #log: LogState;
  readonly #flusher: LogFlusher;
  readonly #checkpointer: LogCheckpointer;
  readonly #cache: LogBatchCache;
  #deletedFiles: { readonly path: string; readonly dueMs: number }[] = [];

  constructor(
    log: LogState,
    flusher: LogFlusher,
    checkpointer: LogCheckpointer,
    cache: LogBatchCache,
  ) {
    this.#log = log;
    this.#flusher = flusher;
    this.#checkpointer = checkpointer;
    this.#cache = cache;
  }

  deleteRecordsBefore(offset: number): number {
    const log = this.#log;
    log.checkWritable("delete records of");
    const { name, logStartOffset, logEndOffset } = log;
    if (!(offset >= 0 && offset <= logEndOffset)) {
      const action = `delete records of "${name}"`;
      throw new OffsetOutOfRangeError(action, offset, logStartOffset, logEndOffset);
    }
    this.#advanceStart(offset);
    return log.logStartOffset;
  }

  async truncateTo(offset: number, nowMs: number, isWanted: () => boolean): Promise<boolean> {
    const log = this.#log;
    log.checkWritable("truncate");
    if (offset >= log.logEndOffset) return isWanted() && this.#truncateTo(offset, nowMs);
    const { segments } = log;
    // The index files of the truncated segment are out of date until the next checkpoint.
    const { baseOffset } = segments.at(Math.max(0, segments.floorSlot(offset)))!;
    const end = this.#endOf(offset);
    const truncation = { offset: end, recoveryPoint: Math.min(end, baseOffset) };
    const { truncations } = this.#flusher;
    let producers: ProducerStateManager | undefined;
    const load = async () => {
      producers = await log.loadProducersAt(end, nowMs);
    };
    return await this.#truncate(truncation, load, isWanted, () => {
      const isCurrent = truncations === this.#flusher.truncations;
      return this.#truncateTo(offset, nowMs, isCurrent ? producers : undefined);
    });
  }

  async truncateFullyAndStartAt(
    offset: number,
    nowMs: number,
    isWanted: () => boolean,
  ): Promise<boolean> {
    const log = this.#log;
    log.checkWritable("truncate");
    const recoveryPoint = Math.min(offset, log.segments.first.baseOffset);
    const nothing = () => Promise.resolve();
    return await this.#truncate({ offset, recoveryPoint }, nothing, isWanted, () => {
      this.startAt(offset, nowMs);
      return true;
    });
  }

  /** Where the log will end after a truncation to an offset. */
  #endOf(offset: number): number {
    const { segments } = this.#log;
    const batch = segments.at(segments.floorSlot(offset))?.findBatch(offset);
    return Math.min(offset, batch?.baseOffset ?? offset);
  }

  /**
   * Truncates the log, once the checkpoints on disk agree with it, and syncs that.
   *
   * @param prepare Does what takes long, before it is asked whether the cut is wanted.
   */
  async #truncate(
    truncation: Truncation,
    prepare: () => Promise<void>,
    isWanted: () => boolean,
    cut: () => boolean,
  ): Promise<boolean> {
    const log = this.#log;
    this.#checkpointer.beginTruncation(truncation);
    try {
      await log.context.syncCheckpoints();
      log.checkWritable("truncate");
      await prepare();
      log.checkWritable("truncate");
      if (!isWanted()) return false;
      const isCut = cut();
      await this.#flusher.flush();
      return isCut;
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
      const message = `Cannot truncate "${log.name}": ${error.message}`;
      throw new (isDiskFull(error) ? DiskFullError : StorageError)(message, { cause: error });
    } finally {
      this.#checkpointer.endTruncation(truncation);
    }
  }

  #truncateTo(offset: number, nowMs: number, producers?: ProducerStateManager): boolean {
    const log = this.#log;
    const { segments, logEndOffset } = log;
    if (offset >= logEndOffset) {
      // Epochs that began here have no batches.
      if (log.epochs.truncateFromEnd(logEndOffset)) this.#checkpointer.changed();
      return false;
    }
    if (offset < segments.first.baseOffset) {
      this.startAt(offset, nowMs);
      return true;
    }
    try {
      log.cancelSwap();
      this.delete(segments.popAfter(offset).toReversed(), nowMs);
      const { active } = segments;
      const batch = active.findBatch(offset);
      if (batch === undefined) active.activate();
      else active.truncateTo(batch);
      const endOffset = Math.min(offset, batch?.baseOffset ?? offset);
      log.truncated(endOffset);
      this.#endsAt(endOffset, nowMs, producers);
    } catch (error) {
      throw log.failure("truncate", error, false);
    }
    return true;
  }

  /**
   * Replaces all segments by an empty one. The log must have no batches, or its checkpoints on disk must
   * have been lowered.
   */
  startAt(offset: number, nowMs: number): void {
    const log = this.#log;
    try {
      const segment = new Segment(log.context, log.folder, offset, undefined, nowMs);
      this.delete(log.segments.replaceAll(segment).toReversed(), nowMs);
      segment.createFile(newFileSize(log.config));
      log.restarted(offset);
      this.#endsAt(offset, nowMs);
    } catch (error) {
      throw log.failure("truncate", error, false);
    }
  }

  async applyRetention(nowMs: number, maxOffset: number): Promise<number> {
    const log = this.#log;
    log.checkWritable("apply retention to");
    const { fs } = log.context;
    try {
      let count = 0;
      for (let areNamesSynced = false; this.#hasExpired(nowMs, maxOffset);) {
        // Names of remaining segments must survive a power failure, and segments go one at a time: an
        // older one must not survive without the next.
        if (areNamesSynced) {
          this.#deleteFirst(nowMs);
          count++;
        }
        await fs.syncDir(log.folder);
        areNamesSynced = true;
        if (log.isClosed || log.offline !== undefined) break;
      }
      return count;
    } catch (error) {
      throw log.failure("apply retention to", error, true);
    }
  }

  /** Whether the oldest segment is expired and has a successor, which is rolled if necessary. */
  #hasExpired(nowMs: number, maxOffset: number): boolean {
    const log = this.#log;
    const { segments, config, logStartOffset, logEndOffset } = log;
    const limits = { logStartOffset, logEndOffset, maxOffset, nowMs };
    const count = countExpiredSegments(segments, config, limits);
    return count > 0 && (count < segments.count || this.#rollToDelete(nowMs) || count > 1);
  }

  #deleteFirst(nowMs: number): void {
    const log = this.#log;
    const { baseOffset } = log.segments.at(1)!;
    this.#advanceStart(baseOffset);
    this.delete(log.segments.shift(1), nowMs);
    log.producers(nowMs).removeSnapshots(log.folder, (snapshot) => snapshot >= baseOffset);
  }

  async removeDeleted(nowMs: number): Promise<void> {
    if (this.#deletedFiles.length === 0) return;
    const due = this.#deletedFiles.filter((file) => file.dueMs <= nowMs);
    this.#deletedFiles = this.#deletedFiles.filter((file) => file.dueMs > nowMs);
    for (const { path } of due) await this.#log.context.fs.remove(path);
  }

  /** Rolls a segment so that all before it can be deleted. Returns false if the disk is full. */
  #rollToDelete(nowMs: number): boolean {
    const log = this.#log;
    log.activate();
    try {
      roll(log, this.#flusher, this.#checkpointer, log.logEndOffset, nowMs);
      return true;
    } catch (error) {
      if (isDiskFull(error)) return false;
      throw error;
    }
  }

  #advanceStart(offset: number): void {
    const log = this.#log;
    if (!log.advanceStart(offset)) return;
    log.epochs.truncateFromStart(offset);
    this.#checkpointer.changed();
  }

  /** Updates everything after the segments were truncated to `offset`. */
  #endsAt(offset: number, nowMs: number, producers?: ProducerStateManager): void {
    const log = this.#log;
    log.epochs.truncateFromEnd(offset);
    log.reloadProducers(nowMs, producers);
    this.#cache.truncateTo(offset);
    this.#checkpointer.truncated(Math.min(offset, log.segments.active.baseOffset));
    this.#flusher.truncated(offset);
  }

  /** Renames the files of segments that were taken out of the log, to be removed later. */
  delete(segments: readonly Segment[], nowMs: number): void {
    this.#log.cancelSwap();
    const dueMs = nowMs + this.#log.config.fileDeleteDelayMs;
    for (const segment of segments) {
      for (const path of segment.markDeleted()) this.#deletedFiles.push({ path, dueMs });
    }
    this.#flusher.namesChanged();
  }
}
