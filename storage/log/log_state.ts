/**
 * The state shared by the parts of a log: its offsets, segments and settings, whether it is closed
 * or offline, and the producer state and leader epochs, which are loaded on demand.
 *
 * Only `Log` and its parts (`LogFlusher`, `LogCheckpointer`, `LogReader`, `LogTrimmer`) use this; all
 * changes are synchronous.
 *
 * @module
 */

import { CorruptRecordError } from "../../protocol/records/mod.ts";
import { DiskFullError, LogClosedError, LogOfflineError, StorageError } from "../errors.ts";
import { FileSystemError, isDiskFull, isTooManyFiles } from "../file_system/file_system.ts";
import type { BatchCache } from "./batch_cache.ts";
import type { LeaderEpochCache } from "./leader_epoch_cache.ts";
import { readLeaderEpochs, rebuildLeaderEpochs } from "./leader_epoch_file.ts";
import type { LogConfig } from "./log_config.ts";
import type { LoadedLog } from "./loading/loaded_log.ts";
import type { ReadContext } from "./log_reader.ts";
import { LogSegments } from "./log_segments.ts";
import { type Milliseconds, ProducerStateManager } from "./producers/producer_state_manager.ts";
import { replayProducers } from "./producers/replay_producers.ts";
import { type Segment, SegmentWriteError } from "../segment/segment.ts";
import { runAtOnce, runSliced } from "../time_slice.ts";

/** Resources shared by the logs of a data folder. */
export interface LogContext extends ReadContext {
  readonly batchCache: BatchCache;
  /** How long an idempotent producer is remembered (`producer.id.expiration.ms`). */
  readonly producerIdExpirationMs: Milliseconds;
  /** Called with each sync of a log's segments when it begins. */
  onSyncing(sync: Promise<void>): void;
  /** Called after each sync of a log's segments, with its duration. */
  onFlush(durationMs: number): void;
  /** Called when a log goes offline. */
  onOffline(log: string, error: LogOfflineError): void;
  /** Resolves when the names of the logs' folders are on disk. */
  syncDataFolder(): Promise<void>;
  /** Writes the checkpoints of the data folder; resolves when they are on disk. */
  syncCheckpoints(): Promise<void>;
}

/** The state of one log. */
export class LogState {
  readonly name: string;
  readonly context: LogContext;
  readonly segments: LogSegments;
  #folder: string;
  #config: LogConfig;
  #logStartOffset: number;
  #logEndOffset: number;
  #firstDirtyOffset: number;
  #firstLostOffset: number | undefined;
  #pendingSwap: Segment | undefined;
  /** Whether the log is being closed, or is closed: no more appends are accepted. */
  #isClosing = false;
  #isClosed = false;
  #offline: LogOfflineError | undefined;
  readonly #snapshots: readonly number[];
  #producers: ProducerStateManager | undefined;
  #epochs: LeaderEpochCache | undefined;

  constructor(
    context: LogContext,
    name: string,
    folder: string,
    config: LogConfig,
    loaded: LoadedLog,
    firstDirtyOffset: number,
  ) {
    this.name = name;
    this.context = context;
    this.#folder = folder;
    this.#config = config;
    this.segments = new LogSegments(loaded.segments);
    this.#logStartOffset = loaded.logStartOffset;
    this.#logEndOffset = loaded.logEndOffset;
    this.#firstDirtyOffset = firstDirtyOffset;
    this.#firstLostOffset = firstLostOffset(loaded);
    this.#snapshots = loaded.snapshots;
    this.#producers = loaded.producers;
    this.#epochs = loaded.epochs;
  }

  /** Path of the partition's folder. */
  get folder(): string {
    return this.#folder;
  }

  get config(): LogConfig {
    return this.#config;
  }

  /** Changes the settings, with immediate effect. */
  updateConfig(config: LogConfig): void {
    this.#config = config;
  }

  /** The first offset that can be read. */
  get logStartOffset(): number {
    return this.#logStartOffset;
  }

  /** The offset of the next record. */
  get logEndOffset(): number {
    return this.#logEndOffset;
  }

  /** The first offset that has not been cleaned. */
  get firstDirtyOffset(): number {
    return this.#firstDirtyOffset;
  }

  /** The first offset that is known to be lost or damaged, unless it was removed since. */
  get firstLostOffset(): number | undefined {
    return this.#firstLostOffset;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Why the log is offline, if it is. */
  get offline(): LogOfflineError | undefined {
    return this.#offline;
  }

  /** Moves the log end offset after an append. */
  appended(logEndOffset: number): void {
    if (logEndOffset <= this.#logEndOffset) {
      throw new Error(
        `Cannot append to "${this.name}": end offset is ${logEndOffset}, it was ${this.#logEndOffset}`,
      );
    }
    this.#logEndOffset = logEndOffset;
  }

  /** Moves the log start offset up to `offset`. Returns whether it was lower. */
  advanceStart(offset: number): boolean {
    if (offset <= this.#logStartOffset) return false;
    if (offset > this.#logEndOffset) {
      throw new Error(
        `Cannot start "${this.name}" at ${offset}: its end offset is ${this.#logEndOffset}`,
      );
    }
    this.#logStartOffset = offset;
    return true;
  }

  /** Moves the first dirty offset after a cleaning. */
  cleaned(firstDirtyOffset: number): void {
    this.#firstDirtyOffset = firstDirtyOffset;
  }

  /** Lowers the offsets to `offset` after the segments were truncated there. */
  truncated(offset: number): void {
    this.#logEndOffset = offset;
    this.#logStartOffset = Math.min(this.#logStartOffset, offset);
    this.#firstDirtyOffset = Math.min(this.#firstDirtyOffset, offset);
    if (this.#firstLostOffset !== undefined && offset <= this.#firstLostOffset) {
      this.#firstLostOffset = undefined;
    }
  }

  /** Sets the offsets after all segments were replaced by an empty one at `offset`. */
  restarted(offset: number): void {
    this.#logEndOffset = offset;
    this.#logStartOffset = offset;
    this.#firstDirtyOffset = Math.min(this.#firstDirtyOffset, offset);
    this.#firstLostOffset = undefined;
  }

  /** Notes an offset that is lost. */
  noteLost(offset: number): void {
    this.#firstLostOffset = Math.min(this.#firstLostOffset ?? Infinity, offset);
  }

  /** Rejects appends from now on. */
  beginClose(): void {
    this.#isClosing = true;
  }

  /** Marks the log as closed. */
  close(): void {
    this.#isClosing = true;
    this.#isClosed = true;
  }

  /** Marks the log as deleted, whose folder was renamed. It must be closed after that. */
  markDeleted(folder: string): void {
    this.#folder = folder;
    for (const segment of this.segments) segment.markFolderDeleted(folder);
  }

  /** The producer state, if it is loaded. */
  get loadedProducers(): ProducerStateManager | undefined {
    return this.#producers;
  }

  /** The leader epochs, if they are loaded. */
  get loadedEpochs(): LeaderEpochCache | undefined {
    return this.#epochs;
  }

  /**
   * The producer state, loaded from the last snapshot if necessary, without producers expired by
   * `nowMs`.
   */
  producers(nowMs: number): ProducerStateManager {
    if (this.#producers !== undefined) return this.#producers;
    const { fs, producerIdExpirationMs } = this.context;
    const producers = new ProducerStateManager(
      fs,
      this.name,
      this.#snapshots,
      producerIdExpirationMs,
    );
    this.#load(producers, nowMs);
    this.#producers = producers;
    return producers;
  }

  /** `Log.firstUnstableOffset` documents this. */
  firstUnstableOffset(highWatermark: number): number | undefined {
    const producers = this.producers(-Infinity);
    const { transactions } = producers;
    if (highWatermark < transactions.knownFrom) this.#findUndecided(producers, highWatermark);
    const offset = transactions.firstUnstableOffset(highWatermark);
    return offset === undefined ? undefined : Math.max(offset, this.#logStartOffset);
  }

  /**
   * Finds the transactions that ended at the high watermark or later, but before the snapshot that the
   * producers were loaded from: on a replica that knew little of the high watermark when it stopped.
   */
  #findUndecided(producers: ProducerStateManager, highWatermark: number): void {
    const { transactions } = producers;
    const { fs } = this.context;
    const hasMarkers = producers.producers.values().some((state) => state.coordinatorEpoch >= 0);
    if (!hasMarkers) return transactions.knowFrom(0);
    const earlier = new ProducerStateManager(fs, this.name, producers.snapshots, Infinity);
    const from = Math.min(this.#logStartOffset, highWatermark);
    earlier.load(this.folder, from, highWatermark, -Infinity);
    runAtOnce(replayProducers(earlier, this.segments, transactions.knownFrom));
    transactions.addEarlier(earlier.transactions);
  }

  /**
   * Loads the producer state as of an offset, for a truncation to it. Pauses, because that may take a
   * segment's batches. `undefined` if their files are replaced meanwhile.
   */
  async loadProducersAt(
    offset: number,
    nowMs: number,
  ): Promise<ProducerStateManager | undefined> {
    const { fs, producerIdExpirationMs } = this.context;
    const snapshots = this.#producers?.snapshots ?? this.#snapshots;
    const producers = new ProducerStateManager(fs, this.name, snapshots, producerIdExpirationMs);
    try {
      producers.load(this.folder, Math.min(this.logStartOffset, offset), offset, nowMs);
      await runSliced(replayProducers(producers, this.segments, offset));
      return producers;
    } catch (error) {
      if (error instanceof FileSystemError || error instanceof StorageError) return undefined;
      throw error;
    }
  }

  /**
   * Reloads the producer state up to the log end offset, after a truncation.
   *
   * @param loaded The state as of an offset, from which nothing before has changed.
   */
  reloadProducers(nowMs: number, loaded?: ProducerStateManager): void {
    const { logEndOffset } = this;
    if (loaded?.endOffset === logEndOffset) {
      loaded.takeOverSnapshots(this.#producers?.snapshots ?? this.#snapshots);
      this.#producers = loaded;
    }
    const producers = this.producers(nowMs);
    producers.removeSnapshots(this.folder, (snapshot) => snapshot <= logEndOffset);
    if (producers !== loaded) this.#load(producers, nowMs);
  }

  #load(producers: ProducerStateManager, nowMs: number): void {
    producers.load(this.folder, this.logStartOffset, this.logEndOffset, nowMs);
    runAtOnce(replayProducers(producers, this.segments, this.logEndOffset));
  }

  /** Registers a cleaned segment that is about to replace others. */
  beginSwap(cleaned: Segment): void {
    if (this.#pendingSwap !== undefined) {
      throw new Error(`Cannot swap segments of "${this.name}": another swap is pending`);
    }
    this.#pendingSwap = cleaned;
  }

  /** Ends the pending swap of a segment. Returns false if it was cancelled. */
  endSwap(cleaned: Segment): boolean {
    if (this.#pendingSwap !== cleaned) return false;
    this.#pendingSwap = undefined;
    return true;
  }

  /** Cancels a pending swap, because segments it would replace are deleted. */
  cancelSwap(): void {
    this.#pendingSwap?.removeFiles();
    this.#pendingSwap = undefined;
  }

  /** The leader epochs, loaded if necessary: from their file or, if it is lost, from the batches. */
  get epochs(): LeaderEpochCache {
    return this.#epochs ??= readLeaderEpochs(this.context.fs, this.folder) ??
      rebuildLeaderEpochs(this.segments, this.logEndOffset);
  }

  /** Prepares the active segment for appends after a clean start, if that was not done yet. */
  activate(): void {
    const { active } = this.segments;
    if (active.indexes.isReady) return;
    const end = active.activate();
    if (end !== undefined && end <= this.logEndOffset) return;
    const found = end === undefined ? "within a batch" : `at offset ${end}`;
    const error = new CorruptRecordError(
      `"${active.path}" ends ${found}, the checkpoint says ${this.logEndOffset}`,
    );
    throw this.failure("append to", error, false);
  }

  /** @throws {StorageError} If the log is closed or offline. */
  checkWritable(action: string): void {
    if (this.#isClosing) throw this.closedError(action);
    if (this.#offline !== undefined) throw this.#offline;
  }

  closedError(action: string): LogClosedError {
    return new LogClosedError(`Cannot ${action} "${this.name}": the log is closed`);
  }

  /**
   * The error to throw for a failed operation. Takes the log offline if the state on disk is
   * unknown.
   *
   * @param isUndone Whether the operation left everything unchanged.
   */
  failure(action: string, error: unknown, isUndone: boolean): unknown {
    if (error instanceof SegmentWriteError) {
      return this.failure(action, error.cause, error.isUndone);
    }
    if (this.isClosed) return this.closedError(action);
    if (!(error instanceof FileSystemError || error instanceof CorruptRecordError)) return error;
    const message = `Cannot ${action} "${this.name}": ${error.message}`;
    const cause = error;
    if (isUndone && isDiskFull(error)) return new DiskFullError(message, { cause });
    if (isUndone && isTooManyFiles(error)) return new StorageError(message, { cause });
    const offline = new LogOfflineError(
      `${message}; the log is offline until it is reopened`,
      { cause },
    );
    this.#offline = offline;
    this.context.onOffline(this.name, offline);
    return offline;
  }
}

/** The first offset of the records that are lost or damaged within the log. */
function firstLostOffset({ losses, logEndOffset }: LoadedLog): number | undefined {
  let first: number | undefined;
  for (const { firstOffset, nextOffset } of losses) {
    if (nextOffset === firstOffset || firstOffset >= logEndOffset) continue;
    if (first === undefined || firstOffset < first) first = firstOffset;
  }
  return first;
}
