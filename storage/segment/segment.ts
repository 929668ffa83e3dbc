/**
 * One segment of a log: the batches from a base offset on, in a file, and indexes beside it.
 *
 *     00000000000000004711.log         record batches, one after another
 *     00000000000000004711.index       offset index, see offset_index.ts
 *     00000000000000004711.timeindex   time index, see time_index.ts
 *     00000000000000004711.txnindex    aborted transactions, if there are any
 *
 * The names have a suffix more while the cleaner writes a segment that is to replace others, see
 * `cleaner/segment_swap.ts`.
 *
 * Only the last segment of a log is appended to. Its indexes are in memory, and are written when it
 * is rolled, at checkpoints and at close; those of other segments are loaded when they are needed.
 * An index that is missing or unsound is made anew from the batches.
 *
 * With `preallocate` the file has its full size from the start, with zeros after the batches, until it
 * is cut: when the segment takes no more batches, the log is closed, or a write fails.
 *
 * Invariants: `sizeInBytes` is where the last whole batch ends; a write that fails is cut off, or
 * else the segment says it is broken. Offsets grow from batch to batch, with or without gaps.
 *
 * After a crash the file has what was synced, and maybe more, torn or missing. Finding out is left
 * to recovery (`log_loader.ts`), which needs to look only behind the recovery point.
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

/** What segments of a data folder share. */
export interface SegmentContext {
  readonly fs: FileSystem;
  readonly pool: FilePool;
  readonly indexCache: IndexCache;
}

/** Where a batch is in a segment file. */
export interface BatchPosition {
  readonly baseOffset: number;
  readonly position: number;
}

/** A write that failed. */
export class SegmentWriteError extends Error {
  override name = "SegmentWriteError";
  /** Whether what was written of it could be cut off, so that the segment is as before. */
  readonly isUndone: boolean;

  constructor(isUndone: boolean, cause: unknown) {
    super("Cannot write to segment", { cause });
    this.isUndone = isUndone;
  }
}

/** A run of batches in a file, with its indexes. */
export class Segment {
  readonly baseOffset: number;
  /** When the segment was made or opened, in milliseconds since 1970. */
  readonly createdMs: number;
  /** Counts truncations: bytes that were read before one may be gone. */
  truncations = 0;
  /** Whether index files were written and may not be on disk. */
  hasUnsyncedIndexes = false;
  /** Whether the segment is no longer part of its log. */
  isDeleted = false;
  readonly #context: SegmentContext;
  #folder: string;
  readonly #file: PooledFile;
  /** What the names of the files end with. */
  #nameSuffix: string;
  #isOnDisk: boolean;
  #sizeInBytes: number;
  /** Loaded and kept while the segment is appended to, or not yet written. */
  #indexes: SegmentIndexes | undefined;
  #maxTimestamp: number | undefined;
  #offsetOfMaxTimestamp = -1;
  #firstTimestamp: number | undefined;
  #integrity: SegmentIntegrity | undefined;
  /** Writes and truncations so far, and how many of them are on disk. */
  #changes = 0;
  #syncedChanges = 0;

  /**
   * A segment in a folder, with a file of `sizeInBytes` or, if that is `undefined`, none yet.
   *
   * @param nameSuffix What the names of its files end with, as long as it is no part of its log.
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
   * Creates the file if there is none. Otherwise the first write does.
   *
   * @param fileSize What size the file is to have, with zeros where batches are to come.
   */
  createFile(fileSize = 0): void {
    if (this.#isOnDisk) return;
    this.#file.createSync();
    // There are bytes only after a failure. Cutting off none would cost: ext4 writes a file out, and
    // holds up who closes it, once it was cut to nothing.
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
   * Cuts off the zeros of a file that was created with its full size.
   *
   * @returns Whether there were any.
   */
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

  /** What is known of damage. */
  get integrity(): SegmentIntegrity {
    return this.#integrity ??= new SegmentIntegrity();
  }

  /** Whether batches can be noted: the indexes are in memory to be added to. */
  get isReady(): boolean {
    return this.#indexes !== undefined;
  }

  /** Whether there is a file for the batches; otherwise the first write creates it. */
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

  /** Whether something was written that is not known to be on disk. */
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

  /** Largest timestamp of a record or, where no record has one, when the file was last written. */
  get retentionTimestamp(): number {
    const { maxTimestamp } = this;
    if (maxTimestamp >= 0) return maxTimestamp;
    return this.#context.fs.statSync(this.path)?.modifiedMs ?? this.createdMs;
  }

  /** Largest timestamp of the first batch that has records, or -1. */
  get firstTimestamp(): number {
    if (this.#firstTimestamp === undefined) {
      const first = this.batchesFrom(0).find(({ header }) => header.recordCount > 0);
      this.#firstTimestamp = first?.header.maxTimestamp ?? NO_TIMESTAMP;
    }
    return this.#firstTimestamp;
  }

  /** Whether batches up to `lastOffset` can be in this segment's indexes. */
  takesOffset(lastOffset: number): boolean {
    return lastOffset - this.baseOffset <= MAX_RELATIVE_OFFSET;
  }

  /** Whether an index has `maxBytes`; the time index keeps room for the entry at rolling. */
  hasFullIndex(maxBytes: number): boolean {
    const { offset, time } = this.indexes;
    return offset.count >= Math.floor(maxBytes / OFFSET_INDEX_ENTRY_SIZE) ||
      time.count >= Math.floor(maxBytes / TIME_INDEX_ENTRY_SIZE) - 1;
  }

  /** The indexes, loaded from their files if need be. */
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

  /** Makes the indexes anew, and writes them if the disk takes them. */
  rebuildIndexes(indexIntervalBytes = 4096): SegmentIndexes {
    const rebuild = this.rebuildIndexesInSlices(indexIntervalBytes);
    for (;;) {
      const { done, value } = rebuild.next();
      if (done) return value;
    }
  }

  /** Like `rebuildIndexes`; pauses between batches so that the caller may give way. */
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

  /** Takes the indexes of another segment, which were made anew from the batches of this one. */
  takeIndexes(from: Segment): void {
    const { isReady } = this;
    this.#context.indexCache.delete(this);
    this.#indexes = from.#indexes;
    this.#maxTimestamp = from.#maxTimestamp;
    this.#offsetOfMaxTimestamp = from.#offsetOfMaxTimestamp;
    this.#firstTimestamp = from.#firstTimestamp;
    if (!isReady) this.retire();
  }

  /** Starts with empty indexes and keeps them in memory; what they had is forgotten. */
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
   * Loads what it takes to append to a segment that was closed in good order.
   *
   * @returns The offset after its last sound batch, or `undefined` if the file ends within a batch.
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

  /** Goes along the batches from a position at which one starts, which are taken to be sound. */
  scan(position: number, wholeBatches: boolean): BatchScanner {
    return new BatchScanner(this.#file, position, this.#sizeInBytes, wholeBatches);
  }

  /** Goes along batches and what is damaged of them, from a position at which a batch starts. */
  walk(position: number): BatchWalk {
    return new BatchWalk(this.#file, {
      position,
      endPosition: this.#sizeInBytes,
      nextOffset: this.baseOffset,
      endOffset: Infinity,
    });
  }

  /** Goes along the sound batches from a position at which one starts. */
  batchesFrom(position: number): Generator<BatchScanner | BatchWalk, void> {
    return validBatches(this.scan(position, false), (from) => this.walk(from), this.baseOffset);
  }

  /**
   * Appends bytes to the file.
   *
   * @param fileSize What size the file is created with, if there is none.
   * @returns The position they start at.
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

  /** Notes a batch that was written at a position, in the indexes if it is time for an entry. */
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

  /** Puts the largest timestamp so far in the time index. */
  indexMaxTimestamp(): void {
    this.#indexes?.time.maybeAppend(this.#maxTimestamp!, this.#offsetOfMaxTimestamp);
  }

  /** Drops index entries from an offset on, before batches from there on are noted anew. */
  truncateIndexes(offset: number): void {
    const indexes = this.indexes;
    this.#context.indexCache.delete(this);
    this.#indexes = indexes;
    indexes.offset.truncateTo(offset);
    indexes.time.truncateTo(offset);
    this.#maxTimestamp = indexes.time.lastTimestamp;
    this.#offsetOfMaxTimestamp = indexes.time.count === 0 ? -1 : indexes.time.lastOffset;
  }

  /** Writes what the index files lack. Not synced, as `hasUnsyncedIndexes` says. */
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

  /** Lets the indexes, which were written, be dropped from memory when others need the room. */
  releaseIndexes(): void {
    if (this.#indexes === undefined) return;
    this.#loadMaxTimestamp();
    this.#indexes.offset.trim();
    this.#indexes.time.trim();
    this.#context.indexCache.set(this, this.#indexes);
    this.#indexes = undefined;
  }

  /** Says that the segment takes no more batches. Its indexes stay in memory if they cannot be written. */
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

  /** The batch that holds `offset` or, if none does, the first one after it. */
  findBatch(offset: number): BatchPosition | undefined {
    for (const { header, position } of this.batchesFrom(this.indexes.offset.lookup(offset))) {
      const { lastOffset, baseOffset } = header;
      if (lastOffset >= offset) return { baseOffset, position };
    }
    return undefined;
  }

  /**
   * Cuts the file at a position where a batch starts, and drops what the indexes have from its base
   * offset on.
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
   * Notes the timestamps of batches before a position that the time index may not have: it is brought
   * up to date with every entry of the offset index.
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

  /** Cuts off what is behind the last whole batch, of which recovery has told the position. */
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

  /** Says that batches may not be on disk, as after a crash. */
  markDirty(): void {
    this.#changes++;
  }

  /**
   * Renames the files, so that they are no longer taken for a segment.
   *
   * @returns Their paths, to be removed later; who reads them meanwhile goes on.
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
   * Gives the names of the files another suffix, that of the batches' last: with it, the others have
   * theirs.
   */
  renameFiles(nameSuffix: string): void {
    const { fs } = this.#context;
    const paths = this.indexPaths;
    this.#nameSuffix = nameSuffix;
    for (const [i, path] of this.indexPaths.entries()) fs.renameSync(paths[i]!, path);
    this.#file.renameSync(this.#pathOf(LOG_SUFFIX));
  }

  /** Removes the files of a segment that is no part of its log, that of the batches first. */
  removeFiles(): void {
    this.isDeleted = true;
    this.close();
    const { fs } = this.#context;
    for (const path of [this.path, ...this.indexPaths]) fs.removeSync(path);
  }

  /** Says that the folder was renamed. */
  moved(folder: string): void {
    this.#folder = folder;
    this.#file.moved(this.#pathOf(LOG_SUFFIX));
  }

  /** Closes the file and forgets the indexes. */
  close(): void {
    this.#context.indexCache.delete(this);
    this.#file.close();
  }

  #pathOf(suffix: string): string {
    return `${this.#folder}/${fileNameOf(this.baseOffset, suffix)}${this.#nameSuffix}`;
  }

  /** Whether a power failure has left the time index empty, or zeros in it. */
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
    // Making an index anew sets them.
    if (this.#maxTimestamp !== undefined) return;
    this.#maxTimestamp = time.lastTimestamp;
    this.#offsetOfMaxTimestamp = time.count === 0 ? -1 : time.lastOffset;
  }
}
