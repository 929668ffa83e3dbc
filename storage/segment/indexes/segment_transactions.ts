/**
 * The transaction index of one segment, and its file.
 *
 * The index of the active segment stays in memory once it has an entry. Others are read on demand, into
 * the shared `IndexCache`. Most segments have none, which is noted when it is first looked for.
 *
 * Entries are written at once if possible, and else at the next checkpoint, without a sync; `sync` brings
 * them to disk, for which a checkpoint waits.
 *
 * @module
 */

import { CorruptFileError } from "../../errors.ts";
import { FileSystemError, syncFile } from "../../file_system/file_system.ts";
import type { IndexContext } from "./segment_indexes.ts";
import {
  TRANSACTION_INDEX_ENTRY_SIZE,
  TransactionIndex,
  type TransactionIndexEntry,
} from "./transaction_index.ts";

const TEMPORARY_SUFFIX = ".tmp";

/** The segment that a transaction index belongs to. */
export interface TransactionIndexedSegment {
  readonly baseOffset: number;
  readonly transactionIndexPath: string;
}

/** The aborted transactions of a segment. */
export class SegmentTransactions {
  readonly #context: IndexContext;
  readonly #segment: TransactionIndexedSegment;
  /** Kept in memory while the segment takes entries, or until they are written. */
  #index: TransactionIndex | undefined;
  /** `undefined` until the file was looked for. */
  #isEmpty: boolean | undefined;
  #hasUnsyncedFile = false;
  /**
   * Whether the next sync replaces the file. Until then it is found damaged again: a part of what replaces
   * it, left by a power failure, would be taken for all of it.
   */
  #mustReplace = false;
  /** Whether the index goes to the cache once the file is replaced. */
  #isRetiring = false;

  /** @param hasFile Whether there is a file, if that is known. */
  constructor(
    context: IndexContext,
    segment: TransactionIndexedSegment,
    hasFile: boolean | undefined,
  ) {
    this.#context = context;
    this.#segment = segment;
    this.#isEmpty = hasFile === undefined ? undefined : !hasFile;
  }

  /** Whether no transaction with a marker in this segment was aborted. */
  get isEmpty(): boolean {
    return this.#isEmpty ??= this.#context.fs.statSync(this.#path) === undefined;
  }

  /** Whether the file was written but not synced. */
  get hasUnsyncedFile(): boolean {
    return this.#hasUnsyncedFile;
  }

  get #path(): string {
    return this.#segment.transactionIndexPath;
  }

  /**
   * The index, loaded if necessary; `undefined` if it has no entries.
   *
   * @param endOffset The end of the segment, if it is known.
   * @throws {CorruptFileError} If the file is damaged. Then it must be rebuilt.
   */
  load(endOffset?: number): TransactionIndex | undefined {
    if (this.isEmpty) return undefined;
    if (this.#index !== undefined) return this.#index;
    const { indexCache } = this.#context;
    const cached = indexCache.get<TransactionIndex>(this);
    if (cached !== undefined) return cached;
    const index = this.#read(endOffset);
    indexCache.set(this, index);
    return index;
  }

  #read(endOffset?: number): TransactionIndex {
    const bytes = this.#context.fs.readFileSync(this.#path);
    const index = new TransactionIndex(this.#segment.baseOffset, bytes);
    index.check(this.#path, bytes.length, endOffset);
    return index;
  }

  /** Adds a transaction whose marker was appended last. It is not written yet. */
  add(entry: TransactionIndexEntry): void {
    const index = this.#keep();
    index?.append(entry);
    if (index !== undefined) this.#isEmpty = false;
  }

  /** The index in memory, where it takes entries; `undefined` if its file must be rebuilt. */
  #keep(): TransactionIndex | undefined {
    if (this.#index !== undefined) return this.#index;
    try {
      this.#index = this.load() ?? new TransactionIndex(this.#segment.baseOffset);
      this.#context.indexCache.delete(this);
      return this.#index;
    } catch (error) {
      // The next use finds that, too.
      if (error instanceof CorruptFileError) return undefined;
      throw error;
    }
  }

  /**
   * The whole entries of a file that ends within one, as a crash leaves it; `undefined` if it is damaged in
   * another way.
   */
  #keepWhole(): TransactionIndex | undefined {
    const bytes = this.#context.fs.readFileSync(this.#path);
    const size = bytes.length - bytes.length % TRANSACTION_INDEX_ENTRY_SIZE;
    if (size === 0 || size === bytes.length) return undefined;
    const index = new TransactionIndex(this.#segment.baseOffset, bytes.slice(0, size));
    try {
      index.check(this.#path, size);
    } catch (error) {
      if (error instanceof CorruptFileError) return undefined;
      throw error;
    }
    index.noteTorn();
    this.#index = index;
    return index;
  }

  /** Removes the entries with markers at `offset` and later. */
  truncateTo(offset: number): void {
    if (this.isEmpty) return;
    const index = this.#keep() ?? this.#keepWhole();
    if (index === undefined) return;
    index.truncateTo(offset);
    if (index.count === 0) this.reset();
    else this.tryWrite();
  }

  /**
   * Replaces all entries by those found in the batches, and with the next sync the file. Until then the
   * index stays in memory.
   */
  replace(index: TransactionIndex): void {
    if (index.count === 0) return this.reset();
    this.#context.indexCache.delete(this);
    this.#index = index;
    this.#isEmpty = false;
    this.#mustReplace = this.#hasUnsyncedFile = true;
  }

  /** Removes all entries, and the file. */
  reset(): void {
    this.#context.indexCache.delete(this);
    this.#index = undefined;
    this.#isEmpty = true;
    this.#hasUnsyncedFile = this.#mustReplace = this.#isRetiring = false;
    this.#context.fs.removeSync(this.#path);
  }

  /** Writes entries that the file lacks. */
  write(): void {
    if (this.#index === undefined || !this.#index.isDirty || this.#mustReplace) return;
    this.#hasUnsyncedFile = true;
    this.#index.write(this.#context.fs, this.#path);
  }

  /** Writes entries, unless that fails: the next checkpoint tries again. */
  tryWrite(): void {
    try {
      this.write();
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
    }
  }

  /** Resolves when the file, as written before the call, is on disk. */
  async sync(): Promise<void> {
    if (!this.#hasUnsyncedFile) return;
    const { fs } = this.#context;
    this.#hasUnsyncedFile = false;
    try {
      if (this.#mustReplace) await this.#replaceFile(this.#index!);
      // A truncation or a deletion may have removed it.
      else if (fs.statSync(this.#path)?.size) await syncFile(fs, this.#path);
    } catch (error) {
      this.#hasUnsyncedFile = true;
      throw error;
    }
  }

  /** What it has is on disk before it takes the place of the damaged file. */
  async #replaceFile(index: TransactionIndex): Promise<void> {
    const { fs } = this.#context;
    const path = `${this.#path}${TEMPORARY_SUFFIX}`;
    const replaced = index.writeNew(fs, path);
    await syncFile(fs, path);
    if (!this.#mustReplace || this.#index !== index) return fs.removeSync(path);
    fs.renameSync(path, this.#path);
    replaced();
    this.#mustReplace = false;
    // Without its torn end, which a power failure may remove, the damaged file would look whole.
    await fs.syncDir(this.#path.slice(0, this.#path.lastIndexOf("/")));
    // What was added meanwhile.
    this.tryWrite();
    if (this.#isRetiring) this.retire();
  }

  /** Ends additions: writes the index and moves it to the cache. It stays if it cannot be written. */
  retire(): void {
    if (this.#index === undefined) return;
    this.tryWrite();
    this.#isRetiring = this.#mustReplace;
    if (this.#index.isDirty) return;
    this.#index.trim();
    this.#context.indexCache.set(this, this.#index);
    this.#index = undefined;
  }

  /** Drops the index from the cache. */
  close(): void {
    this.#context.indexCache.delete(this);
  }
}
