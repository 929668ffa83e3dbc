/**
 * Reads batches of a log from its segment files, and finds records by timestamp.
 *
 * Reads are asynchronous, and the log can change during a read. They stay correct because only
 * bytes up to a segment's size are read, which no append changes; and because a read is retried if
 * the segment was truncated or deleted in the meantime. The offset may then be gone.
 *
 * Empty batches, which compaction keeps for producer state, are left out at the start and end of a
 * read: some clients cannot continue after a response that ends with one.
 *
 * Bytes are checked the first time they are read from a file. If damage is found, the whole segment
 * is checked (`segment_check.ts`), and its damaged ranges are not read again: reads of offsets in
 * them fail, and reads of later offsets continue with the next valid batch.
 *
 * @module
 */

import type { BufferPool } from "../../protocol/frames/buffer_pool.ts";
import {
  CorruptRecordError,
  RECORD_BATCH_OVERHEAD,
  type RecordBatch,
} from "../../protocol/records/mod.ts";
import { BatchCursor } from "../segment/batch_cursor.ts";
import { fittingBatches, type ReadLimits } from "../segment/fitting_batches.ts";
import type { DamagedRange } from "../segment/batch_walk.ts";
import { LogClosedError, OffsetOutOfRangeError, StorageError } from "../errors.ts";
import { FileSystemError, isNotFound } from "../file_system/file_system.ts";
import type { LogConfig } from "./log_config.ts";
import type { LogRead } from "./log_read.ts";
import type { LogSegments } from "./log_segments.ts";
import type { Segment, SegmentContext } from "../segment/segment.ts";
import { checkSegment } from "../segment/segment_check.ts";
import { MAX_RELATIVE_OFFSET } from "../segment/indexes/segment_indexes.ts";
import type { BatchPlace } from "../segment/segment_integrity.ts";

/** Minimum size of a file read, because the wanted batch may start after the indexed position. */
const SMALLEST_READ_BYTES = 16_384;

/** Size of the file reads that search for a timestamp. */
const TIMESTAMP_READ_BYTES = 1 << 20;

/** A record found by its timestamp. */
export interface TimestampAndOffset {
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly offset: number;
  /** The leader epoch of its batch. */
  readonly leaderEpoch: number;
}

/** Damage found in a log. */
export interface LogDamage extends DamagedRange {
  /** Name of the log, for instance `orders-3`. */
  readonly log: string;
  /** Path of the segment file. */
  readonly path: string;
}

/** Resources for reading that the logs of a data folder share. */
export interface ReadContext extends SegmentContext {
  readonly buffers: BufferPool;
  /** Called for damage, once for each damaged range. */
  readonly onDamage: (damage: LogDamage) => void;
}

/** The part of a log's state that reading needs. */
export interface ReadableLog {
  readonly context: ReadContext;
  readonly name: string;
  readonly folder: string;
  readonly config: LogConfig;
  readonly isClosed: boolean;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** The first offset that has not been cleaned. */
  readonly firstDirtyOffset: number;
  readonly segments: LogSegments;
}

/** Batches as read from a file. */
interface ReadBatches {
  readonly all: Uint8Array<ArrayBuffer>;
  /** Size of the whole, valid batches. If it is 0, there is at least a header. */
  readonly validSize: number;
  /** The place after them. */
  readonly next: BatchPlace;
}

/** Makes a read start again, because its segment changed. */
class StaleRead extends Error {
  override name = "StaleRead";
}

/** Reads one log. */
export class LogReader {
  readonly #log: ReadableLog;
  readonly #segments: LogSegments;
  // Made when first needed: most logs have neither.
  /** Checks in progress. */
  #checks: Map<Segment, Promise<void>> | undefined;
  /** Offsets of missing segments that were reported. */
  #gaps: Set<number> | undefined;

  constructor(log: ReadableLog) {
    this.#log = log;
    this.#segments = log.segments;
  }

  /**
   * Reads from the batch that contains `offset` on, from one segment.
   *
   * @throws {OffsetOutOfRangeError} If the offset is not in the log.
   * @throws {CorruptRecordError} If the batch of the offset is damaged.
   * @throws {StorageError} If the file cannot be read.
   */
  read(limits: ReadLimits): Promise<LogRead> {
    const { offset } = limits;
    return this.#retrying("read", async () => {
      let slot = Math.max(0, this.#segments.floorSlot(offset));
      for (;;) {
        this.checkRange("read from", offset);
        const segment = this.#segments.at(slot);
        const maxOffset = Math.min(limits.maxOffset, this.#log.logEndOffset);
        if (segment === undefined || segment.baseOffset >= maxOffset || offset >= maxOffset) break;
        const read = await this.#readSegment(segment, { ...limits, maxOffset });
        if (typeof read !== "number") return read;
        slot = this.#segments.floorSlot(segment.baseOffset) + 1;
        this.#checkGap(segment, read, offset);
      }
      return { chunks: [], sizeInBytes: 0, nextOffset: offset };
    });
  }

  /**
   * Detects a missing segment: without compaction, each segment begins where the one before ends.
   *
   * @param nextOffset End offset of the segment.
   */
  #checkGap(segment: Segment, nextOffset: number, offset: number): void {
    const { config, firstDirtyOffset, name, logStartOffset, context } = this.#log;
    const next = this.#segments.higher(segment.baseOffset);
    if (next === undefined || offset >= next.baseOffset || nextOffset >= next.baseOffset) return;
    if (firstDirtyOffset > 0 || config.cleanupPolicy.includes("compact")) return;
    if (segment.isDeleted || next.baseOffset <= logStartOffset) return;
    // A gap too large for the indexes starts a new segment after it.
    if (next.baseOffset - nextOffset > MAX_RELATIVE_OFFSET / 2) return;
    const { sizeInBytes, path } = segment;
    const damage: DamagedRange = {
      position: sizeInBytes,
      endPosition: sizeInBytes,
      firstOffset: nextOffset,
      nextOffset: next.baseOffset,
      problem: "the following segment is missing",
      isTorn: false,
    };
    const gaps = this.#gaps ??= new Set();
    if (!gaps.has(nextOffset)) context.onDamage({ ...damage, log: name, path });
    gaps.add(nextOffset);
    throw this.#damaged("read", offset, segment, damage);
  }

  /**
   * Reads from one segment.
   *
   * @returns Its end offset, if it has no batch with `offset` or a later offset.
   */
  async #readSegment(segment: Segment, limits: ReadLimits): Promise<LogRead | number> {
    const { offset, maxBytes, minOneBatch } = limits;
    const { buffers } = this.#log.context;
    const end = segment.sizeInBytes;
    let place = this.#placeOf(segment, offset);
    let wanted = Math.max(maxBytes, SMALLEST_READ_BYTES);
    while (place.position < end) {
      const damage = segment.integrity.nextDamage(place.position);
      if (damage !== undefined && damage.position <= place.position) {
        if (offset < damage.nextOffset) throw this.#damaged("read", offset, segment, damage);
        place = { position: damage.endPosition, nextOffset: damage.nextOffset };
        continue;
      }
      const bytes = await this.#readBatches(segment, place, wanted, damage?.position ?? end);
      const fitting = fittingBatches(bytes.all, bytes.validSize, limits);
      const { position: start, endPosition, nextOffset } = fitting;
      if (endPosition > start) {
        const chunk = bytes.all.subarray(start, endPosition);
        let held: Uint8Array<ArrayBuffer> | undefined = bytes.all;
        const release = () => {
          if (held !== undefined) buffers.give(held);
          held = undefined;
        };
        return { chunks: [chunk], sizeInBytes: chunk.length, nextOffset, release };
      }
      if (start < bytes.validSize) {
        buffers.give(bytes.all);
        return nothing(offset);
      }
      if (bytes.validSize === 0) {
        const cursor = new BatchCursor(bytes.all);
        const size = cursor.sizeInBytes;
        if (size > maxBytes && !minOneBatch && cursor.lastOffset >= offset) return nothing(offset);
        wanted = Math.max(wanted, size + RECORD_BATCH_OVERHEAD);
      } else {
        place = bytes.next;
      }
      buffers.give(bytes.all);
    }
    // Batches appended during the read come before the next segment.
    if (segment.sizeInBytes !== end) throw new StaleRead();
    return place.nextOffset;
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
        if (segment.indexes.maxTimestamp >= timestamp) {
          const place = this.#placeOf(segment, segment.indexes.time.lookup(timestamp));
          const found = await this.#findRecord(segment, place, (batch) => {
            if (batch.maxTimestamp < timestamp) return undefined;
            return firstRecord(
              batch.batch,
              (record) =>
                record.timestamp >= timestamp && record.offset >= this.#log.logStartOffset,
            );
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
        if (segment.indexes.maxTimestamp > (latest?.indexes.maxTimestamp ?? -1)) latest = segment;
      }
      if (latest === undefined) return undefined;
      const { offsetOfMaxTimestamp, maxTimestamp } = latest.indexes;
      const place = this.#placeOf(latest, offsetOfMaxTimestamp);
      return await this.#findRecord(latest, place, (batch) => {
        if (batch.maxTimestamp < maxTimestamp) return undefined;
        return firstRecord(batch.batch, (record) => record.timestamp === maxTimestamp);
      });
    });
  }

  /** Iterates over the batches of a segment until `find` finds a record. */
  async #findRecord(
    segment: Segment,
    from: BatchPlace,
    find: (batch: BatchCursor) => { timestamp: number; offset: number } | undefined,
  ): Promise<TimestampAndOffset | undefined> {
    const end = segment.sizeInBytes;
    let place = from;
    let wanted = TIMESTAMP_READ_BYTES;
    while (place.position < end) {
      const damage = segment.integrity.nextDamage(place.position);
      if (damage !== undefined && damage.position <= place.position) {
        throw this.#damaged("look up a timestamp", damage.firstOffset, segment, damage);
      }
      const bytes = await this.#readBatches(segment, place, wanted, damage?.position ?? end);
      const cursor = new BatchCursor(bytes.all);
      while (cursor.position < bytes.validSize) {
        const found = find(cursor);
        if (found !== undefined) {
          const { timestamp, offset } = found;
          return { timestamp, offset, leaderEpoch: cursor.partitionLeaderEpoch };
        }
        cursor.position += cursor.sizeInBytes;
      }
      if (bytes.validSize === 0) wanted = cursor.sizeInBytes + RECORD_BATCH_OVERHEAD;
      else place = bytes.next;
      this.#log.context.buffers.give(bytes.all);
    }
    return undefined;
  }

  /** The place in a segment from which to search for the batch that contains an offset. */
  #placeOf(segment: Segment, offset: number): BatchPlace {
    const index = segment.indexes.offset;
    const slot = index.floorSlot(offset);
    const nextOffset = segment.baseOffset;
    return slot < 0
      ? { position: 0, nextOffset }
      : { position: index.positionAt(slot), nextOffset, lastOffset: index.offsetAt(slot) };
  }

  /**
   * Reads batches and checks those that were not checked before.
   *
   * @param end The end of the batches, or the start of damage.
   * @throws {StaleRead} If damage was found, after the whole segment was checked.
   */
  async #readBatches(
    segment: Segment,
    place: BatchPlace,
    wanted: number,
    end: number,
  ): Promise<ReadBatches> {
    const { truncations } = segment;
    const all = await this.#readBytes(
      segment,
      place.position,
      Math.min(wanted, end - place.position),
    );
    // The segment may have changed since `#readBytes` checked it.
    if (segment.truncations !== truncations || segment.isDeleted) throw new StaleRead();
    const cursor = new BatchCursor(all);
    const endOffset = this.#endOffsetOf(segment);
    const { next, problem } = segment.integrity.check(cursor, place, end, endOffset);
    if (problem !== undefined) await this.#recheck(segment, next.position, problem);
    return { all, validSize: cursor.position, next };
  }

  /** Checks the whole segment after a problem was found at a position. */
  async #recheck(segment: Segment, position: number, problem: string): Promise<never> {
    if (position >= segment.integrity.foundTo) {
      await this.#check(segment);
      throw new StaleRead();
    }
    throw new CorruptRecordError(
      `Cannot read "${this.#log.name}" at position ${position} of "${segment.path}": ${problem}, ` +
        `although an earlier check found none`,
    );
  }

  /** Exclusive upper bound of a segment's offsets. */
  #endOffsetOf(segment: Segment): number {
    return this.#segments.higher(segment.baseOffset)?.baseOffset ?? this.#log.logEndOffset;
  }

  /** Finds and reports all damage of a segment. Concurrent calls share one check. */
  #check(segment: Segment): Promise<void> {
    const checks = this.#checks ??= new Map();
    const running = checks.get(segment);
    if (running !== undefined) return running;
    const check = this.#checkAndReport(segment).finally(() => checks.delete(segment));
    checks.set(segment, check);
    return check;
  }

  async #checkAndReport(segment: Segment): Promise<void> {
    const { context, name, config } = this.#log;
    const known = new Set(segment.integrity.damages.map(({ position }) => position));
    const damages = await checkSegment(segment, {
      context,
      indexIntervalBytes: config.indexIntervalBytes,
      endOffset: () => this.#endOffsetOf(segment),
    });
    for (const damage of damages ?? []) {
      if (known.has(damage.position)) continue;
      context.onDamage({ ...damage, log: name, path: segment.path });
    }
  }

  async #readBytes(
    segment: Segment,
    position: number,
    size: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { truncations } = segment;
    const bytes = this.#log.context.buffers.take(size);
    const count = await segment.file.read(bytes, position);
    if (segment.truncations !== truncations || segment.isDeleted) throw new StaleRead();
    if (count < size) await this.#recheck(segment, position + count, "the file ends there");
    return bytes;
  }

  /** Repeats `read` while it is invalidated by truncation or deletion. */
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

  /** Whether a file that was not found no longer belongs to the log. */
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

  #damaged(
    action: string,
    offset: number,
    segment: Segment,
    damage: DamagedRange,
  ): CorruptRecordError {
    const { position, endPosition, firstOffset, nextOffset, problem } = damage;
    return new CorruptRecordError(
      `Cannot ${action} in "${this.#log.name}" at offset ${offset}: records of offsets ${firstOffset} ` +
        `to ${nextOffset - 1} are damaged, at position ${position} to ${endPosition} of ` +
        `"${segment.path}": ${problem}`,
    );
  }
}

function nothing(offset: number): LogRead {
  return { chunks: [], sizeInBytes: 0, nextOffset: offset };
}

/** Maximum expanded size of a batch in a lookup: more would block the event loop. */
const MAX_EXPANDED = 16 * 1024 * 1024;

type TimestampedOffset = Pick<TimestampAndOffset, "timestamp" | "offset">;

/**
 * The first record of a batch for which `fits` is true. If its records cannot be read, the
 * timestamp and base offset of its header are used instead: a read from there then reports the
 * problem.
 */
function firstRecord(
  batch: RecordBatch,
  fits: (record: TimestampedOffset) => boolean,
): TimestampedOffset | undefined {
  try {
    for (const record of batch.records(MAX_EXPANDED)) if (fits(record)) return record;
    return undefined;
  } catch (error) {
    if (!(error instanceof CorruptRecordError)) throw error;
    const whole = { timestamp: batch.maxTimestamp, offset: batch.baseOffset };
    return fits(whole) ? whole : undefined;
  }
}
