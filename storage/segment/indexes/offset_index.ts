/**
 * Positions of batches in a segment file by offset: `<base offset>.index`, in Kafka's format.
 *
 *     position  size  field
 *            0     4  relative offset   last offset of a batch, minus the segment's base offset
 *            4     4  position          start of that batch in the segment file
 *
 * Entries are big-endian and ascend in both fields. The index is sparse: an entry is added once
 * `index.interval.bytes` were appended since the last one, so a lookup gives a position at or
 * before the wanted batch, from which to scan. For example, with batches of offsets 0–9, 10–19 and
 * 20–29 at positions 0, 5000 and 9000, the entries are (19, 5000) and (29, 9000), and a lookup of
 * 25 gives 5000.
 *
 * After a crash the file may have too few entries, or garbage. `check` detects garbage; missing
 * entries only make scans longer. Entries after the recovery point are not trusted: recovery adds
 * them again.
 *
 * @module
 */

import { CorruptFileError } from "../../errors.ts";
import type { FileSystem } from "../../file_system/file_system.ts";
import { IndexEntries } from "./index_entries.ts";

const RELATIVE_OFFSET_POSITION = 0;
const POSITION_POSITION = RELATIVE_OFFSET_POSITION + 4;

/** Size of an entry in bytes. */
export const OFFSET_INDEX_ENTRY_SIZE: number = POSITION_POSITION + 4;

/** Maps offsets to positions in a segment file. */
export class OffsetIndex {
  readonly baseOffset: number;
  readonly #entries: IndexEntries;

  /** @param bytes Content of the file, if there is one. */
  constructor(baseOffset: number, bytes?: Uint8Array) {
    this.baseOffset = baseOffset;
    this.#entries = new IndexEntries(OFFSET_INDEX_ENTRY_SIZE, bytes);
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

  /** Offset of the last entry, or the base offset if there is none. */
  get lastOffset(): number {
    return this.count === 0 ? this.baseOffset : this.offsetAt(this.count - 1);
  }

  /** Position of the last entry, or 0 if there is none. */
  get lastPosition(): number {
    return this.count === 0 ? 0 : this.positionAt(this.count - 1);
  }

  offsetAt(slot: number): number {
    return this.baseOffset +
      this.#entries.view.getInt32(slot * OFFSET_INDEX_ENTRY_SIZE + RELATIVE_OFFSET_POSITION);
  }

  positionAt(slot: number): number {
    return this.#entries.view.getInt32(slot * OFFSET_INDEX_ENTRY_SIZE + POSITION_POSITION);
  }

  /** Adds an entry. Does nothing if `lastOffset` is not larger than that of the last entry. */
  append(lastOffset: number, position: number): void {
    if (this.count > 0 && lastOffset <= this.lastOffset) return;
    const at = this.#entries.add();
    this.#entries.view.setInt32(at + RELATIVE_OFFSET_POSITION, lastOffset - this.baseOffset);
    this.#entries.view.setInt32(at + POSITION_POSITION, position);
  }

  /** The start of a batch at or before the one that contains `offset`. */
  lookup(offset: number): number {
    const slot = this.floorSlot(offset);
    return slot < 0 ? 0 : this.positionAt(slot);
  }

  /** Removes the entries of `offset` and larger offsets. */
  truncateTo(offset: number): void {
    this.#entries.truncate(this.floorSlot(offset - 1) + 1);
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
   * @param logSizeInBytes Size of the segment file.
   * @throws {CorruptFileError} If they cannot belong to that segment.
   */
  check(path: string, sizeInBytes: number, logSizeInBytes: number): void {
    if (sizeInBytes % OFFSET_INDEX_ENTRY_SIZE !== 0) {
      throw new CorruptFileError(
        path,
        `size is ${sizeInBytes} bytes, not a multiple of ${OFFSET_INDEX_ENTRY_SIZE}`,
      );
    }
    let offset = this.baseOffset - 1;
    let position = -1;
    for (let slot = 0; slot < this.count; slot++) {
      const nextOffset = this.offsetAt(slot);
      const nextPosition = this.positionAt(slot);
      if (nextOffset <= offset || nextPosition <= position || nextPosition >= logSizeInBytes) {
        throw new CorruptFileError(
          path,
          `entry ${slot} is offset ${nextOffset} at ${nextPosition}, after offset ${offset} at ${position}, in a segment of ${logSizeInBytes} bytes`,
        );
      }
      offset = nextOffset;
      position = nextPosition;
    }
  }

  /** Slot of the last entry with an offset up to `offset`, or -1. */
  floorSlot(offset: number): number {
    const relativeOffset = offset - this.baseOffset;
    const { view } = this.#entries;
    let low = -1;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const found = view.getInt32(middle * OFFSET_INDEX_ENTRY_SIZE + RELATIVE_OFFSET_POSITION);
      if (found <= relativeOffset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
