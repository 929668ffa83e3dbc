/**
 * Iterates over the batches of a segment file in order, reading it in chunks.
 *
 * Synchronous, so that truncation and index repair can use it in the middle of an append; long
 * scans call `next` in slices. It reads either everything, or headers only, and then skips the
 * records of batches larger than a chunk.
 *
 * @module
 */

import {
  CorruptRecordError,
  LOG_OVERHEAD,
  RECORD_BATCH_OVERHEAD,
  type RecordBatch,
  sizeOfBatchAt,
} from "../../protocol/records/mod.ts";
import { BATCH_LENGTH_POSITION, MAGIC_POSITION } from "../../protocol/records/record_batch.ts";
import { BatchCursor } from "./batch_cursor.ts";
import type { PooledFile } from "../file_system/file_pool.ts";

const HEADERS_CHUNK_BYTES = 1 << 16;
const WHOLE_CHUNK_BYTES = 1 << 20;

/** Reads batches one after another. */
export class BatchScanner {
  readonly #file: PooledFile;
  readonly #end: number;
  readonly #chunkBytes: number;
  readonly #wholeBatches: boolean;
  readonly #cursor: BatchCursor;
  #buffer: Uint8Array;
  #chunk: Uint8Array;
  /** Where the chunk starts in the file. */
  #chunkPosition: number;
  #position: number;
  #size = 0;

  /**
   * Scans the file from `position`, where a batch starts, to `end`.
   *
   * @param wholeBatches Whether to read records too, not only headers.
   */
  constructor(file: PooledFile, position: number, end: number, wholeBatches: boolean) {
    this.#file = file;
    this.#position = position;
    this.#end = end;
    this.#wholeBatches = wholeBatches;
    this.#chunkBytes = wholeBatches ? WHOLE_CHUNK_BYTES : HEADERS_CHUNK_BYTES;
    this.#buffer = new Uint8Array(Math.max(0, Math.min(this.#chunkBytes, end - position)));
    this.#chunk = this.#buffer.subarray(0, 0);
    this.#chunkPosition = position;
    this.#cursor = new BatchCursor(this.#chunk);
  }

  /** Header of the batch that `next` moved to, valid until the next call. */
  get header(): BatchCursor {
    return this.#cursor;
  }

  /**
   * The start of that batch in the file; once `next` has returned false, the end of the batches.
   */
  get position(): number {
    return this.#position;
  }

  /** Whether the scan has reached the end. */
  get isAtEnd(): boolean {
    return this.#position === this.#end;
  }

  /** The end of that batch in the file. */
  get nextPosition(): number {
    return this.#position + this.#size;
  }

  /**
   * Moves to the next batch.
   *
   * @returns False at the end, and at an incomplete batch.
   * @throws {CorruptRecordError} If the next bytes cannot be a batch.
   * @throws {UnsupportedRecordFormatError} If the next batch has magic 0 or 1.
   */
  next(): boolean {
    this.#position += this.#size;
    this.#size = 0;
    if (this.#end - this.#position < RECORD_BATCH_OVERHEAD) return false;
    if (!this.#load(RECORD_BATCH_OVERHEAD)) return false;
    const size = this.#sizeOfBatch();
    if (size > this.#end - this.#position) return false;
    if (this.#wholeBatches && !this.#load(size)) return false;
    this.#cursor.reset(this.#chunk, this.#position - this.#chunkPosition);
    this.#size = size;
    return true;
  }

  #sizeOfBatch(): number {
    const at = this.#position - this.#chunkPosition;
    try {
      return sizeOfBatchAt(this.#chunk, at)!;
    } catch (error) {
      if (error instanceof CorruptRecordError || !this.#hasZeros(at)) throw error;
      throw new CorruptRecordError(
        `Cannot read record batch at position ${this.#position} of "${this.#file.path}": its header has zeros`,
        { cause: error },
      );
    }
  }

  /**
   * Whether a header has zeros left by a power failure, from the size on or from the magic on. It
   * is then not of an old format, although its magic is 0.
   */
  #hasZeros(at: number): boolean {
    const size = this.#chunk.subarray(at + BATCH_LENGTH_POSITION, at + LOG_OVERHEAD);
    const rest = this.#chunk.subarray(at + MAGIC_POSITION, at + RECORD_BATCH_OVERHEAD);
    return [size, rest].some((bytes) => bytes.every((byte) => byte === 0));
  }

  /** The batch that `next` moved to, with its records; valid until the next call. */
  batch(): RecordBatch {
    if (this.#load(this.#size)) {
      this.#cursor.reset(this.#chunk, this.#position - this.#chunkPosition);
    }
    return this.#cursor.batch;
  }

  /** Loads `size` bytes from the position on into the chunk. Returns whether the file has them. */
  #load(size: number): boolean {
    const at = this.#position - this.#chunkPosition;
    if (at + size <= this.#chunk.length) return true;
    const wanted = Math.min(Math.max(size, this.#chunkBytes), this.#end - this.#position);
    if (wanted > this.#buffer.length) this.#buffer = new Uint8Array(wanted);
    const into = this.#buffer.subarray(0, wanted);
    const count = this.#file.readSync(into, this.#position);
    this.#chunk = into.subarray(0, count);
    this.#chunkPosition = this.#position;
    return count >= size;
  }
}
