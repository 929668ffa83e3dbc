/**
 * Offsets of a segment by timestamp: `<base offset>.timeindex`, in Kafka's format.
 *
 *     position  size  field
 *            0     8  timestamp         the largest in the segment so far, milliseconds since 1970
 *            8     4  relative offset   last offset of the first batch that has it, minus the base offset
 *
 * Entries are big-endian and ascend in both fields. An entry (T, offset) means that no record up to
 * that batch is later than T, so later records come after it. Entries are added along with those of
 * the offset index, if the largest timestamp has grown, and once more when the segment is rolled or
 * closed: the last entry of an inactive segment is its largest timestamp, which `retention.ms`
 * uses.
 *
 * After a crash the same holds as for `offset_index.ts`.
 *
 * @module
 */

import { getInt64, setInt64 } from "../../../protocol/primitives/int64.ts";
import { CorruptFileError } from "../../errors.ts";
import type { FileSystem } from "../../file_system/file_system.ts";
import { IndexEntries } from "./index_entries.ts";

const TIMESTAMP_POSITION = 0;
const RELATIVE_OFFSET_POSITION = TIMESTAMP_POSITION + 8;

/** Size of an entry in bytes. */
export const TIME_INDEX_ENTRY_SIZE: number = RELATIVE_OFFSET_POSITION + 4;

/** The timestamp that means "none". */
export const NO_TIMESTAMP = -1;

/** Maps timestamps to offsets in a segment. */
export class TimeIndex {
  readonly baseOffset: number;
  readonly #entries: IndexEntries;

  /** @param bytes Content of the file, if there is one. */
  constructor(baseOffset: number, bytes?: Uint8Array) {
    this.baseOffset = baseOffset;
    this.#entries = new IndexEntries(TIME_INDEX_ENTRY_SIZE, bytes);
  }

  /**
   * The last entry of a file, as an index with only that entry; an empty index if there is no
   * plausible entry.
   */
  static readLastEntry(fs: FileSystem, path: string, baseOffset: number): TimeIndex {
    const size = fs.statSync(path)?.size ?? 0;
    if (size === 0 || size % TIME_INDEX_ENTRY_SIZE !== 0) return new TimeIndex(baseOffset);
    const bytes = new Uint8Array(TIME_INDEX_ENTRY_SIZE);
    const file = fs.openSync(path, "read");
    try {
      file.readSync(bytes, size - TIME_INDEX_ENTRY_SIZE);
    } finally {
      file.close();
    }
    const entry = new TimeIndex(baseOffset, bytes);
    return entry.lastTimestamp < 0 || entry.lastOffset < baseOffset
      ? new TimeIndex(baseOffset)
      : entry;
  }

  /** Number of entries. */
  get count(): number {
    return this.#entries.count;
  }

  /** Memory of the index, in bytes. */
  get capacityInBytes(): number {
    return this.#entries.capacityInBytes;
  }

  /** Whether there is no file yet, or it has other entries. */
  get isDirty(): boolean {
    return this.#entries.isDirty;
  }

  /** Timestamp of the last entry, or -1 if there is none. */
  get lastTimestamp(): number {
    return this.count === 0 ? NO_TIMESTAMP : this.timestampAt(this.count - 1);
  }

  /** Offset of the last entry, or the base offset if there is none. */
  get lastOffset(): number {
    return this.count === 0 ? this.baseOffset : this.offsetAt(this.count - 1);
  }

  timestampAt(slot: number): number {
    return getInt64(this.#entries.view, slot * TIME_INDEX_ENTRY_SIZE + TIMESTAMP_POSITION);
  }

  offsetAt(slot: number): number {
    return this.baseOffset +
      this.#entries.view.getInt32(slot * TIME_INDEX_ENTRY_SIZE + RELATIVE_OFFSET_POSITION);
  }

  /** Adds an entry if both fields are larger than those of the last one. */
  maybeAppend(timestamp: number, offset: number): void {
    if (timestamp <= this.lastTimestamp) return;
    if (this.count > 0 && offset <= this.lastOffset) return;
    const at = this.#entries.add();
    const { view } = this.#entries;
    setInt64(view, at + TIMESTAMP_POSITION, timestamp);
    view.setInt32(at + RELATIVE_OFFSET_POSITION, offset - this.baseOffset);
  }

  /**
   * The largest known offset such that no record before the batch that contains it is as late as
   * `timestamp`.
   */
  lookup(timestamp: number): number {
    let low = -1;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.timestampAt(middle) <= timestamp) low = middle;
      else high = middle - 1;
    }
    return low < 0 ? this.baseOffset : this.offsetAt(low);
  }

  /** Removes the entries of `offset` and larger offsets. */
  truncateTo(offset: number): void {
    let count = this.count;
    while (count > 0 && this.offsetAt(count - 1) >= offset) count--;
    this.#entries.truncate(count);
  }

  /** Releases unused memory. */
  trim(): void {
    this.#entries.trim();
  }

  /** Writes the entries that the file at `path` lacks. */
  write(fs: FileSystem, path: string): void {
    this.#entries.write(fs, path);
  }

  /**
   * Checks the entries, which were read from a file.
   *
   * @param sizeInBytes Size of the file.
   * @throws {CorruptFileError} If they cannot be entries of a segment.
   */
  check(path: string, sizeInBytes: number): void {
    if (sizeInBytes % TIME_INDEX_ENTRY_SIZE !== 0) {
      throw new CorruptFileError(
        path,
        `size is ${sizeInBytes} bytes, not a multiple of ${TIME_INDEX_ENTRY_SIZE}`,
      );
    }
    let timestamp = NO_TIMESTAMP;
    let offset = this.baseOffset - 1;
    for (let slot = 0; slot < this.count; slot++) {
      const nextTimestamp = this.timestampAt(slot);
      const nextOffset = this.offsetAt(slot);
      if (nextTimestamp <= timestamp || nextOffset <= offset) {
        throw new CorruptFileError(
          path,
          `entry ${slot} is time ${nextTimestamp} at offset ${nextOffset}, after time ${timestamp} at offset ${offset}`,
        );
      }
      timestamp = nextTimestamp;
      offset = nextOffset;
    }
  }
}
