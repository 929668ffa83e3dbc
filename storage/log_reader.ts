/**
 * Reads batches of a log from its segment files, and finds records by their timestamps.
 *
 * Reads are asynchronous, and the log goes on meanwhile. What keeps them right: only bytes up to a
 * segment's size are read, which no append changes; and a read that was overtaken by a truncation, or
 * by the deletion of its segment, begins anew, maybe to find that the offset is gone.
 *
 * Batches without records, which compaction leaves of producers, are not read at the beginning nor at
 * the end: there are clients that cannot go on from an answer that ends with one.
 *
 * @module
 */

import { CorruptRecordError, sizeOfBatchAt } from "../protocol/records/mod.ts";
import { MAGIC } from "../protocol/records/record_batch.ts";
import { BatchCursor } from "./batch_cursor.ts";
import { LogClosedError, OffsetOutOfRangeError, StorageError } from "./errors.ts";
import { FileSystemError, isNotFound } from "./file_system.ts";
import type { LogSegments } from "./log_segments.ts";
import type { Segment } from "./segment.ts";

/** Reads are at least this large, since the batch wanted may begin behind where the index points. */
const SMALLEST_READ_BYTES = 16_384;

/** Timestamps are looked for in pieces of this size. */
const TIMESTAMP_READ_BYTES = 1 << 20;

/** What to read. */
export interface ReadOptions {
  /** Bytes to read at most. */
  readonly maxBytes: number;
  /** The offset that no batch may reach, for instance the high watermark. Default: the log end offset. */
  readonly maxOffset?: number | undefined;
  /** Whether the first batch is read even if it is larger than `maxBytes` (KIP-74). Default: true. */
  readonly minOneBatch?: boolean | undefined;
}

/** Whole batches of a log, without a gap but those that compaction left. */
export interface LogRead {
  /** The batches' bytes, to be sent in this order. They must not be changed. */
  readonly chunks: readonly Uint8Array[];
  readonly sizeInBytes: number;
  /** The offset after the last batch, or the offset that was asked for if there is none. */
  readonly nextOffset: number;
}

/** A record found by its timestamp. */
export interface TimestampAndOffset {
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly offset: number;
  /** The leader epoch of its batch. */
  readonly leaderEpoch: number;
}

/** The part of a log that reading needs. */
export interface ReadableLog {
  readonly name: string;
  readonly isClosed: boolean;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly segments: LogSegments;
}

/** A read that has to begin anew, since what it read is gone. */
class StaleRead extends Error {
  override name = "StaleRead";
}

/** Reads one log. */
export class LogReader {
  readonly #log: ReadableLog;
  readonly #segments: LogSegments;

  constructor(log: ReadableLog) {
    this.#log = log;
    this.#segments = log.segments;
  }

  /**
   * Reads from the batch that holds `offset` on, from one segment.
   *
   * @throws {OffsetOutOfRangeError} If the offset is not in the log.
   * @throws {CorruptRecordError} If what is at the offset is not a batch.
   * @throws {StorageError} If the file cannot be read.
   */
  read(
    offset: number,
    maxBytes: number,
    maxOffset: number,
    minOneBatch: boolean,
  ): Promise<LogRead> {
    return this.#retrying("read", async () => {
      let slot = Math.max(0, this.#segments.floorSlot(offset));
      for (;;) {
        this.checkRange("read from", offset);
        const segment = this.#segments.at(slot);
        const limit = Math.min(maxOffset, this.#log.logEndOffset);
        if (segment === undefined || segment.baseOffset >= limit || offset >= limit) break;
        const read = await this.#readSegment(segment, offset, maxBytes, limit, minOneBatch);
        if (read !== undefined) return read;
        slot = this.#segments.floorSlot(segment.baseOffset) + 1;
      }
      return { chunks: [], sizeInBytes: 0, nextOffset: offset };
    });
  }

  /** Reads from one segment; nothing if it has no batch that holds `offset` or a later one. */
  async #readSegment(
    segment: Segment,
    offset: number,
    maxBytes: number,
    maxOffset: number,
    minOneBatch: boolean,
  ): Promise<LogRead | undefined> {
    const end = segment.sizeInBytes;
    let position = segment.indexes.offset.lookup(offset);
    let wanted = Math.max(maxBytes, SMALLEST_READ_BYTES);
    while (position < end) {
      const bytes = await this.#readBytes(segment, position, Math.min(wanted, end - position));
      const cursor = new BatchCursor(bytes);
      let size = 0;
      while (cursor.hasHeader) {
        size = this.#sizeAt(segment, position, bytes, cursor.position);
        if (cursor.lastOffset >= offset && cursor.recordCount !== 0) break;
        cursor.position += size;
        size = 0;
      }
      position += cursor.position;
      if (size > 0 && cursor.position + size <= bytes.length) {
        return cut(bytes, cursor.position, offset, maxBytes, maxOffset, minOneBatch);
      }
      if (position + size > end || cursor.position + size === 0) {
        throw this.#corrupt(segment, position, `the segment ends at ${end}, within a batch`);
      }
      if (size > maxBytes && !minOneBatch) return nothing(offset);
      wanted = Math.max(wanted, size);
    }
    // What was appended meanwhile comes before the next segment.
    if (segment.sizeInBytes !== end) throw new StaleRead();
    return undefined;
  }

  /**
   * The first record at `logStartOffset` or later with this timestamp or a later one.
   *
   * @throws {StorageError} If a file cannot be read.
   */
  offsetForTimestamp(timestamp: number): Promise<TimestampAndOffset | undefined> {
    return this.#retrying("look up a timestamp", async () => {
      for (let slot = 0;;) {
        const segment = this.#segments.at(slot);
        if (segment === undefined) return undefined;
        if (segment.maxTimestamp >= timestamp) {
          const { offset, time } = segment.indexes;
          const position = offset.lookup(time.lookup(timestamp));
          const found = await this.#findRecord(segment, position, (batch) => {
            if (batch.maxTimestamp < timestamp) return undefined;
            for (const record of batch.batch.records()) {
              if (record.timestamp >= timestamp && record.offset >= this.#log.logStartOffset) {
                return record;
              }
            }
            return undefined;
          });
          if (found !== undefined) return found;
        }
        slot = this.#segments.floorSlot(segment.baseOffset) + 1;
      }
    });
  }

  /**
   * The first of the records with the largest timestamp (KIP-734).
   *
   * @throws {StorageError} If a file cannot be read.
   */
  maxTimestampOffset(): Promise<TimestampAndOffset | undefined> {
    return this.#retrying("look up the largest timestamp", async () => {
      let latest: Segment | undefined;
      for (const segment of this.#segments) {
        if (segment.maxTimestamp > (latest?.maxTimestamp ?? -1)) latest = segment;
      }
      if (latest === undefined) return undefined;
      const { offsetOfMaxTimestamp, maxTimestamp } = latest;
      const position = latest.indexes.offset.lookup(offsetOfMaxTimestamp);
      return await this.#findRecord(latest, position, (batch) => {
        if (batch.maxTimestamp < maxTimestamp) return undefined;
        for (const record of batch.batch.records()) {
          if (record.timestamp === maxTimestamp) return record;
        }
        return undefined;
      });
    });
  }

  /** Goes along the batches of a segment until `find` finds a record. */
  async #findRecord(
    segment: Segment,
    from: number,
    find: (batch: BatchCursor) => { timestamp: number; offset: number } | undefined,
  ): Promise<TimestampAndOffset | undefined> {
    const end = segment.sizeInBytes;
    let wanted = TIMESTAMP_READ_BYTES;
    for (let position = from; position < end;) {
      const bytes = await this.#readBytes(segment, position, Math.min(wanted, end - position));
      const cursor = new BatchCursor(bytes);
      while (cursor.hasHeader) {
        const size = this.#sizeAt(segment, position, bytes, cursor.position);
        if (cursor.position + size > bytes.length) {
          wanted = Math.max(wanted, size);
          break;
        }
        const found = find(cursor);
        if (found !== undefined) {
          const { timestamp, offset } = found;
          return { timestamp, offset, leaderEpoch: cursor.partitionLeaderEpoch };
        }
        cursor.position += size;
      }
      if (cursor.position === 0 && bytes.length === end - position) {
        throw this.#corrupt(segment, position, `the segment ends at ${end}, within a batch`);
      }
      position += cursor.position;
    }
    return undefined;
  }

  /** Size of the batch at a position in bytes that begin at `start` of the segment. */
  #sizeAt(segment: Segment, start: number, bytes: Uint8Array, position: number): number {
    try {
      return sizeOfBatchAt(bytes, position)!;
    } catch (error) {
      if (!(error instanceof CorruptRecordError)) throw error;
      throw this.#corrupt(segment, start + position, "no batch is there", error);
    }
  }

  async #readBytes(segment: Segment, position: number, size: number): Promise<Uint8Array> {
    const { truncations } = segment;
    const bytes = new Uint8Array(size);
    const count = await segment.file.read(bytes, position);
    if (segment.truncations !== truncations || segment.isDeleted) throw new StaleRead();
    if (count < size) throw this.#corrupt(segment, position + count, "the file ends there");
    return bytes;
  }

  /** Does `read` again while it is overtaken by truncation or deletion. */
  async #retrying<T>(action: string, read: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await read();
      } catch (error) {
        if (this.#log.isClosed) {
          throw new LogClosedError(`Cannot ${action} in "${this.#log.name}": the log is closed`, {
            cause: error,
          });
        }
        if (error instanceof StaleRead || (isNotFound(error) && this.#hasDeleted(error))) continue;
        if (error instanceof FileSystemError) {
          throw new StorageError(
            `Cannot ${action} in "${this.#log.name}": ${error.message}`,
            { cause: error },
          );
        }
        throw error;
      }
    }
  }

  /** Whether a file that was not found is none that the log still has. */
  #hasDeleted(error: unknown): boolean {
    const { path } = error as FileSystemError;
    for (const segment of this.#segments) {
      if (segment.path === path) return false;
    }
    return true;
  }

  /** @throws {OffsetOutOfRangeError} If the offset is not in the log. */
  checkRange(action: string, offset: number): void {
    const { name, logStartOffset, logEndOffset } = this.#log;
    if (offset >= logStartOffset && offset <= logEndOffset) return;
    throw new OffsetOutOfRangeError(`${action} "${name}"`, offset, logStartOffset, logEndOffset);
  }

  #corrupt(
    segment: Segment,
    position: number,
    problem: string,
    cause?: unknown,
  ): CorruptRecordError {
    return new CorruptRecordError(
      `Cannot read "${this.#log.name}" at position ${position} of "${segment.path}": ${problem}`,
      { cause },
    );
  }
}

function nothing(offset: number): LogRead {
  return { chunks: [], sizeInBytes: 0, nextOffset: offset };
}

/** The whole batches from `position` on that fit, up to the last that has records. */
function cut(
  bytes: Uint8Array,
  position: number,
  offset: number,
  maxBytes: number,
  maxOffset: number,
  minOneBatch: boolean,
): LogRead {
  const cursor = new BatchCursor(bytes, position);
  let nextOffset = offset;
  let cutPosition = position;
  let cutOffset = offset;
  while (cursor.hasHeader) {
    const isFirst = cursor.position === position;
    // What is damaged behind the first batch is for the read that begins with it.
    if (!isFirst && (cursor.magic !== MAGIC || cursor.baseOffset < nextOffset)) break;
    const end = cursor.position + cursor.sizeInBytes;
    if (end <= cursor.position || end > bytes.length || cursor.nextOffset > maxOffset) break;
    if (end - position > maxBytes && !(minOneBatch && isFirst)) break;
    nextOffset = cursor.nextOffset;
    const { recordCount } = cursor;
    cursor.position = end;
    if (recordCount === 0) continue;
    cutPosition = end;
    cutOffset = nextOffset;
  }
  return cutPosition === position ? nothing(offset) : {
    chunks: [bytes.subarray(position, cutPosition)],
    sizeInBytes: cutPosition - position,
    nextOffset: cutOffset,
  };
}
