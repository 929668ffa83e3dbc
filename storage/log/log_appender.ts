/**
 * Appends batches to a log: assigns their offsets, rolls a segment if one is due, writes them, and
 * updates everything that is derived from them.
 *
 * @module
 */

import { RecordBatch, recordBatches } from "../../protocol/records/mod.ts";
import type { LogBatchCache } from "./batch_cache.ts";
import type { LeaderEpochCache } from "./leader_epoch_cache.ts";
import {
  type AppendInfo,
  type AppendOptions,
  assignOffsets,
  checkBatches,
  checkOffsets,
} from "./log_append.ts";
import type { LogCheckpointer } from "./log_checkpointer.ts";
import { newFileSize } from "./log_config.ts";
import type { LogFlusher } from "./log_flusher.ts";
import { isRollDue, roll, rollOffset } from "./log_roll.ts";
import type { LogState } from "./log_state.ts";
import type { ProducerStateManager } from "./producers/producer_state.ts";

/** Appends to one log. */
export class LogAppender {
  readonly #log: LogState;
  readonly #flusher: LogFlusher;
  readonly #checkpointer: LogCheckpointer;
  readonly #cache: LogBatchCache;

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

  /** `Log.append` documents this. */
  append(input: RecordBatch | Uint8Array, options: AppendOptions): AppendInfo {
    const log = this.#log;
    log.checkWritable("append to");
    const { nowMs, leaderEpoch, origin = "client" } = options;
    const isBatch = input instanceof RecordBatch;
    const batches = isBatch ? [input] : Array.from(recordBatches(input));
    const bytes = isBatch ? input.bytes : input;
    checkBatches(log.name, batches, bytes, log.config.segmentBytes);
    log.activate();
    // Loaded before the write, so that nothing is written if loading fails.
    const { epochs } = log;
    const producers = log.producers(nowMs);
    const duplicate = producers.check(batches, origin);
    if (duplicate !== undefined) {
      return this.#appended(duplicate.firstOffset, duplicate.lastOffset, batches, true);
    }
    if (origin === "replication") checkOffsets(log.name, batches, log.logEndOffset);
    else assignOffsets(batches, log.logEndOffset, leaderEpoch);
    const firstOffset = batches[0]!.baseOffset;
    const { lastOffset } = batches[batches.length - 1]!;
    this.#rollIfDue(bytes.length, batches, nowMs);
    const { active } = log.segments;
    if (!active.isOnDisk) this.#flusher.namesChanged();
    try {
      active.write(bytes, newFileSize(log.config));
    } catch (error) {
      throw log.failure("append to", error, true);
    }
    this.#updateDerivedState(batches, producers, epochs);
    log.appended(lastOffset + 1);
    this.#flusher.appended();
    this.#checkpointer.changed();
    return this.#appended(firstOffset, lastOffset, batches, false);
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
      producers.update(batch, () => batch);
      const { partitionLeaderEpoch, baseOffset } = batch;
      if (partitionLeaderEpoch > epochs.latestEpoch) {
        epochs.assign(partitionLeaderEpoch, baseOffset);
      }
      this.#cache.append(batch.bytes, baseOffset, batch.nextOffset);
      position += batch.sizeInBytes;
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
