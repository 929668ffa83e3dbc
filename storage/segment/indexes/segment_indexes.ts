/**
 * The indexes of one segment: its offset index and its time index, and the timestamps that are known
 * from them.
 *
 * The indexes of the active segment stay in memory and take entries. Those of other segments are read
 * from their files on demand and kept in the shared `IndexCache`. If a file is missing or corrupt,
 * both indexes are rebuilt from the batches.
 *
 * Files are written without a sync; `sync` brings them to disk, for which a checkpoint waits.
 *
 * @module
 */

import { CorruptFileError } from "../../errors.ts";
import {
  type FileSystem,
  FileSystemError,
  isNotFound,
  syncFile,
} from "../../file_system/file_system.ts";
import { runAtOnce } from "../../time_slice.ts";
import type { BatchHeader } from "../batch_cursor.ts";
import type { IndexCache, IndexPair } from "./index_cache.ts";
import { OFFSET_INDEX_ENTRY_SIZE, OffsetIndex } from "./offset_index.ts";
import { NO_TIMESTAMP, TIME_INDEX_ENTRY_SIZE, TimeIndex } from "./time_index.ts";

/** Offsets in the indexes are relative to the base offset, and int32. */
export const MAX_RELATIVE_OFFSET = 2 ** 31 - 1;

/** Resources shared by the indexes of a data folder. */
export interface IndexContext {
  readonly fs: FileSystem;
  readonly indexCache: IndexCache;
}

/** The last batch of a segment, by which its file is recognized. */
export interface LastBatch {
  readonly position: number;
  readonly crc: number;
}

/** The segment that indexes belong to. */
export interface IndexedSegment {
  readonly baseOffset: number;
  readonly sizeInBytes: number;
  readonly isDeleted: boolean;
  readonly offsetIndexPath: string;
  readonly timeIndexPath: string;
  /** Iterates over the valid batches from a position where one starts; `undefined` is no batch. */
  batchesFrom(
    position: number,
  ): Generator<{ readonly header: BatchHeader; readonly position: number } | undefined, void>;
}

/** The offset index and the time index of a segment. */
export class SegmentIndexes {
  readonly #context: IndexContext;
  readonly #segment: IndexedSegment;
  /** Kept in memory while the segment takes appends, or until they are written. */
  #pair: IndexPair | undefined;
  #maxTimestamp: number | undefined;
  #offsetOfMaxTimestamp = -1;
  #firstTimestamp: number | undefined;
  #hasUnsyncedFiles = false;
  #lastPosition = -1;
  #lastCrc = -1;

  constructor(context: IndexContext, segment: IndexedSegment) {
    this.#context = context;
    this.#segment = segment;
  }

  /** Whether the indexes are in memory and take entries. */
  get isReady(): boolean {
    return this.#pair !== undefined;
  }

  /** The offset index, loaded if necessary. */
  get offset(): OffsetIndex {
    return this.#loaded.offset;
  }

  /** The time index, loaded if necessary. */
  get time(): TimeIndex {
    return this.#loaded.time;
  }

  /** Whether index files were written but not synced. */
  get hasUnsyncedFiles(): boolean {
    return this.#hasUnsyncedFiles;
  }

  /** Largest timestamp of a record, or -1. */
  get maxTimestamp(): number {
    this.#loadMaxTimestamp();
    return this.#maxTimestamp!;
  }

  /** Last offset of the first batch that has the largest timestamp, or -1. */
  get offsetOfMaxTimestamp(): number {
    this.#loadMaxTimestamp();
    return this.#offsetOfMaxTimestamp;
  }

  /** Largest timestamp of the first non-empty batch, or -1. */
  get firstTimestamp(): number {
    if (this.#firstTimestamp === undefined) {
      const first = this.#segment.batchesFrom(0).find((batch) => batch?.header.recordCount! > 0);
      this.#firstTimestamp = first?.header.maxTimestamp ?? NO_TIMESTAMP;
    }
    return this.#firstTimestamp;
  }

  /** The last batch, if it was added since the segment was loaded, or is known from before. */
  get lastBatch(): LastBatch | undefined {
    const [position, crc] = [this.#lastPosition, this.#lastCrc];
    return position < 0 ? undefined : { position, crc };
  }

  /** Sets the last batch as known from a clean shutdown. */
  restoreLastBatch({ position, crc }: LastBatch): void {
    this.#lastPosition = position;
    this.#lastCrc = crc;
  }

  /** Whether the indexes can hold offsets up to `lastOffset`. */
  takesOffset(lastOffset: number): boolean {
    return lastOffset - this.#segment.baseOffset <= MAX_RELATIVE_OFFSET;
  }

  /**
   * Whether an index has `maxBytes`, or would with more entries. The time index reserves room for the
   * entry added on roll.
   */
  isFull(maxBytes: number, additional = 0): boolean {
    const { offset, time } = this.#loaded;
    return offset.count + additional >= Math.floor(maxBytes / OFFSET_INDEX_ENTRY_SIZE) ||
      time.count + additional >= Math.floor(maxBytes / TIME_INDEX_ENTRY_SIZE) - 1;
  }

  /** Replaces the indexes by empty ones, which take entries. */
  begin(): void {
    const { baseOffset } = this.#segment;
    this.#context.indexCache.delete(this);
    this.#pair = { offset: new OffsetIndex(baseOffset), time: new TimeIndex(baseOffset) };
    this.#maxTimestamp = NO_TIMESTAMP;
    this.#offsetOfMaxTimestamp = -1;
    this.#firstTimestamp = undefined;
    this.#lastPosition = -1;
  }

  /** Loads the indexes and keeps them in memory, so that they take entries. */
  activate(): void {
    this.#keep();
    this.#loadMaxTimestamp();
  }

  /**
   * Tracks the timestamps of the next batch, and adds entries if `indexIntervalBytes` were appended
   * since the last one.
   */
  add(batch: BatchHeader, position: number, indexIntervalBytes: number): void {
    const { offset, time } = this.#ready("add a batch to");
    const { maxTimestamp, lastOffset, recordCount, crc } = batch;
    this.#lastPosition = position;
    this.#lastCrc = crc;
    if (position === 0 && recordCount > 0) this.#firstTimestamp = maxTimestamp;
    if (maxTimestamp > this.#maxTimestamp! && recordCount > 0) {
      this.#maxTimestamp = maxTimestamp;
      this.#offsetOfMaxTimestamp = lastOffset;
    }
    if (position - offset.lastPosition > indexIntervalBytes && this.takesOffset(lastOffset)) {
      offset.append(lastOffset, position);
      time.maybeAppend(this.#maxTimestamp!, this.#offsetOfMaxTimestamp);
    }
  }

  /** Adds the largest timestamp so far to the time index, if the indexes take entries. */
  addMaxTimestamp(): void {
    this.#pair?.time.maybeAppend(this.#maxTimestamp!, this.#offsetOfMaxTimestamp);
  }

  /**
   * Removes entries from an offset on, before the batches from there on are indexed again. The indexes
   * then take entries.
   */
  truncateTo(offset: number): void {
    const pair = this.#keep();
    pair.offset.truncateTo(offset);
    pair.time.truncateTo(offset);
    this.#maxTimestamp = pair.time.lastTimestamp;
    this.#offsetOfMaxTimestamp = pair.time.count === 0 ? -1 : pair.time.lastOffset;
    this.#lastPosition = -1;
  }

  /**
   * Updates the timestamps after the segment was truncated at a position. They may not be in the time
   * index, which gets an entry only along with the offset index.
   */
  truncated(endPosition: number): void {
    const { offset } = this.#ready("truncate");
    if (endPosition === 0) this.#firstTimestamp = undefined;
    for (const batch of this.#segment.batchesFrom(offset.lastPosition)) {
      if (batch === undefined) continue;
      if (batch.position >= endPosition) break;
      const { maxTimestamp, lastOffset, recordCount } = batch.header;
      if (maxTimestamp <= this.#maxTimestamp! || recordCount === 0) continue;
      this.#maxTimestamp = maxTimestamp;
      this.#offsetOfMaxTimestamp = lastOffset;
    }
  }

  /** Rebuilds the indexes from the batches, and writes them if possible. */
  rebuild(indexIntervalBytes = 4096): IndexPair {
    return runAtOnce(this.rebuildInSlices(indexIntervalBytes));
  }

  /** Like `rebuild`; yields between batches so that the caller can pause. */
  *rebuildInSlices(indexIntervalBytes: number): Generator<void, IndexPair> {
    this.begin();
    for (const batch of this.#segment.batchesFrom(0)) {
      if (batch !== undefined) this.add(batch.header, batch.position, indexIntervalBytes);
      yield;
    }
    const pair = this.#ready("rebuild");
    if (!this.#segment.isDeleted) this.retire();
    return pair;
  }

  /** Takes over indexes that were rebuilt from the batches of the same segment. */
  takeFrom(other: SegmentIndexes): void {
    const { isReady } = this;
    this.#context.indexCache.delete(this);
    this.#pair = other.#ready("take");
    this.#maxTimestamp = other.#maxTimestamp;
    this.#offsetOfMaxTimestamp = other.#offsetOfMaxTimestamp;
    this.#firstTimestamp = other.#firstTimestamp;
    this.#lastPosition = other.#lastPosition;
    this.#lastCrc = other.#lastCrc;
    if (!isReady) this.retire();
  }

  /** Writes entries that the files lack. */
  write(): void {
    if (this.#pair === undefined) return;
    const { offset, time } = this.#pair;
    this.#write(offset, this.#segment.offsetIndexPath);
    this.#write(time, this.#segment.timeIndexPath);
  }

  #write(index: OffsetIndex | TimeIndex, path: string): void {
    if (!index.isDirty) return;
    this.#hasUnsyncedFiles = true;
    index.write(this.#context.fs, path);
  }

  /**
   * Resolves when the files, as written before the call, are on disk. Files that were removed by a
   * truncation or a deletion are ignored.
   */
  async sync(): Promise<void> {
    if (!this.#hasUnsyncedFiles) return;
    const { fs } = this.#context;
    this.#hasUnsyncedFiles = false;
    try {
      for (const path of [this.#segment.offsetIndexPath, this.#segment.timeIndexPath]) {
        // An empty file is as good as none.
        if (fs.statSync(path)?.size) await syncFile(fs, path);
      }
    } catch (error) {
      this.#hasUnsyncedFiles = true;
      throw error;
    }
  }

  /** Moves the indexes, which must be written, to the index cache, which may evict them. */
  release(): void {
    if (this.#pair === undefined) return;
    const { offset, time } = this.#pair;
    if (offset.isDirty || time.isDirty) {
      throw new Error(`Cannot release indexes of "${this.#segment.offsetIndexPath}": not written`);
    }
    this.#loadMaxTimestamp();
    offset.trim();
    time.trim();
    this.#context.indexCache.set(this, this.#pair);
    this.#pair = undefined;
  }

  /** Ends additions to the indexes. They stay in memory if they cannot be written. */
  retire(): void {
    this.addMaxTimestamp();
    try {
      this.write();
    } catch (error) {
      if (error instanceof FileSystemError) return;
      throw error;
    }
    this.release();
  }

  /** Drops the indexes from the cache. */
  close(): void {
    this.#context.indexCache.delete(this);
  }

  #ready(action: string): IndexPair {
    if (this.#pair !== undefined) return this.#pair;
    throw new Error(
      `Cannot ${action} indexes of "${this.#segment.offsetIndexPath}": not in memory`,
    );
  }

  get #loaded(): IndexPair {
    if (this.#pair !== undefined) return this.#pair;
    const cached = this.#context.indexCache.get(this);
    if (cached !== undefined) return cached;
    const pair = this.#read() ?? this.rebuild();
    if (this.#pair === undefined) this.#context.indexCache.set(this, pair);
    return pair;
  }

  #keep(): IndexPair {
    const pair = this.#loaded;
    this.#context.indexCache.delete(this);
    this.#pair = pair;
    return pair;
  }

  #read(): IndexPair | undefined {
    const { fs } = this.#context;
    const { baseOffset, sizeInBytes, offsetIndexPath, timeIndexPath } = this.#segment;
    try {
      const offsetBytes = fs.readFileSync(offsetIndexPath);
      const offset = new OffsetIndex(baseOffset, offsetBytes);
      offset.check(offsetIndexPath, offsetBytes.length, sizeInBytes);
      const timeBytes = fs.readFileSync(timeIndexPath);
      const time = new TimeIndex(baseOffset, timeBytes);
      time.check(timeIndexPath, timeBytes.length);
      return this.#isLost(time) ? undefined : { offset, time };
    } catch (error) {
      if (error instanceof CorruptFileError || isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Whether a power failure left the time index empty or with zeros. */
  #isLost(time: TimeIndex): boolean {
    return time.lastTimestamp <= 0 && time.lastTimestamp < this.firstTimestamp;
  }

  #loadMaxTimestamp(): void {
    if (this.#maxTimestamp !== undefined) return;
    const { timeIndexPath, baseOffset } = this.#segment;
    let time = TimeIndex.readLastEntry(this.#context.fs, timeIndexPath, baseOffset);
    if (time.count === 0 || this.#isLost(time)) ({ time } = this.#loaded);
    // Rebuilding the indexes sets them.
    if (this.#maxTimestamp !== undefined) return;
    this.#maxTimestamp = time.lastTimestamp;
    this.#offsetOfMaxTimestamp = time.count === 0 ? -1 : time.lastOffset;
  }
}
