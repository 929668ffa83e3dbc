/**
 * One segment of a log: a file with the batches from a base offset on, and its indexes.
 *
 *     00000000000000004711.log         record batches, one after another
 *     00000000000000004711.index       offset index, see offset_index.ts
 *     00000000000000004711.timeindex   time index, see time_index.ts
 *     00000000000000004711.txnindex    aborted transactions, if any
 *
 * While the cleaner writes a segment to replace others, the names have an additional suffix, see
 * `cleaner/segment_swap.ts`.
 *
 * Only the last segment of a log, the active one, takes appends. Its indexes are in memory, and are
 * written when it is rolled, at checkpoints and at close; those of other segments are loaded on
 * demand. An index that is missing or corrupt is rebuilt from the batches.
 *
 * With `preallocate` the file is created at its full size, with zeros after the batches. The zeros
 * are cut off when the segment is rolled, the log is closed, or a write fails.
 *
 * Invariants: `sizeInBytes` is the end of the last whole batch; a failed write is cut off, or else
 * reported as not undone. Offsets ascend from batch to batch, with or without gaps.
 *
 * After a crash the file has everything that was synced; later bytes may be there, torn or missing.
 * Recovery (`log_loader.ts`) checks the file, from the recovery point on.
 *
 * @module
 */

import type { BatchHeader } from "./batch_cursor.ts";
import { BatchScanner } from "./batch_scanner.ts";
import { BatchWalk } from "./batch_walk.ts";
import { CorruptFileError } from "../errors.ts";
import type { FilePool, PooledFile } from "../file_system/file_pool.ts";
import { type FileSystem, FileSystemError, isNotFound } from "../file_system/file_system.ts";
import type { IndexCache, SegmentIndexes } from "./index_cache.ts";
import { OFFSET_INDEX_ENTRY_SIZE, OffsetIndex } from "./offset_index.ts";
import {
  DELETED_SUFFIX,
  fileNameOf,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  SEGMENT_SUFFIXES,
  TIME_INDEX_SUFFIX,
} from "./segment_file_name.ts";
import { SegmentIntegrity } from "./segment_integrity.ts";
import { validBatches } from "./valid_batches.ts";
import { NO_TIMESTAMP, TIME_INDEX_ENTRY_SIZE, TimeIndex } from "./time_index.ts";

/** Offsets in the indexes are relative to the base offset, and int32. */
export const MAX_RELATIVE_OFFSET = 2 ** 31 - 1;

/** Resources shared by the segments of a data folder. */
export interface SegmentContext {
  readonly fs: FileSystem;
  readonly pool: FilePool;
  readonly indexCache: IndexCache;
}

/** The position of a batch in a segment file. */
export interface BatchPosition {
  readonly baseOffset: number;
  readonly position: number;
}

/** A write that failed. */
export class SegmentWriteError extends Error {
  override name = "SegmentWriteError";
  /** Whether the partial write was cut off, so that the segment is unchanged. */
  readonly isUndone: boolean;

  constructor(isUndone: boolean, cause: unknown) {
    super("Cannot write to segment", { cause });
    this.isUndone = isUndone;
  }
}

/** A file of batches, with its indexes. */
export class Segment {
  readonly baseOffset: number;
  /** When the segment was created or opened, in milliseconds since 1970. */
  readonly createdMs: number;
  /** Counts truncations, after which bytes read before may be gone. */
  truncations = 0;
  /** Whether index files were written but not synced. */
  hasUnsyncedIndexes = false;
  /** Whether the segment is no longer part of its log. */
  isDeleted = false;
  readonly #context: SegmentContext;
  #folder: string;
  readonly #file: PooledFile;
  /** Additional suffix of the file names. */
  #nameSuffix: string;
  #isOnDisk: boolean;
  #sizeInBytes: number;
  /** Kept in memory while the segment takes appends, or until they are written. */
  #indexes: SegmentIndexes | undefined;
  #maxTimestamp: number | undefined;
  #offsetOfMaxTimestamp = -1;
  #firstTimestamp: number | undefined;
  #integrity: SegmentIntegrity | undefined;
  /** Number of writes and truncations so far, and how many of them are on disk. */
  #changes = 0;
  #syncedChanges = 0;

  /**
   * A segment in a folder, with a file of `sizeInBytes`, or no file yet if that is `undefined`.
   *
   * @param nameSuffix Additional suffix of its file names, while it is not part of its log.
   */
  constructor(
    context: SegmentContext,
    folder: string,
    baseOffset: number,
    sizeInBytes: number | undefined,
    createdMs: number,
    nameSuffix = "",
  ) {
    this.#context = context;
    this.#folder = folder;
    this.#nameSuffix = nameSuffix;
    this.baseOffset = baseOffset;
    this.createdMs = createdMs;
    this.#isOnDisk = sizeInBytes !== undefined;
    this.#sizeInBytes = sizeInBytes ?? 0;
    this.#file = context.pool.file(this.#pathOf(LOG_SUFFIX));
    if (this.#sizeInBytes === 0) this.#begin();
  }

  /**
   * Creates the file if there is none. Without this call the first write creates it.
   *
   * @param fileSize Size to create the file with, filled with zeros.
   */
  createFile(fileSize = 0): void {
    if (this.#isOnDisk) return;
    this.#file.createSync();
    // Bytes are left only by a failure. An unnecessary truncation has a cost: once a file was cut to
    // zero bytes, ext4 writes it out on close, which blocks.
    if (this.#context.fs.statSync(this.path)!.size > 0) this.#file.truncateSync(0);
    if (fileSize > 0) this.#preallocate(fileSize);
    this.#isOnDisk = true;
    this.#changes++;
  }

  #preallocate(fileSize: number): void {
    try {
      this.#file.extendSync(fileSize);
    } catch (error) {
      this.#file.close();
      throw error;
    }
  }

  /**
   * Cuts off the zeros of a preallocated file.
   *
   * @returns Whether there were any. */
  trim(): boolean {
    if (!this.#file.isExtended) return false;
    this.#changes++;
    this.#file.truncateSync(this.#sizeInBytes);
    return true;
  }

  /** Size of the batches, in bytes; the file may have zeros after them. */
  get sizeInBytes(): number {
    return this.#sizeInBytes;
  }

  /** Which bytes were checked, and which are damaged. */
  get integrity(): SegmentIntegrity {
    return this.#integrity ??= new SegmentIntegrity();
  }

  /** Whether the indexes are in memory and take entries. */
  get isReady(): boolean {
    return this.#indexes !== undefined;
  }

  /** Whether the file exists; otherwise the first write creates it. */
  get isOnDisk(): boolean {
    return this.#isOnDisk;
  }

  /** Path of the file with the batches. */
  get path(): string {
    return this.#file.path;
  }

  /** The file with the batches, for reading. */
  get file(): PooledFile {
    return this.#file;
  }

  /** Whether there are writes that may not be on disk. */
  get isDirty(): boolean {
    return this.#syncedChanges !== this.#changes;
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

  /** Largest timestamp of a record or, if no record has one, the modification time of the file. */
  get retentionTimestamp(): number {
    const { maxTimestamp } = this;
    if (maxTimestamp >= 0) return maxTimestamp;
    return this.#context.fs.statSync(this.path)?.modifiedMs ?? this.createdMs;
  }

  /** Largest timestamp of the first non-empty batch, or -1. */
  get firstTimestamp(): number {
    if (this.#firstTimestamp === undefined) {
      const first = this.batchesFrom(0).find(({ header }) => header.recordCount > 0);
      this.#firstTimestamp = first?.header.maxTimestamp ?? NO_TIMESTAMP;
    }
    return this.#firstTimestamp;
  }

  /** Whether the indexes can hold offsets up to `lastOffset`. */
  takesOffset(lastOffset: number): boolean {
    return lastOffset - this.baseOffset <= MAX_RELATIVE_OFFSET;
  }

  /** Whether an index has `maxBytes`; the time index reserves room for the entry added on roll. */
  hasFullIndex(maxBytes: number): boolean {
    const { offset, time } = this.indexes;
    return offset.count >= Math.floor(maxBytes / OFFSET_INDEX_ENTRY_SIZE) ||
      time.count >= Math.floor(maxBytes / TIME_INDEX_ENTRY_SIZE) - 1;
  }

  /** The indexes, loaded from their files if necessary. */
  get indexes(): SegmentIndexes {
    if (this.#indexes !== undefined) return this.#indexes;
    const cached = this.#context.indexCache.get(this);
    if (cached !== undefined) return cached;
    const indexes = this.#readIndexes() ?? this.rebuildIndexes();
    if (this.#indexes === undefined) this.#context.indexCache.set(this, indexes);
    return indexes;
  }

  #readIndexes(): SegmentIndexes | undefined {
    const { fs } = this.#context;
    const offsetPath = this.#pathOf(OFFSET_INDEX_SUFFIX);
    const timePath = this.#pathOf(TIME_INDEX_SUFFIX);
    try {
      const offsetBytes = fs.readFileSync(offsetPath);
      const offset = new OffsetIndex(this.baseOffset, offsetBytes);
      offset.check(offsetPath, offsetBytes.length, this.#sizeInBytes);
      const timeBytes = fs.readFileSync(timePath);
      const time = new TimeIndex(this.baseOffset, timeBytes);
      time.check(timePath, timeBytes.length);
      return this.#isLost(time) ? undefined : { offset, time };
    } catch (error) {
      if (error instanceof CorruptFileError || isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Rebuilds the indexes from the batches, and writes them if possible. */
  rebuildIndexes(indexIntervalBytes = 4096): SegmentIndexes {
    const rebuild = this.rebuildIndexesInSlices(indexIntervalBytes);
    for (;;) {
      const { done, value } = rebuild.next();
      if (done) return value;
    }
  }

  /** Like `rebuildIndexes`; yields between batches so that the caller can pause. */
  *rebuildIndexesInSlices(indexIntervalBytes: number): Generator<void, SegmentIndexes> {
    this.beginIndexes();
    for (const { header, position } of this.batchesFrom(0)) {
      this.indexBatch(header, position, indexIntervalBytes);
      yield;
    }
    const indexes = this.#indexes!;
    if (!this.isDeleted) this.retire();
    return indexes;
  }

  /**
   * Takes over the indexes of another segment object, which were rebuilt from the batches of this
   * one.
   */
  takeIndexes(from: Segment): void {
    const { isReady } = this;
    this.#context.indexCache.delete(this);
    this.#indexes = from.#indexes;
    this.#maxTimestamp = from.#maxTimestamp;
    this.#offsetOfMaxTimestamp = from.#offsetOfMaxTimestamp;
    this.#firstTimestamp = from.#firstTimestamp;
    if (!isReady) this.retire();
  }

  /** Replaces the indexes by empty ones, which stay in memory. */
  beginIndexes(): void {
    this.#context.indexCache.delete(this);
    this.#begin();
  }

  #begin(): void {
    this.#indexes = {
      offset: new OffsetIndex(this.baseOffset),
      time: new TimeIndex(this.baseOffset),
    };
    this.#maxTimestamp = NO_TIMESTAMP;
    this.#offsetOfMaxTimestamp = -1;
    this.#firstTimestamp = undefined;
  }

  /**
   * Loads what is needed to append to a segment after a clean shutdown.
   *
   * @returns The offset after its last valid batch, or `undefined` if the file ends within a batch.
   */
  activate(): number | undefined {
    const indexes = this.indexes;
    this.#context.indexCache.delete(this);
    this.#indexes = indexes;
    this.#loadMaxTimestamp();
    const walk = this.walk(indexes.offset.lastPosition);
    let nextOffset = this.baseOffset;
    while (walk.next()) {
      if (walk.damage?.isTorn) return undefined;
      if (walk.damage === undefined) ({ nextOffset } = walk);
    }
    return nextOffset;
  }

  /** Iterates over the batches from a position where one starts. They are assumed to be valid. */
  scan(position: number, wholeBatches: boolean): BatchScanner {
    return new BatchScanner(this.#file, position, this.#sizeInBytes, wholeBatches);
  }

  /** Iterates over batches and damaged ranges, from a position where a batch starts. */
  walk(position: number): BatchWalk {
    return new BatchWalk(this.#file, {
      position,
      endPosition: this.#sizeInBytes,
      nextOffset: this.baseOffset,
      endOffset: Infinity,
    });
  }

  /** Iterates over the valid batches from a position where one starts. */
  batchesFrom(position: number): Generator<BatchScanner | BatchWalk, void> {
    return validBatches(this.scan(position, false), (from) => this.walk(from), this.baseOffset);
  }

  /**
   * Appends bytes to the file.
   *
   * @param fileSize Size to create the file with, if there is none.
   * @returns Their position in the file.
   * @throws {SegmentWriteError} If not all could be written.
   */
  write(bytes: Uint8Array, fileSize = 0): number {
    const position = this.#sizeInBytes;
    this.#changes++;
    try {
      if (!this.#isOnDisk) this.createFile(fileSize);
      let written = this.#file.appendSync(bytes, position);
      while (written < bytes.length) {
        const count = this.#file.appendSync(bytes.subarray(written), position + written);
        if (count === 0) throw new FileSystemError("append to", this.path, "EIO", "no bytes taken");
        written += count;
      }
    } catch (error) {
      throw new SegmentWriteError(this.#cutBack(position), error);
    }
    this.#sizeInBytes = position + bytes.length;
    return position;
  }

  #cutBack(size: number): boolean {
    try {
      this.#file.truncateSync(size);
      return true;
    } catch (error) {
      if (error instanceof FileSystemError) return false;
      throw error;
    }
  }

  /** Tracks the timestamps of a batch that was written, and adds index entries if one is due. */
  indexBatch(batch: BatchHeader, position: number, indexIntervalBytes: number): void {
    const { maxTimestamp, lastOffset, recordCount } = batch;
    if (position === 0 && recordCount > 0) this.#firstTimestamp = maxTimestamp;
    if (maxTimestamp > this.#maxTimestamp! && recordCount > 0) {
      this.#maxTimestamp = maxTimestamp;
      this.#offsetOfMaxTimestamp = lastOffset;
    }
    const { offset, time } = this.#indexes!;
    if (position - offset.lastPosition > indexIntervalBytes && this.takesOffset(lastOffset)) {
      offset.append(lastOffset, position);
      time.maybeAppend(this.#maxTimestamp!, this.#offsetOfMaxTimestamp);
    }
  }

  /** Adds the largest timestamp so far to the time index. */
  indexMaxTimestamp(): void {
    this.#indexes?.time.maybeAppend(this.#maxTimestamp!, this.#offsetOfMaxTimestamp);
  }

  /**
   * Removes index entries from an offset on, before the batches from there on are indexed again.
   */
  truncateIndexes(offset: number): void {
    const indexes = this.indexes;
    this.#context.indexCache.delete(this);
    this.#indexes = indexes;
    indexes.offset.truncateTo(offset);
    indexes.time.truncateTo(offset);
    this.#maxTimestamp = indexes.time.lastTimestamp;
    this.#offsetOfMaxTimestamp = indexes.time.count === 0 ? -1 : indexes.time.lastOffset;
  }

  /** Writes entries that the index files lack. Sets `hasUnsyncedIndexes`, and does not sync. */
  writeIndexes(): void {
    if (this.#indexes === undefined) return;
    const { fs } = this.#context;
    const [offsetPath, timePath] = this.indexPaths as [string, string];
    for (
      const [index, path] of [
        [this.#indexes.offset, offsetPath],
        [this.#indexes.time, timePath],
      ] as const
    ) {
      if (!index.isDirty) continue;
      this.hasUnsyncedIndexes = true;
      index.write(fs, path);
    }
  }

  /** Paths of the index files. */
  get indexPaths(): string[] {
    return [this.#pathOf(OFFSET_INDEX_SUFFIX), this.#pathOf(TIME_INDEX_SUFFIX)];
  }

  /** Moves the indexes, which must be written, to the index cache, which may evict them. */
  releaseIndexes(): void {
    if (this.#indexes === undefined) return;
    this.#loadMaxTimestamp();
    this.#indexes.offset.trim();
    this.#indexes.time.trim();
    this.#context.indexCache.set(this, this.#indexes);
    this.#indexes = undefined;
  }

  /** Ends appends to the segment. Its indexes stay in memory if they cannot be written. */
  retire(): void {
    this.indexMaxTimestamp();
    try {
      this.writeIndexes();
    } catch (error) {
      if (error instanceof FileSystemError) return;
      throw error;
    }
    this.releaseIndexes();
  }

  /** The batch that contains `offset`, or else the first one after it. */
  findBatch(offset: number): BatchPosition | undefined {
    for (const { header, position } of this.batchesFrom(this.indexes.offset.lookup(offset))) {
      const { lastOffset, baseOffset } = header;
      if (lastOffset >= offset) return { baseOffset, position };
    }
    return undefined;
  }

  /**
   * Truncates the file at the start of a batch, and removes index entries from its base offset on.
   */
  truncateTo(batch: BatchPosition): void {
    this.truncations++;
    this.#integrity = undefined;
    this.#changes++;
    this.truncateIndexes(batch.baseOffset);
    this.#file.truncateSync(batch.position);
    this.#sizeInBytes = batch.position;
    if (batch.position === 0) this.#firstTimestamp = undefined;
    this.#updateMaxTimestampUpTo(batch.position);
  }

  /**
   * Takes into account the timestamps of batches before a position that may not be in the time
   * index, which gets an entry only along with the offset index.
   */
  #updateMaxTimestampUpTo(position: number): void {
    for (const batch of this.batchesFrom(this.#indexes!.offset.lastPosition)) {
      if (batch.position >= position) break;
      const { maxTimestamp, lastOffset, recordCount } = batch.header;
      if (maxTimestamp <= this.#maxTimestamp! || recordCount === 0) continue;
      this.#maxTimestamp = maxTimestamp;
      this.#offsetOfMaxTimestamp = lastOffset;
    }
  }

  /** Truncates the file to the end of its last whole batch, as found by recovery. */
  cutTail(sizeInBytes: number): void {
    if (sizeInBytes === this.#sizeInBytes) return;
    this.truncations++;
    this.#integrity = undefined;
    this.#changes++;
    this.#file.truncateSync(sizeInBytes);
    this.#sizeInBytes = sizeInBytes;
  }

  /** Resolves when the batches appended before the call are on disk. */
  async sync(): Promise<void> {
    const changes = this.#changes;
    try {
      await this.#file.syncData();
    } catch (error) {
      if (!this.isDeleted) throw error;
    }
    this.#syncedChanges = Math.max(this.#syncedChanges, changes);
  }

  /** Marks the segment as not synced, as after a crash. */
  markDirty(): void {
    this.#changes++;
  }

  /**
   * Renames the files, so that they are no longer found as a segment.
   *
   * @returns Their paths, to be removed later. Reads under way continue to work.
   */
  markDeleted(): string[] {
    const { fs } = this.#context;
    const paths: string[] = [];
    this.isDeleted = true;
    for (const suffix of SEGMENT_SUFFIXES) {
      const path = this.#pathOf(suffix);
      try {
        if (suffix === LOG_SUFFIX) this.#file.renameSync(`${path}${DELETED_SUFFIX}`);
        else fs.renameSync(path, `${path}${DELETED_SUFFIX}`);
        paths.push(`${path}${DELETED_SUFFIX}`);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    this.#context.indexCache.delete(this);
    this.#file.close();
    return paths;
  }

  /**
   * Changes the additional suffix of the file names. Renames the file of the batches last: once it
   * has its name, so have the others.
   */
  renameFiles(nameSuffix: string): void {
    const { fs } = this.#context;
    const paths = this.indexPaths;
    this.#nameSuffix = nameSuffix;
    for (const [i, path] of this.indexPaths.entries()) fs.renameSync(paths[i]!, path);
    this.#file.renameSync(this.#pathOf(LOG_SUFFIX));
  }

  /** Removes the files of a segment that is not part of its log, that of the batches first. */
  removeFiles(): void {
    this.isDeleted = true;
    this.close();
    const { fs } = this.#context;
    for (const path of [this.path, ...this.indexPaths]) fs.removeSync(path);
  }

  /** Updates the path after the folder was renamed. */
  moved(folder: string): void {
    this.#folder = folder;
    this.#file.moved(this.#pathOf(LOG_SUFFIX));
  }

  /** Closes the file and drops the cached indexes. */
  close(): void {
    this.#context.indexCache.delete(this);
    this.#file.close();
  }

  #pathOf(suffix: string): string {
    return `${this.#folder}/${fileNameOf(this.baseOffset, suffix)}${this.#nameSuffix}`;
  }

  /** Whether a power failure left the time index empty or with zeros. */
  #isLost(time: { readonly lastTimestamp: number }): boolean {
    return time.lastTimestamp <= 0 && time.lastTimestamp < this.firstTimestamp;
  }

  #loadMaxTimestamp(): void {
    if (this.#maxTimestamp !== undefined) return;
    let time = TimeIndex.readLastEntry(
      this.#context.fs,
      this.#pathOf(TIME_INDEX_SUFFIX),
      this.baseOffset,
    );
    if (time.count === 0 || this.#isLost(time)) ({ time } = this.indexes);
    // Rebuilding the indexes sets them.
    if (this.#maxTimestamp !== undefined) return;
    this.#maxTimestamp = time.lastTimestamp;
    this.#offsetOfMaxTimestamp = time.count === 0 ? -1 : time.lastOffset;
  }
}
