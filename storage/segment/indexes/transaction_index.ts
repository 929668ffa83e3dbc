/**
 * The aborted transactions of a segment: `<base offset>.txnindex`, in Kafka's format.
 *
 *     position  size  field
 *            0     2  version              0
 *            2     8  producer id
 *           10     8  first offset         of the transaction's first record in this log
 *           18     8  last offset          of its marker, which is in this segment
 *           26     8  last stable offset   when the marker was appended: the first offset of the oldest
 *                                          other open transaction, or the offset after the marker
 *
 * There is an entry for each abort marker of a transaction that has records here, in the order of the
 * markers: entries ascend by last offset, and by last stable offset, but not by first offset. For
 * example, transactions of producers 5 and 4 with records at 2 and 4 and markers at 8 and 11 are
 * (5, 2, 8, 4) and (4, 4, 11, 12). Consumers that read committed records only skip the records of a
 * producer from an entry's first offset to its marker. Most segments have no file.
 *
 * Everything here can be found again in the batches. After a crash entries from the recovery point on are
 * not trusted: recovery adds them again.
 *
 * @module
 */

import { getInt64, setInt64 } from "../../../protocol/primitives/int64.ts";
import { CorruptFileError } from "../../errors.ts";
import type { FileSystem } from "../../file_system/file_system.ts";
import { IndexEntries } from "./index_entries.ts";

const VERSION = 0;

const VERSION_POSITION = 0;
const PRODUCER_ID_POSITION = VERSION_POSITION + 2;
const FIRST_OFFSET_POSITION = PRODUCER_ID_POSITION + 8;
const LAST_OFFSET_POSITION = FIRST_OFFSET_POSITION + 8;
const LAST_STABLE_OFFSET_POSITION = LAST_OFFSET_POSITION + 8;

/** Size of an entry in bytes. */
export const TRANSACTION_INDEX_ENTRY_SIZE: number = LAST_STABLE_OFFSET_POSITION + 8;

/** An aborted transaction. */
export interface AbortedTransaction {
  readonly producerId: number;
  /** Offset of its first record. */
  readonly firstOffset: number;
  /** Offset of its marker. */
  readonly lastOffset: number;
}

/** An aborted transaction in an index. */
export interface TransactionIndexEntry extends AbortedTransaction {
  /** First offset of the oldest other transaction that was open at the marker, or the offset after it. */
  readonly lastStableOffset: number;
}

/** Finds the aborted transactions of a segment. */
export class TransactionIndex {
  readonly baseOffset: number;
  readonly #entries: IndexEntries;

  /** @param bytes Content of the file, if there is one. */
  constructor(baseOffset: number, bytes?: Uint8Array) {
    this.baseOffset = baseOffset;
    this.#entries = new IndexEntries(TRANSACTION_INDEX_ENTRY_SIZE, bytes);
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

  /** The entry at a slot. */
  entryAt(slot: number): TransactionIndexEntry {
    return {
      producerId: this.#fieldAt(slot, PRODUCER_ID_POSITION),
      firstOffset: this.firstOffsetAt(slot),
      lastOffset: this.lastOffsetAt(slot),
      lastStableOffset: this.lastStableOffsetAt(slot),
    };
  }

  firstOffsetAt(slot: number): number {
    return this.#fieldAt(slot, FIRST_OFFSET_POSITION);
  }

  lastOffsetAt(slot: number): number {
    return this.#fieldAt(slot, LAST_OFFSET_POSITION);
  }

  lastStableOffsetAt(slot: number): number {
    return this.#fieldAt(slot, LAST_STABLE_OFFSET_POSITION);
  }

  #fieldAt(slot: number, position: number): number {
    return getInt64(this.#entries.view, slot * TRANSACTION_INDEX_ENTRY_SIZE + position);
  }

  /** Adds an entry, whose marker is after all others. */
  append({ producerId, firstOffset, lastOffset, lastStableOffset }: TransactionIndexEntry): void {
    const at = this.#entries.add();
    const { view } = this.#entries;
    view.setInt16(at + VERSION_POSITION, VERSION);
    setInt64(view, at + PRODUCER_ID_POSITION, producerId);
    setInt64(view, at + FIRST_OFFSET_POSITION, firstOffset);
    setInt64(view, at + LAST_OFFSET_POSITION, lastOffset);
    setInt64(view, at + LAST_STABLE_OFFSET_POSITION, lastStableOffset);
  }

  /** Slot of the first entry whose marker is at `offset` or later. */
  ceilingSlot(offset: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.lastOffsetAt(middle) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Adds to `found` the transactions that may have records from `fetchOffset` on and before
   * `endOffset`.
   *
   * @returns Whether no later entry can have any.
   */
  collect(fetchOffset: number, endOffset: number, found: AbortedTransaction[]): boolean {
    for (let slot = this.ceilingSlot(fetchOffset); slot < this.count; slot++) {
      if (this.firstOffsetAt(slot) < endOffset) {
        const { producerId, firstOffset, lastOffset } = this.entryAt(slot);
        found.push({ producerId, firstOffset, lastOffset });
      }
      // All transactions that were open then, and all that began since, begin there or later.
      if (this.lastStableOffsetAt(slot) >= endOffset) return true;
    }
    return false;
  }

  /** The entry of the transaction that ended with the marker at `offset`, if there is one. */
  find(offset: number): TransactionIndexEntry | undefined {
    const slot = this.ceilingSlot(offset);
    return slot < this.count && this.lastOffsetAt(slot) === offset ? this.entryAt(slot) : undefined;
  }

  /** Removes the entries with markers at `offset` and later. */
  truncateTo(offset: number): void {
    this.#entries.truncate(this.ceilingSlot(offset));
  }

  /** Notes that the file ends with a part of another entry, which the next `write` removes. */
  noteTorn(): void {
    this.#entries.noteTorn();
  }

  /** Releases unused memory. */
  trim(): void {
    this.#entries.trim();
  }

  /**
   * Writes all entries to a new file.
   *
   * @returns Notes that the file has taken the place of the one that `write` writes to.
   */
  writeNew(fs: FileSystem, path: string): () => void {
    return this.#entries.writeNew(fs, path);
  }

  /** Writes the entries that the file at `path` lacks. */
  write(fs: FileSystem, path: string): void {
    this.#entries.write(fs, path);
  }

  /**
   * Checks the entries, which were read from a file.
   *
   * @param sizeInBytes Size of the file.
   * @param endOffset The end of the segment.
   * @throws {CorruptFileError} If they cannot belong to that segment.
   */
  check(path: string, sizeInBytes: number, endOffset = Infinity): void {
    if (sizeInBytes === 0 || sizeInBytes % TRANSACTION_INDEX_ENTRY_SIZE !== 0) {
      throw new CorruptFileError(
        path,
        `size is ${sizeInBytes} bytes, not a positive multiple of ${TRANSACTION_INDEX_ENTRY_SIZE}`,
      );
    }
    let previous = this.baseOffset - 1;
    for (let slot = 0; slot < this.count; slot++) {
      const version = this.#entries.view.getInt16(slot * TRANSACTION_INDEX_ENTRY_SIZE);
      if (version !== VERSION) {
        throw new CorruptFileError(
          path,
          `version of entry ${slot} is ${version}, expected ${VERSION}`,
        );
      }
      const { firstOffset, lastOffset, lastStableOffset } = this.entryAt(slot);
      const isPlausible = lastOffset > previous && lastOffset < endOffset && firstOffset >= 0 &&
        firstOffset < lastOffset &&
        lastStableOffset >= 0 && lastStableOffset <= lastOffset + 1;
      if (!isPlausible) {
        throw new CorruptFileError(
          path,
          `entry ${slot} has offsets ${firstOffset} to ${lastOffset}, last stable offset ${lastStableOffset}, after a marker at ${previous}`,
        );
      }
      previous = lastOffset;
    }
  }
}
