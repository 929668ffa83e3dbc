/**
 * The start offset of each leader epoch of a partition: `leader-epoch-checkpoint`.
 *
 * Entries ascend in both fields. The file is written at checkpoints and at close; recovery finds
 * later epochs in the batches that it scans. `leader_epoch_file.ts` has what happens if it is lost.
 *
 * @module
 */

import {
  checkpointNumber,
  formatCheckpoint,
  readCheckpoint,
} from "../file_system/checkpoint_file.ts";
import { type FileSystem, replaceFile, replaceFileSync } from "../file_system/file_system.ts";

/** Name of the file in a partition's folder. */
export const LEADER_EPOCH_FILE_NAME = "leader-epoch-checkpoint";

/** A leader epoch and its start or end offset. */
export interface EpochAndOffset {
  readonly leaderEpoch: number;
  readonly offset: number;
}

/** The leader epochs of one log. */
export class LeaderEpochCache {
  #entries: EpochAndOffset[] = [];
  #isDirty = false;
  #isRebuilt = false;

  /** Reads the file in a partition's folder; the cache is empty if there is none. */
  static read(fs: FileSystem, path: string): LeaderEpochCache {
    const cache = new LeaderEpochCache();
    for (const [epoch, offset] of readCheckpoint(fs, path, 2)) {
      cache.assign(checkpointNumber(path, epoch!), checkpointNumber(path, offset!));
    }
    cache.#isDirty = false;
    return cache;
  }

  /** Epochs with their start offsets, ascending. */
  get entries(): readonly EpochAndOffset[] {
    return this.#entries;
  }

  /** The latest epoch, or -1. */
  get latestEpoch(): number {
    return this.#entries.at(-1)?.leaderEpoch ?? -1;
  }

  /** The latest epoch that begins before an offset, or -1. */
  latestEpochBefore(offset: number): number {
    return this.#entries.findLast((entry) => entry.offset < offset)?.leaderEpoch ?? -1;
  }

  /** Whether the epochs were found in the batches, because the file was lost. */
  get isRebuilt(): boolean {
    return this.#isRebuilt;
  }

  /** Marks the epochs as found in the batches. */
  markRebuilt(): void {
    this.#isRebuilt = true;
  }

  /** Whether there are changes since the last `write` or `read`. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  /** Adds an epoch that begins at an offset. Removes entries that contradict it. */
  assign(leaderEpoch: number, offset: number): void {
    const last = this.#entries.at(-1);
    if (last !== undefined && last.leaderEpoch === leaderEpoch && last.offset <= offset) return;
    while (this.#entries.length > 0) {
      const { leaderEpoch: epoch, offset: start } = this.#entries.at(-1)!;
      if (epoch < leaderEpoch && start < offset) break;
      this.#entries.pop();
    }
    this.#entries.push({ leaderEpoch, offset });
    this.#isDirty = true;
  }

  /**
   * The largest epoch up to `leaderEpoch`, and its end offset (KIP-320). The latest epoch ends at
   * the log end offset; an epoch older than all known ones ends where the first known one starts.
   * `undefined` if `leaderEpoch` is newer than the latest.
   */
  endOffsetFor(leaderEpoch: number, logEndOffset: number): EpochAndOffset | undefined {
    if (leaderEpoch < 0) return undefined;
    if (leaderEpoch === this.latestEpoch) return { leaderEpoch, offset: logEndOffset };
    const higher = this.#entries.findIndex((entry) => entry.leaderEpoch > leaderEpoch);
    if (higher < 0) return undefined;
    const { offset } = this.#entries[higher]!;
    return { leaderEpoch: this.#entries[higher - 1]?.leaderEpoch ?? leaderEpoch, offset };
  }

  /** The epoch of the record at `offset`, or -1. */
  epochFor(offset: number): number {
    return this.#entries.findLast((entry) => entry.offset <= offset)?.leaderEpoch ?? -1;
  }

  /** Removes epochs that begin at `endOffset` or later. Returns whether there were any. */
  truncateFromEnd(endOffset: number): boolean {
    let isChanged = false;
    while (this.#entries.length > 0 && this.#entries.at(-1)!.offset >= endOffset) {
      this.#entries.pop();
      this.#isDirty = isChanged = true;
    }
    return isChanged;
  }

  /**
   * Removes epochs that end at `startOffset` or before, and moves the start of the next one there.
   */
  truncateFromStart(startOffset: number): void {
    const kept = this.#entries.findLastIndex((entry) => entry.offset <= startOffset);
    if (kept < 0 || (kept === 0 && this.#entries[0]!.offset === startOffset)) return;
    this.#entries.splice(0, kept + 1, {
      leaderEpoch: this.#entries[kept]!.leaderEpoch,
      offset: startOffset,
    });
    this.#isDirty = true;
  }

  /** Adds earlier epochs. The last of them may be the first one here, which then begins earlier. */
  prepend(earlier: LeaderEpochCache): void {
    const later = this.#entries.filter(({ leaderEpoch }) => leaderEpoch > earlier.latestEpoch);
    this.#entries = [...earlier.entries, ...later];
    this.#isDirty = true;
  }

  /** Removes all epochs. */
  clear(): void {
    this.truncateFromEnd(-1);
  }

  /**
   * Replaces the file and syncs it. A part of it must not remain after a power failure: epochs of a
   * compacted log cannot be found in its batches with certainty.
   */
  async save(fs: FileSystem, path: string): Promise<void> {
    this.#isDirty = false;
    try {
      await replaceFile(fs, path, this.#content());
    } catch (error) {
      this.#isDirty = true;
      throw error;
    }
  }

  /** Writes the file without a sync. */
  write(fs: FileSystem, path: string): void {
    replaceFileSync(fs, path, this.#content());
    this.#isDirty = false;
  }

  #content(): Uint8Array {
    return formatCheckpoint(this.#entries.map((entry) => `${entry.leaderEpoch} ${entry.offset}`));
  }
}
