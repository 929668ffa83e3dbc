/**
 * Reads the batches of a segment in large chunks, asynchronously.
 *
 * @module
 */

import {
  CorruptRecordError,
  type RecordBatch,
  recordBatches,
  sizeOfBatchAt,
} from "../../protocol/records/mod.ts";
import type { Segment } from "../segment/segment.ts";

const CHUNK_BYTES = 1 << 20;

/** A buffer for chunks, reused for one segment after another. */
export class ChunkBuffer {
  #bytes = new Uint8Array(0);

  /** The first `size` bytes, valid until the next call. */
  take(size: number): Uint8Array {
    if (this.#bytes.length < size) this.#bytes = new Uint8Array(Math.max(size, CHUNK_BYTES));
    return this.#bytes.subarray(0, size);
  }
}

/** The batches of a segment from a position on, with checked CRC. */
export class SegmentChunks {
  readonly #segment: Segment;
  readonly #buffer: ChunkBuffer;
  readonly #end: number;
  #position: number;
  #chunk: Uint8Array = new Uint8Array(0);

  /** @param position The start of a batch. */
  constructor(segment: Segment, position: number, buffer: ChunkBuffer) {
    this.#segment = segment;
    this.#buffer = buffer;
    this.#position = position;
    this.#end = segment.sizeInBytes;
  }

  /**
   * Reads the next batches.
   *
   * @returns False if there are no more.
   * @throws {CorruptRecordError} If the next bytes are no batch.
   * @throws {FileSystemError} If the file cannot be read.
   */
  async next(): Promise<boolean> {
    let wanted = CHUNK_BYTES;
    while (this.#position < this.#end) {
      const size = Math.min(wanted, this.#end - this.#position);
      const bytes = this.#buffer.take(size);
      const count = await this.#segment.file.read(bytes, this.#position);
      if (count < size) throw this.#corrupt("the file ends early");
      const whole = this.#sizeOfBatches(bytes);
      if (whole > 0) {
        this.#chunk = bytes.subarray(0, whole);
        this.#position += whole;
        return true;
      }
      if (size === this.#end - this.#position) throw this.#corrupt("it ends within a batch");
      wanted = this.#sizeAt(bytes, 0) ?? size * 2;
    }
    return false;
  }

  /**
   * The batches that `next` read, valid until it is called again.
   *
   * @throws {CorruptRecordError} At a damaged batch.
   */
  *batches(): Generator<RecordBatch, void> {
    for (const batch of recordBatches(this.#chunk)) {
      try {
        batch.ensureValid();
      } catch (error) {
        throw this.#corrupt("a batch is damaged", error);
      }
      yield batch;
    }
  }

  #sizeOfBatches(bytes: Uint8Array): number {
    let position = 0;
    while (position < bytes.length) {
      const size = this.#sizeAt(bytes, position);
      if (size === undefined || size > bytes.length - position) break;
      position += size;
    }
    return position;
  }

  #sizeAt(bytes: Uint8Array, position: number): number | undefined {
    try {
      return sizeOfBatchAt(bytes, position);
    } catch (error) {
      throw this.#corrupt(`no batch is at position ${this.#position + position}`, error);
    }
  }

  #corrupt(problem: string, cause?: unknown): CorruptRecordError {
    return new CorruptRecordError(
      `Cannot clean "${this.#segment.path}" from position ${this.#position} on: ${problem}`,
      { cause },
    );
  }
}
