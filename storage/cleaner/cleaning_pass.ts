/**
 * A pass over a log: collects the last offset of each key, and rewrites the segments up to there
 * without superseded records. `log_compactor.ts` lists what is retained.
 *
 * @module
 */

import { CorruptRecordError, type RecordBatch } from "../../protocol/records/mod.ts";
import type { LogFlusher } from "../log/log_flusher.ts";
import type { LogState } from "../log/log_state.ts";
import type { LogTrimmer } from "../log/log_trimmer.ts";
import { Segment } from "../segment/segment.ts";
import { CLEANED_SUFFIX } from "../segment/segment_file_name.ts";
import { transactionIndexAt } from "../log/transactions/aborted_transactions.ts";
import { TimeSlice } from "../time_slice.ts";
import { BatchFilter } from "./batch_filter.ts";
import { type CleanableRange, groupSegments } from "./cleanable_range.ts";
import { OffsetMap } from "./offset_map.ts";
import { RecordCursor } from "./record_cursor.ts";
import { ChunkBuffer, SegmentChunks } from "./segment_chunks.ts";
import { SegmentSwap } from "./segment_swap.ts";
import { SegmentWriter } from "./segment_writer.ts";
import { AbortedTransactions, MarkerUse } from "./transactions.ts";

/** Length of a slice: requests wait at most for this long, or for one batch. */
const SLICE_MS = 2;

/** How to clean. */
export interface CleanOptions {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** The high watermark: records from there on, and from the last stable offset on, are not cleaned. */
  readonly maxOffset: number;
  /** Memory for keys, in bytes (`log.cleaner.dedupe.buffer.size`). */
  readonly dedupeBytes: number;
  /** Ends the pass. */
  readonly signal?: AbortSignal;
}

/** The result of a pass. */
export interface LogCleaning {
  readonly log: string;
  /** The part of the log whose keys were collected. */
  readonly fromOffset: number;
  readonly toOffset: number;
  /** Whether everything was cleaned; otherwise another pass is needed. */
  readonly isComplete: boolean;
  readonly keys: number;
  /** Totals of the segments that were cleaned. */
  readonly recordsBefore: number;
  readonly recordsAfter: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Batches that were left unchanged because their records cannot be read. */
  readonly unreadable: UnreadableBatches;
}

/** Batches with a correct CRC whose records cannot be read. */
export interface UnreadableBatches {
  readonly count: number;
  /** The first few. */
  readonly first: readonly UnreadableBatch[];
}

/** A batch whose records cannot be read. */
export interface UnreadableBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly problem: string;
}

/** The content of the dirty part of a log. */
interface DirtyPart {
  readonly map: OffsetMap;
  /** The offset up to which all keys are in the map. */
  readonly endOffset: number;
  /** Offset of the last record or marker before that, or -1. */
  readonly lastOffset: number;
  readonly aborted: AbortedTransactions | undefined;
}

/** A producer's last batch before the pass began. */
interface LastBatch {
  readonly producerEpoch: number;
  /** Last offset of its last batch with records, or -1. */
  readonly lastOffset: number;
}

/** Maximum number of unreadable batches that are named. */
const MAX_NAMED = 10;

/** Ends a pass because its log has changed. */
export class PassEnded extends Error {
  override name = "PassEnded";
}

/** One pass. Can be run once. */
export class CleaningPass {
  readonly #log: LogState;
  readonly #flusher: LogFlusher;
  readonly #swap: SegmentSwap;
  readonly #options: CleanOptions;
  readonly #isStopped: () => boolean;
  readonly #truncations: number;
  readonly #lastBatches = new Map<number, LastBatch>();
  readonly #slice = new TimeSlice(SLICE_MS);
  readonly #chunks = new ChunkBuffer();
  readonly #filter = new BatchFilter();
  readonly #markers = new MarkerUse();
  readonly #writeBuffer = SegmentWriter.buffer();
  #recordsBefore = 0;
  #recordsAfter = 0;
  #bytesBefore = 0;
  #bytesAfter = 0;
  #unreadableCount = 0;
  readonly #unreadable: UnreadableBatch[] = [];

  constructor(
    log: LogState,
    flusher: LogFlusher,
    trimmer: LogTrimmer,
    options: CleanOptions,
    isStopped: () => boolean,
  ) {
    this.#log = log;
    this.#flusher = flusher;
    this.#swap = new SegmentSwap(log, trimmer);
    this.#options = options;
    this.#isStopped = isStopped;
    this.#truncations = flusher.truncations;
    for (const [producerId, state] of log.producers(options.nowMs).producers) {
      const { producerEpoch, lastOffset } = state;
      this.#lastBatches.set(producerId, { producerEpoch, lastOffset });
    }
  }

  /** Whether the pass must end because the log has changed. */
  get isOver(): boolean {
    const { isClosed, offline } = this.#log;
    return this.#isStopped() || isClosed || offline !== undefined ||
      this.#options.signal?.aborted === true || this.#flusher.truncations !== this.#truncations;
  }

  async run(range: CleanableRange): Promise<LogCleaning> {
    this.#check();
    const dirty = await this.#findKeys(range);
    for (const group of groupSegments(this.#log.segments, dirty.endOffset, this.#log.config)) {
      await this.#cleanGroup(group, dirty);
    }
    return {
      log: this.#log.name,
      fromOffset: range.firstDirtyOffset,
      toOffset: dirty.endOffset,
      isComplete: dirty.endOffset === range.firstUncleanableOffset,
      keys: dirty.map.count,
      recordsBefore: this.#recordsBefore,
      recordsAfter: this.#recordsAfter,
      bytesBefore: this.#bytesBefore,
      bytesAfter: this.#bytesAfter,
      unreadable: { count: this.#unreadableCount, first: this.#unreadable },
    };
  }

  /** Collects the last offset of each key in the dirty part, until the map is full. */
  async #findKeys(range: CleanableRange): Promise<DirtyPart> {
    const { firstDirtyOffset, firstUncleanableOffset } = range;
    const count = firstUncleanableOffset - firstDirtyOffset;
    const map = new OffsetMap(this.#options.dedupeBytes, count);
    const cursor = new RecordCursor();
    let aborted: AbortedTransactions | undefined;
    let lastOffset = -1;
    for (const segment of this.#segmentsBetween(firstDirtyOffset, firstUncleanableOffset)) {
      const chunks = this.#read(segment, firstDirtyOffset);
      while (await this.#next(segment, chunks)) {
        for (const batch of chunks.batches()) {
          if (this.#slice.isOver) await this.#pause();
          if (batch.lastOffset < firstDirtyOffset) continue;
          if (batch.isTransactional) aborted ??= await this.#findAborted(firstDirtyOffset);
          if (batch.isControl || aborted?.has(batch)) {
            lastOffset = batch.lastOffset;
            continue;
          }
          if (!isReadable(batch, cursor)) {
            // Its keys are unknown: it supersedes nothing, and nothing supersedes it.
            lastOffset = batch.lastOffset;
            continue;
          }
          while (cursor.next()) {
            const { offset, bytes, keyStart, keySize } = cursor;
            if (offset < firstDirtyOffset) continue;
            if (keySize >= 0 && !map.put(bytes, keyStart, keyStart + keySize, offset)) {
              return { map, endOffset: offset, lastOffset, aborted };
            }
            lastOffset = offset;
          }
        }
      }
    }
    return { map, endOffset: firstUncleanableOffset, lastOffset, aborted };
  }

  /**
   * Scans the log from an offset to its end, because the marker of a transaction comes after it.
   */
  async #findAborted(offset: number): Promise<AbortedTransactions> {
    const aborted = new AbortedTransactions();
    // The caller still uses batches in its buffer.
    const buffer = new ChunkBuffer();
    for (const segment of this.#segmentsBetween(offset, this.#log.logEndOffset)) {
      const chunks = this.#read(segment, offset, buffer);
      while (await this.#next(segment, chunks)) {
        for (const batch of chunks.batches()) {
          if (batch.lastOffset >= offset) aborted.add(batch);
          if (this.#slice.isOver) await this.#pause();
        }
      }
    }
    return aborted;
  }

  /** Merges a group of segments into a cleaned one, and swaps it in. */
  async #cleanGroup(group: readonly Segment[], dirty: DirtyPart): Promise<void> {
    const { context, folder, config } = this.#log;
    const { baseOffset } = group[0]!;
    const { nowMs } = this.#options;
    const cleaned = new Segment(context, folder, baseOffset, undefined, nowMs, CLEANED_SUFFIX);
    try {
      const writer = new SegmentWriter(cleaned, config.indexIntervalBytes, this.#writeBuffer);
      let isChanged = group.length > 1;
      for (const segment of group) {
        isChanged = await this.#copy(segment, writer, dirty) || isChanged;
      }
      writer.flush();
      this.#bytesAfter += cleaned.sizeInBytes;
      if (isChanged && !await this.#swap.swap(group, cleaned, nowMs)) throw new PassEnded();
      if (!isChanged) cleaned.removeFiles();
    } catch (error) {
      if (this.#log.isClosed) cleaned.close();
      else if (!this.#log.segments.has(cleaned)) cleaned.removeFiles();
      throw error;
    }
    this.#check();
  }

  /** Copies the retained batches of a segment; returns whether anything was dropped or changed. */
  async #copy(segment: Segment, writer: SegmentWriter, dirty: DirtyPart): Promise<boolean> {
    let isChanged = false;
    this.#bytesBefore += segment.sizeInBytes;
    const log = this.#log;
    const aborted = transactionIndexAt(log, log.segments.floorSlot(segment.baseOffset));
    const chunks = this.#read(segment, segment.baseOffset);
    while (await this.#next(segment, chunks)) {
      for (const batch of chunks.batches()) {
        const bytes = this.#cleaned(batch, dirty);
        if (bytes !== undefined) writer.append(bytes);
        if (bytes !== undefined && batch.isControl) {
          const entry = aborted?.find(batch.baseOffset);
          if (entry !== undefined) writer.segment.transactions.add(entry);
        }
        if (bytes !== batch.bytes) isChanged = true;
        if (writer.isSyncDue) {
          await writer.sync();
          this.#check();
        }
        if (this.#slice.isOver) await this.#pause();
      }
    }
    return isChanged;
  }

  /** The retained part of a batch, if any. */
  #cleaned(batch: RecordBatch, dirty: DirtyPart): Uint8Array | undefined {
    const { nowMs } = this.#options;
    const { endOffset, lastOffset } = dirty;
    const isDone = batch.lastOffset < endOffset;
    const deleteHorizonMs = isDone ? nowMs + this.#log.config.deleteRetentionMs : undefined;
    const isExpired = batch.hasDeleteHorizon && batch.baseTimestamp <= nowMs;
    const isLastOfProducer = batch.hasProducerId && this.#isLastOfProducer(batch);
    if (batch.isControl) {
      const isUseless = this.#markers.isUseless(batch) && isDone;
      const isKept = !isUseless || isLastOfProducer || batch.lastOffset === lastOffset;
      this.#recordsBefore++;
      if (!isKept && (isExpired || batch.recordCount === 0)) return undefined;
      this.#recordsAfter++;
      return isUseless && deleteHorizonMs !== undefined
        ? this.#filter.withDeleteHorizon(batch, deleteHorizonMs)
        : batch.bytes;
    }
    this.#markers.addBatch(batch);
    try {
      return this.#filtered(batch, dirty, deleteHorizonMs, isExpired, isLastOfProducer);
    } catch (error) {
      if (!(error instanceof CorruptRecordError)) throw error;
      this.#addUnreadable(batch, error);
      return batch.bytes;
    }
  }

  #addUnreadable({ baseOffset, lastOffset, recordCount }: RecordBatch, error: Error): void {
    this.#recordsBefore += recordCount;
    this.#recordsAfter += recordCount;
    if (this.#unreadableCount++ >= MAX_NAMED) return;
    this.#unreadable.push({ baseOffset, lastOffset, problem: error.message });
  }

  /** The retained part of a batch of records, if any. */
  #filtered(
    batch: RecordBatch,
    { map, endOffset, lastOffset, aborted }: DirtyPart,
    deleteHorizonMs: number | undefined,
    isExpired: boolean,
    isLastOfProducer: boolean,
  ): Uint8Array | undefined {
    const isAborted = aborted?.has(batch) ?? false;
    const bytes = this.#filter.filter(batch, {
      retains: ({ offset, bytes, keyStart, keySize, valueSize }) => {
        if (offset >= endOffset) return true;
        if (isAborted) return false;
        if (offset === lastOffset) return true;
        if (keySize < 0 || (valueSize < 0 && isExpired)) return false;
        return map.get(bytes, keyStart, keyStart + keySize) <= offset;
      },
      // Recovery takes a gap before the recovery point for lost records.
      keepsEmpty: isLastOfProducer || batch.lastOffset === lastOffset,
      deleteHorizonMs,
    });
    this.#recordsBefore += this.#filter.recordCount;
    this.#recordsAfter += this.#filter.retainedCount;
    return bytes;
  }

  #isLastOfProducer(batch: RecordBatch): boolean {
    const last = this.#lastBatches.get(batch.producerId);
    if (last === undefined) return false;
    return last.lastOffset >= 0
      ? last.lastOffset === batch.lastOffset
      : batch.isControl && last.producerEpoch === batch.producerEpoch;
  }

  #segmentsBetween(offset: number, endOffset: number): Segment[] {
    const { segments } = this.#log;
    const all = Array.from(segments);
    return all.slice(Math.max(0, segments.floorSlot(offset)))
      .filter(({ baseOffset }) => baseOffset < endOffset);
  }

  #read(segment: Segment, offset: number, buffer = this.#chunks): SegmentChunks {
    return new SegmentChunks(segment, segment.indexes.offset.lookup(offset), buffer);
  }

  /** Reads the next chunk of a segment. */
  async #next(segment: Segment, chunks: SegmentChunks): Promise<boolean> {
    try {
      const hasNext = await chunks.next();
      this.#check();
      if (!segment.isDeleted) return hasNext;
    } catch (error) {
      // A file that was deleted with its segment is no failure.
      if (!segment.isDeleted) throw error;
    }
    throw new PassEnded();
  }

  async #pause(): Promise<void> {
    await this.#slice.pause();
    this.#check();
  }

  #check(): void {
    if (this.isOver) throw new PassEnded();
  }
}

/**
 * Moves the cursor before the first record of a batch, and returns whether all records can be read.
 */
function isReadable(batch: RecordBatch, cursor: RecordCursor): boolean {
  try {
    cursor.reset(batch);
    cursor.check();
    return true;
  } catch (error) {
    if (error instanceof CorruptRecordError) return false;
    throw error;
  }
}
