/**
 * One segment of a log: a file with the batches from a base offset on, and its indexes.
 *
 *     00000000000000004711.log         record batches, one after another
 *     00000000000000004711.index       offset index, see indexes/offset_index.ts
 *     00000000000000004711.timeindex   time index, see indexes/time_index.ts
 *     00000000000000004711.txnindex    aborted transactions, if any, see indexes/transaction_index.ts
 *
 * While the cleaner writes a segment to replace others, the names have an additional suffix, see
 * `cleaner/segment_swap.ts`.
 *
 * Only the last segment of a log, the active one, takes appends. `indexes/` has
 * the indexes, which are in memory while the segment is active.
 *
 * With `preallocate` the file is created at its full size, with zeros after the batches. The zeros
 * are cut off when the segment is rolled, the log is closed, or a write fails.
 *
 * Invariants: `sizeInBytes` is the end of the last whole batch; a failed write is cut off, or else
 * reported as not undone. Offsets ascend from batch to batch, with or without gaps.
 *
 * After a crash the file has everything that was synced; later bytes may be there, torn or missing.
 * Recovery (`../log/loading/`) checks the file, from the recovery point on.
 *
 * @module
 */

import { BatchScanner } from "./batch_scanner.ts";
import { BatchWalk } from "./batch_walk.ts";
import type { FilePool, PooledFile } from "../file_system/file_pool.ts";
import { FileSystemError, isNotFound } from "../file_system/file_system.ts";
import {
  DELETED_SUFFIX,
  fileNameOf,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  SEGMENT_SUFFIXES,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from "./segment_file_name.ts";
import {
  type IndexContext,
  type IndexedSegment,
  SegmentIndexes,
} from "./indexes/segment_indexes.ts";
import { SegmentTransactions } from "./indexes/segment_transactions.ts";
import { SegmentIntegrity } from "./segment_integrity.ts";
import { validBatches } from "./valid_batches.ts";

/** Resources shared by the segments of a data folder. */
export interface SegmentContext extends IndexContext {
  readonly pool: FilePool;
}

/** A segment, for display. */
export interface SegmentInfo {
  readonly baseOffset: number;
  readonly sizeInBytes: number;
  readonly path: string;
  readonly isActive: boolean;
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
export class Segment implements IndexedSegment {
  readonly baseOffset: number;
  /** When the segment was created or opened, in milliseconds since 1970. */
  readonly createdMs: number;
  /** The offset index and the time index. */
  readonly indexes: SegmentIndexes;
  readonly #context: SegmentContext;
  /** Made when first needed: most segments have no aborted transactions. */
  #transactions: SegmentTransactions | undefined;
  #hasTransactionFile: boolean | undefined;
  #folder: string;
  readonly #file: PooledFile;
  /** Additional suffix of the file names. */
  #nameSuffix: string;
  #isOnDisk: boolean;
  #sizeInBytes: number;
  #truncations = 0;
  #isDeleted = false;
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
    if (sizeInBytes === undefined) this.#hasTransactionFile = false;
    this.#sizeInBytes = sizeInBytes ?? 0;
    this.#file = context.pool.file(this.#pathOf(LOG_SUFFIX));
    this.indexes = new SegmentIndexes(context, this);
    if (this.#sizeInBytes === 0) this.indexes.begin();
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

  /** Which bytes were checked, and which are damaged. */
  get integrity(): SegmentIntegrity {
    return this.#integrity ??= new SegmentIntegrity();
  }

  /** Counts truncations, after which bytes read before may be gone. */
  get truncations(): number {
    return this.#truncations;
  }

  /** Whether the segment is no longer part of its log. */
  get isDeleted(): boolean {
    return this.#isDeleted;
  }

  /** Whether the file exists; otherwise the first write creates it. */
  get isOnDisk(): boolean {
    return this.#isOnDisk;
  }

  /** Path of the file with the batches. */
  get path(): string {
    return this.#file.path;
  }

  /** Path of the file with the offset index. */
  get offsetIndexPath(): string {
    return this.#pathOf(OFFSET_INDEX_SUFFIX);
  }

  /** Path of the file with the time index. */
  get timeIndexPath(): string {
    return this.#pathOf(TIME_INDEX_SUFFIX);
  }

  /** Path of the file with the aborted transactions. */
  get transactionIndexPath(): string {
    return this.#pathOf(TRANSACTION_INDEX_SUFFIX);
  }

  /** The aborted transactions with markers in this segment. */
  get transactions(): SegmentTransactions {
    return this.#transactions ??= new SegmentTransactions(
      this.#context,
      this,
      this.#hasTransactionFile,
    );
  }

  /** Notes whether there is a transaction index, so that none is looked for. */
  noteTransactionFile(exists: boolean): void {
    this.#hasTransactionFile = exists;
  }

  /** The same, if they were used. */
  get usedTransactions(): SegmentTransactions | undefined {
    return this.#transactions;
  }

  /** The file with the batches, for reading. */
  get file(): PooledFile {
    return this.#file;
  }

  /** Whether there are writes that may not be on disk. */
  get isDirty(): boolean {
    return this.#syncedChanges !== this.#changes;
  }

  /** Largest timestamp of a record or, if no record has one, the modification time of the file. */
  get retentionTimestamp(): number {
    const { maxTimestamp } = this.indexes;
    if (maxTimestamp >= 0) return maxTimestamp;
    return this.#context.fs.statSync(this.path)?.modifiedMs ?? this.createdMs;
  }

  /**
   * Loads what is needed to append to a segment after a clean shutdown.
   *
   * @returns The offset after its last valid batch, or `undefined` if the file ends within a batch.
   */
  activate(): number | undefined {
    this.indexes.activate();
    const walk = this.walk(this.indexes.offset.lastPosition);
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

  /**
   * Iterates over the valid batches from a position where one starts. Yields `undefined` during the
   * search for the end of damage, so that the caller can pause.
   */
  batchesFrom(position: number): Generator<BatchScanner | BatchWalk | undefined, void> {
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

  /** The batch that contains `offset`, or else the first one after it. */
  findBatch(offset: number): BatchPosition | undefined {
    for (const batch of this.batchesFrom(this.indexes.offset.lookup(offset))) {
      if (batch === undefined || batch.header.lastOffset < offset) continue;
      return { baseOffset: batch.header.baseOffset, position: batch.position };
    }
    return undefined;
  }

  /**
   * Truncates the file at the start of a batch, and removes index entries from its base offset on.
   */
  truncateTo(batch: BatchPosition): void {
    this.#truncations++;
    this.#integrity = undefined;
    this.#changes++;
    this.indexes.truncateTo(batch.baseOffset);
    this.transactions.truncateTo(batch.baseOffset);
    this.#file.truncateSync(batch.position);
    this.#sizeInBytes = batch.position;
    this.indexes.truncated(batch.position);
  }

  /** Truncates the file to the end of its last whole batch, as found by recovery. */
  cutTail(sizeInBytes: number): void {
    if (sizeInBytes === this.#sizeInBytes) return;
    this.#truncations++;
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
      if (!this.#isDeleted) throw error;
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
    this.#isDeleted = true;
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
    this.close();
    return paths;
  }

  /**
   * Changes the additional suffix of the file names. Renames the file of the batches last: once it
   * has its name, so have the others.
   */
  renameFiles(nameSuffix: string): void {
    const { fs } = this.#context;
    const { offsetIndexPath, timeIndexPath, transactionIndexPath } = this;
    const hasTransactions = !this.transactions.isEmpty;
    this.#nameSuffix = nameSuffix;
    fs.renameSync(offsetIndexPath, this.offsetIndexPath);
    fs.renameSync(timeIndexPath, this.timeIndexPath);
    if (hasTransactions) fs.renameSync(transactionIndexPath, this.transactionIndexPath);
    this.#file.renameSync(this.#pathOf(LOG_SUFFIX));
  }

  /** Removes the files of a segment that is not part of its log, that of the batches first. */
  removeFiles(): void {
    this.#isDeleted = true;
    this.close();
    const { fs } = this.#context;
    const { path, offsetIndexPath, timeIndexPath, transactionIndexPath } = this;
    for (const file of [path, offsetIndexPath, timeIndexPath, transactionIndexPath]) {
      fs.removeSync(file);
    }
  }

  /** Marks the segment as deleted with its log, whose folder was renamed. */
  markFolderDeleted(folder: string): void {
    this.#isDeleted = true;
    this.#folder = folder;
    this.#file.moved(this.#pathOf(LOG_SUFFIX));
  }

  /** Closes the file and drops the cached indexes. */
  close(): void {
    this.indexes.close();
    this.#transactions?.close();
    this.#file.close();
  }

  #pathOf(suffix: string): string {
    return `${this.#folder}/${fileNameOf(this.baseOffset, suffix)}${this.#nameSuffix}`;
  }
}
