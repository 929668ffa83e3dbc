/**
 * Advances a log's recovery point, so that little must be checked after a crash.
 *
 * The recovery point advances to an offset only when everything that recovery would otherwise have
 * to rebuild from the batches before it is on disk: the batches themselves, the indexes, a producer
 * snapshot, the leader epochs. The data folder then writes it to its checkpoint.
 *
 * @module
 */

import { syncFile } from "../file_system/file_system.ts";
import { GroupCommit } from "./group_commit.ts";
import { LEADER_EPOCH_FILE_NAME } from "./leader_epoch_cache.ts";
import type { LogFlusher } from "./log_flusher.ts";
import type { LogState } from "./log_state.ts";
import type { Segment } from "../segment/segment.ts";

/** What the checkpoints of the data folder say of a log. */
export interface CheckpointedOffsets {
  /** Batches before this offset need no check after a crash. */
  readonly recoveryPoint: number;
  readonly logStartOffset: number;
  readonly firstDirtyOffset: number;
}

/** A truncation of a log. */
export interface Truncation {
  /** Batches from here on are removed. */
  readonly offset: number;
  /** Where recovery must begin after a crash, whatever part of the truncation is on disk. */
  readonly recoveryPoint: number;
}

/** Checkpoints one log. */
export class LogCheckpointer {
  readonly #log: LogState;
  readonly #flusher: LogFlusher;
  /** Made by the first checkpoint that has something to do. */
  #runs: GroupCommit | undefined;
  #recoveryPoint: number;
  #isDue: boolean;
  /** The truncations under way, if there are any. */
  #truncations: Truncation[] | undefined;

  constructor(log: LogState, flusher: LogFlusher, recoveryPoint: number, isDue: boolean) {
    this.#log = log;
    this.#flusher = flusher;
    this.#recoveryPoint = recoveryPoint;
    this.#isDue = isDue;
  }

  /** Batches before this offset need no check after a crash. */
  get recoveryPoint(): number {
    return this.#recoveryPoint;
  }

  /** Marks the next checkpoint as necessary. */
  changed(): void {
    this.#isDue = true;
  }

  /** Lowers the recovery point to `offset`, because the log was truncated. */
  truncated(offset: number): void {
    this.#recoveryPoint = Math.min(this.#recoveryPoint, offset);
    this.#isDue = true;
  }

  /**
   * Lowers what the data folder's checkpoints say of the log, before it is truncated. They stay that low
   * until `endTruncation`.
   */
  beginTruncation(truncation: Truncation): void {
    (this.#truncations ??= []).push(truncation);
    this.truncated(truncation.recoveryPoint);
  }

  /** Ends what `beginTruncation` began, whether or not the log was truncated. */
  endTruncation(truncation: Truncation): void {
    const others = this.#truncations?.filter((other) => other !== truncation);
    this.#truncations = others?.length === 0 ? undefined : others;
  }

  /** The offsets of the log for the data folder's checkpoints. */
  get offsets(): CheckpointedOffsets {
    const { logStartOffset, firstDirtyOffset } = this.#log;
    const offsets = this.#truncations?.map(({ offset }) => offset) ?? [];
    return {
      recoveryPoint: this.#recoveryPoint,
      logStartOffset: Math.min(logStartOffset, ...offsets),
      firstDirtyOffset: Math.min(firstDirtyOffset, ...offsets),
    };
  }

  /** Advances the recovery point to the current log end offset. Concurrent calls share a run. */
  async checkpoint(): Promise<void> {
    const log = this.#log;
    if (log.offline !== undefined || log.isClosed) return;
    if (!this.#isDue) return await this.#runs?.current;
    this.#runs ??= new GroupCommit(() => this.#checkpoint());
    await this.#runs.request();
  }

  async #checkpoint(): Promise<void> {
    const log = this.#log;
    if (!this.#isDue || log.offline !== undefined || log.isClosed) return;
    this.#isDue = false;
    const target = log.logEndOffset;
    const { truncations } = this.#flusher;
    try {
      const paths = this.#writeState();
      const indexed = this.#writeIndexes();
      // The flush also makes the names of these files durable.
      if (paths.length > 0 || indexed.length > 0) this.#flusher.namesChanged();
      await this.#flusher.flush();
      const { fs } = log.context;
      for (const path of paths) {
        // Truncation or retention may have removed it; an empty file is as good as none.
        if (fs.statSync(path)?.size) await syncFile(fs, path);
      }
      for (const { indexes, usedTransactions } of indexed) {
        await indexes.sync();
        await usedTransactions?.sync();
      }
      // After the flush, so that no epoch precedes its batches, nor a truncation of others.
      const { loadedEpochs, folder } = log;
      if (loadedEpochs?.isDirty) await loadedEpochs.save(fs, `${folder}/${LEADER_EPOCH_FILE_NAME}`);
    } catch (error) {
      this.#isDue = true;
      if (log.isClosed) throw log.closedError("checkpoint");
      throw error;
    }
    if (truncations !== this.#flusher.truncations || this.#truncations !== undefined) {
      this.#isDue = true;
      return;
    }
    const previous = this.#recoveryPoint;
    this.#recoveryPoint = Math.max(previous, target);
    // Older snapshots are used by truncation only, for which those at segment starts suffice, and that of
    // the checkpoint before: a truncation removes little, but perhaps more than there is since this one.
    log.loadedProducers?.removeSnapshots(log.folder, (snapshot) => {
      const segment = log.segments.at(log.segments.floorSlot(snapshot));
      return snapshot >= previous || segment?.baseOffset === snapshot;
    });
  }

  /** Writes index entries; returns the segments whose index files must be synced. */
  #writeIndexes(): Segment[] {
    const { segments } = this.#log;
    for (const segment of segments) {
      const { indexes } = segment;
      segment.usedTransactions?.write();
      if (!indexes.isReady || segment.sizeInBytes === 0) continue;
      indexes.addMaxTimestamp();
      indexes.write();
      if (segment !== segments.active) indexes.release();
    }
    return Array.from(segments).filter(({ indexes, usedTransactions }) => {
      return indexes.hasUnsyncedFiles || usedTransactions?.hasUnsyncedFile === true;
    });
  }

  /** Writes the producer snapshot; returns the paths that must be synced. */
  #writeState(): string[] {
    const { loadedProducers, folder } = this.#log;
    return loadedProducers === undefined ? [] : [loadedProducers.takeSnapshot(folder)];
  }
}
