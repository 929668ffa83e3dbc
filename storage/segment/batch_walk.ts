/**
 * Iterates over the batches of a segment file, past damage.
 *
 * The size of a batch leads to the next one. Where that cannot be right, the bytes are searched for
 * the next valid batch: one with a correct CRC and offsets that are possible at that place.
 *
 * The CRC does not cover the base offset, so offsets are compared with those of the neighbours: a
 * batch without a gap before it is valid; one after a gap, as compaction leaves, is invalid if the
 * next batch is whole and belongs into the gap.
 *
 * Reads are synchronous, like those of `batch_scanner.ts`, which is for files that are assumed to be
 * valid. Damage may be as long as the file, such as the zeros of a preallocated one: `nextInSlices`
 * pauses during the search for its end.
 *
 * @module
 */

import { RECORD_BATCH_OVERHEAD, type RecordBatch } from "../../protocol/records/mod.ts";
import { MAGIC, MAGIC_POSITION } from "../../protocol/records/record_batch.ts";
import { BatchCursor } from "./batch_cursor.ts";
import { FileWindow, type WindowedFile } from "../file_system/file_window.ts";
import { runAtOnce, runSliced, type TimeSlice } from "../time_slice.ts";

/** How many bytes are searched at a time for the start of a batch. */
const SEARCH_BYTES = 1 << 18;

/** Bytes of a segment file without a valid batch, and the offsets lost with them. */
export interface DamagedRange {
  /** Its start in the file. */
  readonly position: number;
  /** The start of the next valid batch, or the end of the file. */
  readonly endPosition: number;
  /** The first offset that may be lost. */
  readonly firstOffset: number;
  /**
   * The first offset after the lost ones: that of the next valid batch, or the end of the segment.
   */
  readonly nextOffset: number;
  /** What is wrong. */
  readonly problem: string;
  /** Whether it is the start of a batch that continues past the end of the file. */
  readonly isTorn: boolean;
}

/** The part of a file to iterate over. */
export interface WalkRange {
  /** The start of a batch. */
  readonly position: number;
  /** The end of the batches. */
  readonly endPosition: number;
  /** The lowest possible offset at the start. */
  readonly nextOffset: number;
  /** Exclusive upper bound of offsets: the base offset of the next segment, or `Infinity`. */
  readonly endOffset: number;
}

/**
 * What is wrong with a batch header, by the header alone.
 *
 * @param header The header, which must be whole.
 * @param available Number of bytes from its position to the end of the file.
 */
export function headerProblem(
  header: BatchCursor,
  available: number,
  nextOffset: number,
  endOffset: number,
): string | undefined {
  const { magic, sizeInBytes } = header;
  if (magic !== MAGIC) return `magic is ${magic}, not ${MAGIC}`;
  if (sizeInBytes < RECORD_BATCH_OVERHEAD) {
    return `batch is ${sizeInBytes} bytes, its header alone takes ${RECORD_BATCH_OVERHEAD}`;
  }
  if (sizeInBytes > available) {
    return `batch is ${sizeInBytes} bytes, the file ends after ${available}`;
  }
  const { baseOffset, lastOffset } = header;
  if (baseOffset < nextOffset || lastOffset < baseOffset || lastOffset >= endOffset) {
    const last = endOffset === Infinity ? "later ones" : endOffset - 1;
    return `batch has offsets ${baseOffset} to ${lastOffset}, possible are ${nextOffset} to ${last}`;
  }
  return Number.isSafeInteger(lastOffset) ? undefined : `offset ${lastOffset} is too large`;
}

/** Yields valid batches and damaged ranges one after another. */
export class BatchWalk {
  readonly #window: FileWindow;
  readonly #end: number;
  readonly #endOffset: number;
  readonly #cursor = new BatchCursor(new Uint8Array(0));
  #position: number;
  #nextPosition: number;
  #nextOffset: number;
  #damage: DamagedRange | undefined;

  /** Walks a part of a file. */
  constructor(file: WindowedFile, range: WalkRange) {
    this.#window = new FileWindow(file, range.endPosition);
    this.#end = range.endPosition;
    this.#endOffset = range.endOffset;
    this.#position = this.#nextPosition = range.position;
    this.#nextOffset = range.nextOffset;
  }

  /** The start of the batch or range that `next` moved to. */
  get position(): number {
    return this.#position;
  }

  /** Its end. */
  get nextPosition(): number {
    return this.#nextPosition;
  }

  /** The offset after it. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** The damaged range that `next` moved to; `undefined` if it moved to a batch. */
  get damage(): DamagedRange | undefined {
    return this.#damage;
  }

  /** Header of the batch that `next` moved to, valid until the next call. */
  get header(): BatchCursor {
    return this.#cursor;
  }

  /** The batch that `next` moved to, with its records; valid until the next call. */
  batch(): RecordBatch {
    this.#cursor.reset(this.#view(this.#position, this.#nextPosition - this.#position), 0);
    return this.#cursor.batch;
  }

  /** Moves to the next batch or damaged range. Returns false at the end. */
  next(): boolean {
    if (!this.#begin()) return false;
    const problem = this.#problem();
    if (problem !== undefined) this.#damaged(runAtOnce(this.#skip(problem)));
    return true;
  }

  /** Like `next`; pauses whenever a slice is over during the search for the end of damage. */
  async nextInSlices(slice: TimeSlice): Promise<boolean> {
    if (!this.#begin()) return false;
    const problem = this.#problem();
    if (problem !== undefined) this.#damaged(await runSliced(this.#skip(problem), slice));
    return true;
  }

  /** Like `next`; yields during the search for the end of damage, and returns the result. */
  *steps(): Generator<undefined, boolean> {
    if (!this.#begin()) return false;
    const problem = this.#problem();
    if (problem !== undefined) this.#damaged(yield* this.#skip(problem));
    return true;
  }

  #begin(): boolean {
    this.#position = this.#nextPosition;
    this.#damage = undefined;
    return this.#position < this.#end;
  }

  /** Moves past a valid batch at the position, or returns what is wrong with it. */
  #problem(): string | undefined {
    const problem = this.#problemAt(this.#position) ?? this.#misplacement();
    if (problem !== undefined) return problem;
    this.#nextPosition = this.#position + this.#cursor.sizeInBytes;
    this.#nextOffset = this.#cursor.nextOffset;
    return undefined;
  }

  #damaged(damage: DamagedRange): void {
    this.#damage = damage;
    this.#nextPosition = damage.endPosition;
    this.#nextOffset = damage.nextOffset;
  }

  /** Why the batch at the cursor cannot have its offsets, although its CRC is correct. */
  #misplacement(): string | undefined {
    const { baseOffset, nextOffset, sizeInBytes } = this.#cursor;
    if (baseOffset === this.#nextOffset) return undefined;
    const following = this.#position + sizeInBytes;
    if (following < this.#end && this.#problemAt(following) === undefined) {
      const { baseOffset: followingOffset } = this.#cursor;
      if (followingOffset < nextOffset) {
        return `batch has offsets ${baseOffset} to ${
          nextOffset - 1
        }, the next begins at ${followingOffset}`;
      }
    }
    this.#moveTo(this.#position);
    return undefined;
  }

  /** The damaged range at the position; yields between parts of the search for its end. */
  *#skip(problem: string): Generator<undefined, DamagedRange> {
    const available = this.#end - this.#position;
    let stated = 0;
    if (available >= RECORD_BATCH_OVERHEAD) {
      this.#moveTo(this.#position);
      stated = this.#cursor.sizeInBytes;
      const isPossible = this.#cursor.magic === MAGIC && stated >= RECORD_BATCH_OVERHEAD;
      const follows = this.#position + stated;
      if (
        isPossible && (stated === available ||
          (stated < available && this.#problemAt(follows) === undefined))
      ) {
        return { ...this.#rangeTo(follows), problem };
      }
    }
    const range = this.#rangeTo(yield* this.#search(this.#position + 1));
    const isTorn = range.endPosition === this.#end &&
      (available < RECORD_BATCH_OVERHEAD || stated > available);
    return { ...range, problem, isTorn };
  }

  #rangeTo(endPosition: number): Omit<DamagedRange, "problem"> {
    const firstOffset = this.#nextOffset;
    let nextOffset = this.#endOffset === Infinity ? firstOffset : this.#endOffset;
    if (endPosition < this.#end) {
      this.#moveTo(endPosition);
      nextOffset = this.#cursor.baseOffset;
    }
    return { position: this.#position, endPosition, firstOffset, nextOffset, isTorn: false };
  }

  /** The start of the next valid batch, or the end. */
  *#search(from: number): Generator<undefined, number> {
    for (let start = from; start < this.#end; start += SEARCH_BYTES) {
      const bytes = this.#window.view(start + MAGIC_POSITION, SEARCH_BYTES).slice();
      for (let at = bytes.indexOf(MAGIC); at >= 0; at = bytes.indexOf(MAGIC, at + 1)) {
        if (this.#problemAt(start + at) === undefined) return start + at;
      }
      yield;
    }
    return this.#end;
  }

  /** Why there is no valid batch at a position; moves the cursor there. */
  #problemAt(position: number): string | undefined {
    const available = this.#end - position;
    if (available < RECORD_BATCH_OVERHEAD) {
      return `${available} bytes are left, a batch header takes ${RECORD_BATCH_OVERHEAD}`;
    }
    this.#moveTo(position);
    const problem = headerProblem(this.#cursor, available, this.#nextOffset, this.#endOffset);
    if (problem !== undefined) return problem;
    this.#cursor.reset(this.#view(position, this.#cursor.sizeInBytes), 0);
    return this.#cursor.crcProblem;
  }

  /** Moves the cursor to the header at a position. */
  #moveTo(position: number): void {
    this.#cursor.reset(this.#view(position, RECORD_BATCH_OVERHEAD), 0);
  }

  /** Bytes of the file, padded with zeros if it is shorter than expected. */
  #view(position: number, size: number): Uint8Array {
    const bytes = this.#window.view(position, size);
    if (bytes.length === size) return bytes;
    const padded = new Uint8Array(size);
    padded.set(bytes);
    return padded;
  }
}
