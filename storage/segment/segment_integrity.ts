/**
 * Which bytes of a segment file were checked, and which are damaged.
 *
 * Bytes are checked when they are first read after the file was opened, and not again: later reads
 * cost nothing, and later damage is found by clients, which check the CRC too. Kept in memory only,
 * and dropped when the segment is truncated.
 *
 * @module
 */

import { RECORD_BATCH_OVERHEAD } from "../../protocol/records/mod.ts";
import type { BatchCursor } from "./batch_cursor.ts";
import { type DamagedRange, headerProblem } from "./batch_walk.ts";

/**
 * Beyond this number of ranges, all but the last are dropped, and checked again when they are read.
 */
const MAX_RANGES = 64;

/** A place in a segment file from which to iterate over batches. */
export interface BatchPlace {
  readonly position: number;
  /** The lowest possible offset there. */
  readonly nextOffset: number;
  /** The last offset of the batch there, if the place comes from the index. */
  readonly lastOffset?: number | undefined;
}

/** The checked and damaged bytes of one segment file. */
export class SegmentIntegrity {
  /** Start and end positions of the checked ranges, ascending. */
  #bounds: number[] = [];
  #damages: readonly DamagedRange[] = [];
  #foundTo = 0;

  /** All known damage, in order. */
  get damages(): readonly DamagedRange[] {
    return this.#damages;
  }

  /** The position up to which all damage is known. */
  get foundTo(): number {
    return this.#foundTo;
  }

  /** Records that all bytes up to a position were checked, and the damage among them. */
  replace(endPosition: number, damages: readonly DamagedRange[]): void {
    this.#foundTo = endPosition;
    this.#bounds = [0, endPosition];
    this.#damages = damages;
  }

  /** Records that the bytes between the starts of two batches were checked. */
  add(position: number, endPosition: number): void {
    if (endPosition <= position) return;
    const bounds = this.#bounds;
    let first = 0;
    while (first < bounds.length && bounds[first + 1]! < position) first += 2;
    let last = first;
    let [start, end] = [position, endPosition];
    while (last < bounds.length && bounds[last]! <= endPosition) {
      start = Math.min(start, bounds[last]!);
      end = Math.max(end, bounds[last + 1]!);
      last += 2;
    }
    bounds.splice(first, last - first, start, end);
    if (bounds.length > 2 * MAX_RANGES) this.#bounds = [start, end];
  }

  /**
   * The end of the checked range that contains a position; the position itself if there is none.
   */
  checkedTo(position: number): number {
    const bounds = this.#bounds;
    for (let i = 0; i < bounds.length; i += 2) {
      if (bounds[i]! <= position && position < bounds[i + 1]!) return bounds[i + 1]!;
    }
    return position;
  }

  /** The first damage at a position or after it. */
  nextDamage(position: number): DamagedRange | undefined {
    return this.#damages.find(({ endPosition }) => endPosition > position);
  }

  /**
   * Checks bytes of the file. The last batch may be incomplete.
   *
   * @param cursor The bytes, at the first batch to check. Is moved after the last whole valid
   *   batch.
   * @param place The cursor's place in the file.
   * @param endPosition Where the batches of the file end.
   * @param endOffset Exclusive upper bound of offsets.
   * @returns The cursor's new place, and what is wrong with the batch there, unless it is only
   *   incomplete.
   */
  check(
    cursor: BatchCursor,
    place: BatchPlace,
    endPosition: number,
    endOffset: number,
  ): { readonly next: BatchPlace; readonly problem: string | undefined } {
    const start = cursor.position;
    let { nextOffset, lastOffset } = place;
    let checkedTo = -1;
    let problem: string | undefined;
    for (;;) {
      const position = place.position + cursor.position - start;
      const available = endPosition - position;
      if (available === 0) break;
      if (!cursor.hasHeader) {
        if (available < RECORD_BATCH_OVERHEAD) problem = `the file ends after ${available} bytes`;
        break;
      }
      if (position >= checkedTo) checkedTo = this.checkedTo(position);
      const isChecked = position < checkedTo;
      problem = headerProblem(cursor, available, isChecked ? 0 : nextOffset, endOffset);
      if (problem !== undefined) break;
      if (lastOffset !== undefined && cursor.lastOffset !== lastOffset) {
        problem = `batch ends with offset ${cursor.lastOffset}, the index has ${lastOffset}`;
        break;
      }
      if (!cursor.isWhole) break;
      if (!isChecked) {
        if (lastOffset === undefined && cursor.baseOffset !== nextOffset) {
          // The CRC does not cover the base offset: a gap is real only if the next batch confirms it.
          if (available > cursor.sizeInBytes && !cursor.hasNextHeader) break;
          problem = gapProblem(cursor, available);
        }
        problem ??= cursor.crcProblem;
        if (problem !== undefined) break;
      }
      nextOffset = cursor.nextOffset;
      lastOffset = undefined;
      cursor.position += cursor.sizeInBytes;
    }
    const position = place.position + cursor.position - start;
    this.add(place.position, position);
    return { next: cursor.position === start ? place : { position, nextOffset }, problem };
  }
}

function gapProblem(cursor: BatchCursor, available: number): string | undefined {
  if (cursor.sizeInBytes === available) return undefined;
  const { nextOffset, followingBaseOffset } = cursor;
  if (followingBaseOffset >= nextOffset) return undefined;
  return `batch ends with offset ${nextOffset - 1}, the next begins with ${followingBaseOffset}`;
}
