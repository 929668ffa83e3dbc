/**
 * The log of one partition.
 *
 * Appending is synchronous: batches get their offsets, go to the file with one write, and update
 * the indexes, the producer state and the batch cache. An append does not sync: `flush` resolves
 * when everything appended before the call is on disk, and all callers that wait share one sync.
 *
 * Offsets, in ascending order: `logStartOffset` (the first that can be read), `recoveryPoint`
 * (batches before it need no check after a crash), `flushedOffset` (batches before it are on disk),
 * `logEndOffset` (the next to be assigned).
 *
 * After a crash the log has every batch before `flushedOffset` and a prefix of the later ones;
 * recovery cuts off a partial batch. The checkpoints that recovery starts from belong to the data
 * folder (`log_directory.ts`).
 *
 * Failures: a write that fails because the disk is full is undone and can be retried. Any other
 * failed write or sync takes the log offline, because the state on disk is then unknown: a second
 * sync after a failed one may succeed without the data. Reads continue to work.
 *
 * A follower's log is filled by `appendReplicated` and cut by `truncateTo` and
 * `truncateFullyAndStartAt`.
 *
 * @module
 */

import type { RecordBatch } from "../protocol/records/mod.ts";
import type { CleanableRange } from "./cleaner/cleanable_range.ts";
import type { CleanOptions, LogCleaning } from "./cleaner/cleaning_pass.ts";
import { LogCompactor } from "./cleaner/log_compactor.ts";
import { type LogOfflineError, UnexpectedLeaderEpochError } from "./errors.ts";
import type { LogBatchCache } from "./log/batch_cache.ts";
import type { EpochAndOffset } from "./log/leader_epoch_cache.ts";
import { closedSegments, hasOnlyLogFiles, segmentInfos } from "./log/log_files.ts";
import type { AppendInfo, AppendOptions } from "./log/log_append.ts";
import { LogAppender } from "./log/log_appender.ts";
import type { LogLoss } from "./segment/lost_records.ts";
import { type CheckpointedOffsets, LogCheckpointer } from "./log/log_checkpointer.ts";
import type { LogConfig } from "./log/log_config.ts";
import { LogFlusher, type LogFlusherOptions } from "./log/log_flusher.ts";
import { emptyLog, type LoadedLog, type LogRecovery } from "./log/loading/loaded_log.ts";
import type { LogOpenOptions, NewLogOptions } from "./log/log_options.ts";
import { loadLog } from "./log/loading/log_loader.ts";
import type { LogRead, ReadOptions } from "./log/log_read.ts";
import { LogReader, type TimestampAndOffset } from "./log/log_reader.ts";
import { type LogContext, LogState } from "./log/log_state.ts";
import { LogTrimmer } from "./log/log_trimmer.ts";
import {
  PARTITION_METADATA_FILE_NAME,
  readPartitionMetadata,
  writePartitionMetadata,
} from "./log/partition_metadata.ts";
import type { ProducerState } from "./log/producers/producer_state.ts";
import type { ReplicatedAppendInfo, ReplicatedAppendOptions } from "./log/replicated_batches.ts";
import { Segment, type SegmentInfo } from "./segment/segment.ts";
import type { ClosedSegment } from "./segment/segment_checkpoint.ts";
import {
  oldestOpenTransaction,
  type OpenTransaction,
} from "./log/transactions/open_transaction.ts";
import { abortedTransactions } from "./log/transactions/aborted_transactions.ts";
import type { AbortedTransaction } from "./segment/indexes/transaction_index.ts";
import type { Verification } from "./log/producers/transaction_verifications.ts";

/** A partition's batches on disk. */
export class Log {
  /** What recovery did when the log was opened; `undefined` if none was needed. */
  readonly recovery: LogRecovery | undefined;
  /** Losses and damage found when the log was opened. */
  readonly losses: readonly LogLoss[];
  readonly #state: LogState;
  readonly #appender: LogAppender;
  readonly #reader: LogReader;
  readonly #flusher: LogFlusher;
  readonly #checkpointer: LogCheckpointer;
  readonly #cache: LogBatchCache;
  readonly #trimmer: LogTrimmer;
  #compactor: LogCompactor | undefined;

  /** For {@linkcode Log.open} and {@linkcode Log.create}. */
  private constructor(
    state: LogState,
    loaded: LoadedLog,
    options: Omit<LogFlusherOptions, "isDirty" | "flushedOffset"> & { recoveryPoint: number },
  ) {
    const recovered = loaded.recovery !== undefined;
    const recoveryPoint = recovered
      ? Math.min(options.recoveryPoint, loaded.logEndOffset)
      : loaded.logEndOffset;
    this.recovery = loaded.recovery;
    this.losses = loaded.losses;
    this.#state = state;
    this.#reader = new LogReader(state);
    this.#flusher = new LogFlusher(state, {
      ...options,
      flushedOffset: recoveryPoint,
      isDirty: recovered,
    });
    this.#checkpointer = new LogCheckpointer(state, this.#flusher, recoveryPoint, recovered);
    this.#cache = state.context.batchCache.forLog();
    this.#trimmer = new LogTrimmer(state, this.#flusher, this.#checkpointer, this.#cache);
    this.#appender = new LogAppender(
      state,
      this.#flusher,
      this.#checkpointer,
      this.#cache,
      this.#trimmer,
    );
  }

  /** Creates the log of a new folder. Its files are created by the first append. */
  static create(
    context: LogContext,
    name: string,
    folder: string,
    config: LogConfig,
    options: NewLogOptions,
  ): Log {
    const { nowMs, hasUnsyncedCheckpoints } = options;
    const loaded = emptyLog(new Segment(context, folder, 0, undefined, nowMs));
    return new Log(new LogState(context, name, folder, config, loaded, 0), loaded, {
      recoveryPoint: 0,
      hasUnsyncedNames: true,
      hasUnsyncedCheckpoints,
    });
  }

  /** Opens the log of a folder, and recovers it unless the last shutdown was clean. */
  static async open(
    context: LogContext,
    name: string,
    folder: string,
    config: LogConfig,
    options: LogOpenOptions,
  ): Promise<Log> {
    const { indexIntervalBytes } = config;
    const { producerIdExpirationMs } = context;
    const loaded = await loadLog(context, name, folder, {
      ...options,
      indexIntervalBytes,
      producerIdExpirationMs,
    });
    const { firstDirtyOffset } = options;
    const state = new LogState(context, name, folder, config, loaded, firstDirtyOffset);
    return new Log(state, loaded, {
      recoveryPoint: options.recoveryPoint ?? 0,
      // A log without records may never have been flushed.
      hasUnsyncedNames: !options.isClean || loaded.logEndOffset === 0,
      hasUnsyncedCheckpoints: false,
    });
  }

  /** Notes that a record was found damaged after the log was opened, and can be copied from elsewhere. */
  noteLost(offset: number): void {
    this.#state.noteLost(offset);
  }

  /** The first record found to be lost or damaged when the log was opened, or noted; truncation removes it. */
  get firstLostOffset(): number | undefined {
    return this.#state.firstLostOffset;
  }

  /** Name of the partition's folder, for instance `orders-3`. */
  get name(): string {
    return this.#state.name;
  }

  /** The first offset that can be read. */
  get logStartOffset(): number {
    return this.#state.logStartOffset;
  }

  /** Base offset of the oldest segment; records before it are deleted. */
  get firstSegmentOffset(): number {
    return this.#state.segments.first.baseOffset;
  }

  /** The offset of the next record. */
  get logEndOffset(): number {
    return this.#state.logEndOffset;
  }

  /** All records before this offset are on disk. */
  get flushedOffset(): number {
    return this.#flusher.flushedOffset;
  }

  /** Batches before this offset need no check after a crash. */
  get recoveryPoint(): number {
    return this.#checkpointer.recoveryPoint;
  }

  /** The offsets of this log for the checkpoints of the data folder. */
  get checkpointedOffsets(): CheckpointedOffsets {
    return this.#checkpointer.offsets;
  }

  /** Records before this offset have been cleaned, if the log is compacted. */
  get firstDirtyOffset(): number {
    return this.#state.firstDirtyOffset;
  }

  /** Total size of all segments, in bytes. */
  get sizeInBytes(): number {
    return this.#state.segments.sizeInBytes;
  }

  get config(): LogConfig {
    return this.#state.config;
  }

  /** Path of the partition's folder. */
  get folder(): string {
    return this.#state.folder;
  }

  get isClosed(): boolean {
    return this.#state.isClosed;
  }

  /** Why the log is offline, if it is. */
  get offlineError(): LogOfflineError | undefined {
    return this.#state.offline;
  }

  /** The segments, oldest first. */
  get segments(): SegmentInfo[] {
    return segmentInfos(this.#state);
  }

  /** The segments that have files, with the sizes they have after `close`. */
  closedSegments(): ClosedSegment[] {
    return closedSegments(this.#state);
  }

  /** Whether the log never had records, and its folder has only files of a log. */
  get isUnused(): boolean {
    const { context, folder, logEndOffset } = this.#state;
    return logEndOffset === 0 && this.sizeInBytes === 0 && hasOnlyLogFiles(context.fs, folder);
  }

  /** Writes `partition.metadata`. It is on disk after the next flush. */
  writeTopicId(topicId: string): void {
    const { context, folder } = this.#state;
    writePartitionMetadata(context.fs, `${folder}/${PARTITION_METADATA_FILE_NAME}`, topicId);
    this.#flusher.folderChanged();
  }

  /** The id of the topic, if `partition.metadata` has one. */
  get topicId(): string | undefined {
    const { context, folder } = this.#state;
    return readPartitionMetadata(context.fs, `${folder}/${PARTITION_METADATA_FILE_NAME}`);
  }

  /** The known idempotent producers, by id. */
  get producers(): ReadonlyMap<number, ProducerState> {
    return this.#state.producers(-Infinity).producers;
  }

  /** Whether the state of producers is in memory; other calls about them load it. */
  get hasLoadedProducers(): boolean {
    return this.#state.loadedProducers !== undefined;
  }

  /** The oldest open transaction, if there is one. */
  oldestOpenTransaction(): OpenTransaction | undefined {
    return oldestOpenTransaction(this.#state.producers(-Infinity));
  }

  /**
   * First offset of the oldest transaction that is open, or whose marker may still be lost because it is
   * at the high watermark or later; at least the log start offset. The last stable offset is this or, if
   * there is no such transaction, the high watermark.
   */
  firstUnstableOffset(highWatermark: number): number | undefined {
    return this.#state.firstUnstableOffset(highWatermark);
  }

  /**
   * The aborted transactions that may have records from `fetchOffset` on and before `endOffset`, which
   * must not be beyond the last stable offset; in the order of their first offsets.
   *
   * @throws {StorageError} If an index cannot be read.
   */
  abortedTransactions(fetchOffset: number, endOffset: number): AbortedTransaction[] {
    return abortedTransactions(this.#state, fetchOffset, endOffset);
  }

  /**
   * Begins the verification of a transactional batch, before the transaction coordinator is asked whether
   * the partition belongs to the producer's transaction (KIP-890). `append` requires it.
   *
   * @param baseSequence The first sequence of the batch.
   * @returns `undefined` if the transaction is open in this log, so that there is nothing to ask.
   */
  startVerification(
    producerId: number,
    producerEpoch: number,
    baseSequence: number,
  ): Verification | undefined {
    const producers = this.#state.producers(-Infinity);
    return producers.startVerification(producerId, producerEpoch, baseSequence);
  }

  /** The latest leader epoch, or -1. */
  get latestEpoch(): number {
    return this.#state.epochs.latestEpoch;
  }

  /**
   * Whether epochs may be missing: their file was lost, and compaction may have removed the batches that
   * tell where they begin. A comparison with the leader's log may then miss that they differ.
   */
  get hasDoubtfulEpochs(): boolean {
    const { epochs, firstDirtyOffset, config } = this.#state;
    return epochs.isRebuilt && (firstDirtyOffset > 0 || config.cleanupPolicy.includes("compact"));
  }

  /**
   * Appends one or more whole batches. Writes offsets and leader epoch into their bytes. The log
   * does not keep the bytes after this returns.
   *
   * Batches from clients must have passed `validateBatch`.
   *
   * @throws {RecordBatchTooLargeError} If they are larger than `segment.bytes`.
   * @throws {InvalidRecordError} If the bytes are not whole batches with ascending offsets.
   * @throws {OutOfOrderSequenceError} If an idempotent producer's batch does not follow its last
   *   one.
   * @throws {InvalidProducerEpochError} If the producer is fenced by a newer epoch.
   * @throws {UnverifiedTransactionError} If a batch opens a transaction without `options.verification`,
   *   or something was appended for the producer since.
   * @throws {InvalidTransactionStateError} If a batch is not part of its producer's open transaction.
   * @throws {TransactionCoordinatorFencedError} If a marker is from a replaced coordinator.
   * @throws {DiskFullError} If the disk is full. The log is unchanged.
   * @throws {LogOfflineError} If the write failed otherwise, or the log was offline already.
   */
  append(input: RecordBatch | Uint8Array, options: AppendOptions): AppendInfo {
    return this.#appender.append(input, options);
  }

  /**
   * Appends batches of the leader's log as they are: with their offsets, between which there may be
   * gaps, leader epochs, timestamps and producers. The log does not change or keep the bytes. A part of
   * a batch at their end is ignored.
   *
   * If the log has no batches and starts within the first one, it then starts with that batch;
   * `logStartOffset` stays.
   *
   * Nothing is appended if a batch is rejected. If a write fails, the batches before it may have been
   * appended; `logEndOffset` tells.
   *
   * @throws {CorruptRecordError} If a batch is damaged or has an unknown format.
   * @throws {UnexpectedAppendOffsetError} If a batch begins before the log end offset, or before the
   *   end of the one before.
   * @throws {UnexpectedLeaderEpochError} If the leader epoch of a batch is lower than that of the one
   *   before, or higher than `options.leaderEpoch`.
   * @throws {InvalidRecordError} If there is no whole batch, or one contradicts itself.
   * @throws {DiskFullError} If the disk is full.
   * @throws {LogOfflineError} If a write failed otherwise, or the log was offline already.
   */
  appendReplicated(
    input: RecordBatch | Uint8Array,
    options: ReplicatedAppendOptions,
  ): ReplicatedAppendInfo {
    return this.#appender.appendReplicated(input, options);
  }

  /**
   * Resolves when everything appended before the call is on disk. Calls made during a sync share
   * the next one.
   *
   * @throws {LogOfflineError} If the sync failed, or the log was offline already.
   */
  flush(): Promise<void> {
    return this.#flusher.flush();
  }

  /**
   * Reads whole batches, starting with the one that contains `offset`. Returns no promise if they
   * are in memory.
   *
   * @throws {OffsetOutOfRangeError} If the offset is below the log start offset or above the log
   *   end offset. At the log end offset nothing is read.
   * @throws {CorruptRecordError} If the batch at the offset is damaged.
   */
  read(offset: number, options: ReadOptions): LogRead | Promise<LogRead> {
    const state = this.#state;
    if (state.isClosed) throw state.closedError("read from");
    this.#reader.checkRange("read from", offset);
    const { maxBytes, minOneBatch = true, withEmptyBatches = false } = options;
    const maxOffset = Math.min(options.maxOffset ?? Infinity, state.logEndOffset);
    if (offset >= maxOffset) return { chunks: [], sizeInBytes: 0, nextOffset: offset };
    const limits = { offset, maxBytes, maxOffset, minOneBatch, withEmptyBatches };
    return this.#cache.read(limits) ?? this.#reader.read(limits);
  }

  /**
   * The first record with this timestamp or a later one, in milliseconds since 1970, if there is
   * one.
   */
  offsetForTimestamp(timestamp: number): Promise<TimestampAndOffset | undefined> {
    return this.#reader.offsetForTimestamp(timestamp);
  }

  /** The first of the records with the largest timestamp (KIP-734). */
  maxTimestampOffset(): Promise<TimestampAndOffset | undefined> {
    return this.#reader.maxTimestampOffset();
  }

  /**
   * The largest epoch up to `leaderEpoch` and its end offset; `undefined` if it is not known
   * (KIP-320).
   */
  endOffsetForEpoch(leaderEpoch: number): EpochAndOffset | undefined {
    const { epochs, logEndOffset } = this.#state;
    return epochs.endOffsetFor(leaderEpoch, logEndOffset);
  }

  /**
   * Starts a leader epoch at the log end offset, before the leader's first append or answer (KIP-279).
   * Does nothing if it is the latest already.
   *
   * @throws {UnexpectedLeaderEpochError} If the log has a later one: epochs that fall make two histories
   *   look like one.
   */
  beginEpoch(leaderEpoch: number): void {
    const state = this.#state;
    state.checkWritable("begin an epoch of");
    const { latestEpoch } = state.epochs;
    if (leaderEpoch < latestEpoch) {
      throw new UnexpectedLeaderEpochError(
        `Cannot begin epoch ${leaderEpoch} of "${state.name}": the log has epoch ${latestEpoch}`,
      );
    }
    if (leaderEpoch === latestEpoch) return;
    state.epochs.assign(leaderEpoch, state.logEndOffset);
    this.#checkpointer.changed();
  }

  /**
   * Advances the log start offset. Segments before it are deleted by the next `applyRetention`, and
   * the next checkpoint of the data folder persists it.
   *
   * @returns The log start offset, which never decreases.
   * @throws {OffsetOutOfRangeError} If the offset is beyond the log end offset.
   */
  deleteRecordsBefore(offset: number): number {
    return this.#trimmer.deleteRecordsBefore(offset);
  }

  /**
   * Removes the batches with offsets of `offset` or larger, and what was derived from them: index
   * entries, leader epochs, the state of producers.
   *
   * First the recovery point on disk is lowered, so that after a crash at any time everything derived
   * from the batches agrees with those that are there. Truncations of many logs that begin at the same
   * time share that write. When the promise resolves, the cut is on disk: no removed batch can come
   * back after one that was appended since.
   *
   * @param isWanted Asked immediately before the cut, because the log may have got another leader
   *   since the call. If false, nothing is removed. Default: true.
   * @returns Whether batches were removed. The log then ends at `offset`, or at the base offset of the
   *   batch that contained it.
   * @throws {StorageError} If the recovery point cannot be written. Nothing is removed.
   * @throws {LogOfflineError} If the cut failed, or the log was offline already.
   */
  truncateTo(
    offset: number,
    nowMs: number,
    isWanted: () => boolean = () => true,
  ): Promise<boolean> {
    return this.#trimmer.truncateTo(offset, nowMs, isWanted);
  }

  /**
   * Removes all batches; the log then starts and ends at `offset`. Otherwise like `truncateTo`.
   *
   * @returns Whether it was wanted.
   */
  truncateFullyAndStartAt(
    offset: number,
    nowMs: number,
    isWanted: () => boolean = () => true,
  ): Promise<boolean> {
    return this.#trimmer.truncateFullyAndStartAt(offset, nowMs, isWanted);
  }

  /**
   * Deletes segments by `retention.ms`, `retention.bytes` and the log start offset, the oldest first.
   * Their files are renamed, and removed by `removeDeleted` after `file.delete.delay.ms`.
   *
   * @param maxOffset The high watermark: segments that end after it are kept. Default: the log end
   *   offset.
   * @returns How many segments were deleted. The deletion is on disk when this resolves.
   * @throws {LogOfflineError} If a deletion failed, or the log was offline already.
   * @throws {DiskFullError} If the disk is full. Some segments may have been deleted.
   */
  applyRetention(nowMs: number, maxOffset: number = this.logEndOffset): Promise<number> {
    return this.#trimmer.applyRetention(nowMs, maxOffset);
  }

  /** Removes the files of segments deleted at least `file.delete.delay.ms` ago. */
  removeDeleted(nowMs: number): Promise<void> {
    return this.#trimmer.removeDeleted(nowMs);
  }

  /** Removes idempotent producers without writes for `producer.id.expiration.ms`. */
  removeExpiredProducers(nowMs: number): void {
    this.#state.loadedProducers?.removeExpired(nowMs);
  }

  /**
   * The part of the log that can be cleaned.
   *
   * @param maxOffset The high watermark: records from there on, and from the last stable offset on, are
   *   not cleaned.
   */
  cleanableRange(nowMs: number, maxOffset: number): CleanableRange {
    return this.#cleaner.range(nowMs, maxOffset);
  }

  /**
   * Runs a pass of the cleaner, which keeps the last record of each key, for as many keys as fit in
   * memory. Appends and reads continue during the pass. Joins a pass that is already running.
   *
   * @returns `undefined` if there was nothing to clean, or the log was truncated or closed during
   *   the pass.
   * @throws {CorruptRecordError} If the log is damaged. It is unchanged.
   * @throws {DiskFullError} If the disk has no room for the cleaned segments. The log is unchanged.
   * @throws {LogOfflineError} If the cleaned segments could not be put in place.
   * @throws {StorageError} If the pass failed otherwise. The log is unchanged.
   */
  clean(options: CleanOptions): Promise<LogCleaning | undefined> {
    return this.#cleaner.clean(options);
  }

  get #cleaner(): LogCompactor {
    return this.#compactor ??= new LogCompactor(
      this.#state,
      this.#flusher,
      this.#checkpointer,
      this.#trimmer,
      this.#cache,
    );
  }

  /** Changes the settings, with immediate effect. */
  updateConfig(config: LogConfig): void {
    this.#state.updateConfig(config);
  }

  /**
   * Syncs everything that recovery would otherwise have to rebuild, and advances the recovery point
   * to the log end offset as of the call.
   */
  checkpoint(): Promise<void> {
    return this.#checkpointer.checkpoint();
  }

  /** Flushes and checkpoints the log and closes its files. Closing twice is allowed. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.#state.beginClose();
    await this.#compactor?.stop();
    try {
      if (this.offlineError === undefined) {
        this.#trimFiles();
        await this.flush();
        await this.checkpoint();
      }
    } finally {
      this.abandon();
    }
  }

  /** Cuts off space added by `preallocate`, so that the file has the size in `closedSegments`. */
  #trimFiles(): void {
    const { segments } = this.#state;
    try {
      if (segments.active.trim()) this.#flusher.trimmed();
    } catch (error) {
      throw this.#state.failure("close", error, false);
    }
  }

  /** Closes the files without further writes, as a crash would. */
  abandon(): void {
    if (this.isClosed) return;
    this.#state.close();
    this.#cache.clear();
    for (const segment of this.#state.segments) segment.close();
  }

  /** Closes the log, whose folder was renamed to be deleted, without further writes. */
  markDeleted(folder: string): void {
    this.#state.markDeleted(folder);
    this.abandon();
  }
}
