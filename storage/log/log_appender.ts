/**
 * Appends batches to a log: assigns their offsets, or checks those that a leader assigned; rolls a
 * segment if one is due; writes them, and updates everything that is derived from them.
 *
 * @module
 */

import { RecordBatch, recordBatches } from "../../protocol/records/mod.ts";
import type { LogBatchCache } from "./batch_cache.ts";
import type { LeaderEpochCache } from "./leader_epoch_cache.ts";
import { type AppendInfo, type AppendOptions, assignOffsets, checkBatches } from "./log_append.ts";
import type { LogCheckpointer } from "./log_checkpointer.ts";
import { newFileSize } from "./log_config.ts";
import type { LogFlusher } from "./log_flusher.ts";
import { endOfRun, isRollDue, roll, rollOffset } from "./log_roll.ts";
import type { LogState } from "./log_state.ts";
import type { LogTrimmer } from "./log_trimmer.ts";
import type { ProducerStateManager } from "./producers/producer_state_manager.ts";
import {
  checkReplicatedBatches,
  type ReplicatedAppendInfo,
  type ReplicatedAppendOptions,
} from "./replicated_batches.ts";

/** Appends to one log. */
export class LogAppender {
  readonly #log: LogState;
  readonly #flusher: LogFlusher;
  readonly #checkpointer: LogCheckpointer;
  readonly #cache: LogBatchCache;
  readonly #trimmer: LogTrimmer;

  constructor(
    log: LogState,
    flusher: LogFlusher,
    checkpointer: LogCheckpointer,
    cache: LogBatchCache,
    trimmer: LogTrimmer,
  ) {
    this.#log = log;
    this.#flusher = flusher;
    this.#checkpointer = checkpointer;
    this.#cache = cache;
    this.#trimmer = trimmer;
  }

  /** `Log.append` documents this. */
  append(input: RecordBatch | Uint8Array, options: AppendOptions): AppendInfo {
    const log = this.#log;
    log.checkWritable("append to");
    const { nowMs, leaderEpoch, origin = "client", verification, isTransactionV2 } = options;
    const isBatch = input instanceof RecordBatch;
    const batches = isBatch ? [input] : Array.from(recordBatches(input));
    const bytes = isBatch ? input.bytes : input;
    checkBatches(log.name, batches, bytes, log.config.segmentBytes);
    log.activate();
    // Loaded before the write, so that nothing is written if loading fails.
    const { epochs } = log;
    const producers = log.producers(nowMs);
    const duplicate = producers.check(batches, { origin, verification, isTransactionV2 });
    if (duplicate !== undefined) {
      return this.#appended(duplicate.firstOffset, duplicate.lastOffset, batches, true);
    }
    assignOffsets(batches, log.logEndOffset, leaderEpoch);
    this.#rollIfDue(bytes.length, batches, nowMs);
    this.#write(bytes, batches, producers, epochs);
    this.#cacheAll(batches);
    const { lastOffset } = batches[batches.length - 1]!;
    return this.#appended(batches[0]!.baseOffset, lastOffset, batches, false);
  }

  /** `Log.appendReplicated` documents this. */
  appendReplicated(
    input: RecordBatch | Uint8Array,
    { leaderEpoch, nowMs }: ReplicatedAppendOptions,
  ): ReplicatedAppendInfo {
    const log = this.#log;
    log.checkWritable("append to");
    const isBatch = input instanceof RecordBatch;
    const batches = isBatch ? [input] : Array.from(recordBatches(input));
    const bytes = isBatch ? input.bytes : input;
    const { name, logEndOffset } = log;
    const { epochs } = log;
    // An epoch that this broker began as a leader, without records, is not in the leader's history.
    const latestEpoch = epochs.latestEpochBefore(logEndOffset);
    const startsEarlier = this.#startsWithin(batches[0]);
    const nextOffset = startsEarlier ? batches[0]!.baseOffset : logEndOffset;
    checkReplicatedBatches({ name, nextOffset, latestEpoch }, batches, leaderEpoch);
    log.activate();
    const producers = log.producers(nowMs);
    producers.checkReplicated(batches);
    if (startsEarlier) this.#trimmer.startAt(nextOffset, nowMs);
    epochs.truncateFromEnd(nextOffset);
    let position = 0;
    for (let slot = 0; slot < batches.length;) {
      this.#rollIfDue(batches[slot]!.sizeInBytes, [batches[slot]!], nowMs);
      const end = endOfRun(name, log.segments.active, log.config, batches, slot);
      const run = batches.slice(slot, end);
      const start = position;
      for (const batch of run) position += batch.sizeInBytes;
      this.#write(bytes.subarray(start, position), run, producers, epochs);
      slot = end;
    }
    if (startsEarlier) log.advanceStart(logEndOffset);
    // Nobody reads them here before this broker leads: the memory is for those that are read.
    this.#cache.clear();
    const { lastOffset } = batches[batches.length - 1]!;
    return { firstOffset: batches[0]!.baseOffset, lastOffset, sizeInBytes: position };
  }

  /**
   * Whether the log has no batches, and begins within this one: the leader's log start offset, where
   * the copy begins, need not be that of a batch.
   */
  #startsWithin(first: RecordBatch | undefined): boolean {
    const { logStartOffset, logEndOffset, segments } = this.#log;
    return first !== undefined && logStartOffset === logEndOffset && segments.sizeInBytes === 0 &&
      first.baseOffset >= 0 && first.baseOffset < logEndOffset && first.lastOffset >= logEndOffset;
  }

  /** Writes batches with offsets, and updates everything that is derived from them. */
  #write(
    bytes: Uint8Array,
    batches: readonly RecordBatch[],
    producers: ProducerStateManager,
    epochs: LeaderEpochCache,
  ): void {
    const log = this.#log;
    const { active } = log.segments;
    if (!active.isOnDisk) this.#flusher.namesChanged();
    try {
      active.write(bytes, newFileSize(log.config));
    } catch (error) {
      throw log.failure("append to", error, true);
    }
    this.#updateDerivedState(batches, producers, epochs);
    log.appended(batches[batches.length - 1]!.nextOffset);
    this.#flusher.appended();
    this.#checkpointer.changed();
  }

  #appended(
    firstOffset: number,
    lastOffset: number,
    batches: readonly RecordBatch[],
    isDuplicate: boolean,
  ): AppendInfo {
    const last = batches[batches.length - 1]!;
    return {
      firstOffset,
      lastOffset,
      logAppendTimeMs: last.timestampType === 1 ? last.maxTimestamp : -1,
      logStartOffset: this.#log.logStartOffset,
      isDuplicate,
    };
  }

  /** Updates everything that is derived from the batches just written. */
  #updateDerivedState(
    batches: readonly RecordBatch[],
    producers: ProducerStateManager,
    epochs: LeaderEpochCache,
  ): void {
    const { segments, config } = this.#log;
    const { active } = segments;
    let position = active.sizeInBytes;
    for (const batch of batches) position -= batch.sizeInBytes;
    for (const batch of batches) {
      active.indexes.add(batch, position, config.indexIntervalBytes);
      const completed = producers.update(batch, () => batch);
      if (completed?.isAborted === true) {
        active.transactions.add(completed);
        active.transactions.tryWrite();
      }
      const { partitionLeaderEpoch, baseOffset } = batch;
      if (partitionLeaderEpoch > epochs.latestEpoch) {
        epochs.assign(partitionLeaderEpoch, baseOffset);
      }
      position += batch.sizeInBytes;
    }
  }

  #cacheAll(batches: readonly RecordBatch[]): void {
    for (const batch of batches) {
      this.#cache.append(batch.bytes, batch.baseOffset, batch.nextOffset);
    }
  }

  #rollIfDue(size: number, batches: readonly RecordBatch[], nowMs: number): void {
    const { name, segments, config } = this.#log;
    if (!isRollDue(name, segments.active, config, batches, size, nowMs)) return;
    try {
      const baseOffset = rollOffset(this.#log.logEndOffset, batches);
      roll(this.#log, this.#flusher, this.#checkpointer, baseOffset, nowMs);
    } catch (error) {
      throw this.#log.failure("append to", error, true);
    }
  }
}
