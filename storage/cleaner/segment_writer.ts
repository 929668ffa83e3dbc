/**
 * Writes batches to a new segment, gathered into large writes, and syncs regularly: one sync of a
 * gigabyte would delay the syncs of other logs.
 *
 * @module
 */

import { RecordBatch } from "../../protocol/records/mod.ts";
import { StorageError } from "../errors.ts";
import type { Segment } from "../segment/segment.ts";

const BUFFER_BYTES = 1 << 20;
const SYNC_BYTES = 16 << 20;

/** Positions in the offset index are int32. */
const MAX_SEGMENT_BYTES = 2 ** 31 - 1;

/** Writes one segment. */
export class SegmentWriter {
  readonly segment: Segment;
  readonly #indexIntervalBytes: number;
  readonly #buffer: Uint8Array;
  #used = 0;
  #unsyncedBytes = 0;

  /** @param buffer Memory to gather batches in, from {@linkcode SegmentWriter.buffer}. */
  constructor(segment: Segment, indexIntervalBytes: number, buffer: Uint8Array) {
    this.segment = segment;
    this.#indexIntervalBytes = indexIntervalBytes;
    this.#buffer = buffer;
    segment.createFile();
  }

  static buffer(): Uint8Array {
    return new Uint8Array(BUFFER_BYTES);
  }

  /** Whether `sync` should be awaited before the next write. */
  get isSyncDue(): boolean {
    return this.#unsyncedBytes >= SYNC_BYTES;
  }

  /**
   * Appends a batch.
   *
   * @throws {SegmentWriteError} If it cannot be written.
   * @throws {StorageError} If the segment would exceed the positions of an index.
   */
  append(bytes: Uint8Array): void {
    if (this.segment.sizeInBytes + this.#used + bytes.length > MAX_SEGMENT_BYTES) {
      throw new StorageError(
        `Cannot write "${this.segment.path}": it would exceed ${MAX_SEGMENT_BYTES} bytes`,
      );
    }
    if (this.#used + bytes.length > this.#buffer.length) this.flush();
    const position = this.segment.sizeInBytes + this.#used;
    if (bytes.length > this.#buffer.length) {
      this.segment.write(bytes);
      this.#unsyncedBytes += bytes.length;
    } else {
      this.#buffer.set(bytes, this.#used);
      this.#used += bytes.length;
    }
    this.segment.indexes.add(new RecordBatch(bytes), position, this.#indexIntervalBytes);
  }

  /** Writes the gathered batches. */
  flush(): void {
    if (this.#used === 0) return;
    this.segment.write(this.#buffer.subarray(0, this.#used));
    this.#unsyncedBytes += this.#used;
    this.#used = 0;
  }

  /** Resolves when the written batches are on disk. */
  async sync(): Promise<void> {
    this.#unsyncedBytes = 0;
    await this.segment.sync();
  }
}
