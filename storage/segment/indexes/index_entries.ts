/**
 * The entries of an index file: a growing array of entries of one size, kept in memory in the
 * format of the file.
 *
 * An index is written only when its segment is rolled, at a checkpoint and at close, and then only
 * its new entries. A loaded index must be checked before use: a segment can rebuild it.
 *
 * @module
 */

import { appendFullySync, type FileSystem } from "../../file_system/file_system.ts";

const FIRST_CAPACITY = 32;

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = viewOf(NO_BYTES);

/** Entries of `entrySize` bytes each. */
export class IndexEntries {
  readonly #entrySize: number;
  #bytes: Uint8Array;
  #view: DataView;
  #count: number;
  /**
   * Number of entries in the file, and how many of these, from the first on, equal those in memory.
   */
  #inFile = 0;
  #unchanged = 0;
  #hasFile: boolean;

  /** @param bytes Content of the file, if there is one. Taken over without a copy. */
  constructor(entrySize: number, bytes?: Uint8Array) {
    this.#entrySize = entrySize;
    this.#bytes = bytes ?? NO_BYTES;
    this.#view = bytes === undefined ? NO_VIEW : viewOf(bytes);
    this.#count = Math.floor(this.#bytes.length / entrySize);
    this.#inFile = this.#count;
    this.#unchanged = this.#count;
    this.#hasFile = bytes !== undefined;
  }

  /** Number of entries. */
  get count(): number {
    return this.#count;
  }

  /** Memory of the entries, in bytes. */
  get capacityInBytes(): number {
    return this.#bytes.length;
  }

  /** The bytes, valid until the next `add`. */
  get view(): DataView {
    return this.#view;
  }

  /** Whether there is no file yet, or it differs from the entries in memory. */
  get isDirty(): boolean {
    return !this.#hasFile || this.#unchanged !== this.#count || this.#inFile !== this.#count;
  }

  /** Adds an entry without content; returns its position in the bytes. */
  add(): number {
    const position = this.#count * this.#entrySize;
    if (position + this.#entrySize > this.#bytes.length) {
      const grown = new Uint8Array(
        Math.max(FIRST_CAPACITY * this.#entrySize, this.#bytes.length * 2),
      );
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = viewOf(grown);
    }
    this.#count++;
    return position;
  }

  /** Notes that the file ends with a part of another entry, which the next `write` removes. */
  noteTorn(): void {
    this.#inFile = -1;
  }

  /** Removes all entries but the first `count`. */
  truncate(count: number): void {
    this.#count = count;
    this.#unchanged = Math.min(this.#unchanged, count);
  }

  /** Releases unused memory. */
  trim(): void {
    const size = this.#count * this.#entrySize;
    if (this.#bytes.length === size) return;
    this.#bytes = this.#bytes.slice(0, size);
    this.#view = viewOf(this.#bytes);
  }

  /**
   * Writes all entries to a new file.
   *
   * @returns Notes that the file has taken the place of the one that `write` writes to.
   */
  writeNew(fs: FileSystem, path: string): () => void {
    const count = this.#count;
    fs.writeFileSync(path, this.#bytes.subarray(0, count * this.#entrySize));
    this.#unchanged = count;
    return () => {
      this.#inFile = count;
      this.#hasFile = true;
    };
  }

  /**
   * Writes the entries that the file at `path` lacks. Those that it has are not written again: they may be
   * on disk, and needed after a power failure.
   */
  write(fs: FileSystem, path: string): void {
    const size = this.#count * this.#entrySize;
    const unchangedSize = this.#unchanged * this.#entrySize;
    if (this.#unchanged === 0) {
      fs.writeFileSync(path, this.#bytes.subarray(0, size));
    } else if (this.isDirty) {
      const file = fs.openSync(path, "append", { create: true });
      try {
        if (this.#inFile !== this.#unchanged) file.truncateSync(unchangedSize);
        this.#inFile = this.#unchanged;
        appendFullySync(file, this.#bytes.subarray(unchangedSize, size));
      } catch (error) {
        this.#inFile = -1;
        throw error;
      } finally {
        file.close();
      }
    }
    this.#inFile = this.#count;
    this.#unchanged = this.#count;
    this.#hasFile = true;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
