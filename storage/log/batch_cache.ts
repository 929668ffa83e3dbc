/**
 * The most recently appended batches of all logs, in memory, so that consumers that keep up never
 * touch the disk.
 *
 * Each log has a `LogBatchCache`: a run of batches without a gap, up to its log end offset. All caches
 * share one budget of bytes; what was appended first, to whichever log, goes first. Batches are copied
 * into chunks, small ones many to a chunk: reading a thousand small buffers costs a thousand times one.
 * The copy costs less than it saves: who brings a batch, and the cache itself, fill the same few
 * buffers again and again (`BufferPool`).
 *
 * A chunk that was read stays as it is until its reader releases it, however soon it is dropped here.
 * Who never does leaves it to the garbage collector. What counts against the budget are chunks in the
 * caches, whole.
 *
 * @module
 */

import type { BufferPool } from "../../protocol/frames/buffer_pool.ts";
import { BatchCursor } from "../segment/batch_cursor.ts";

/** A chunk has room for more than one batch unless that is larger than these. */
const SMALL_BATCH_BYTES = 4096;

const SMALLEST_CHUNK_BYTES = 4096;
const LARGEST_CHUNK_BYTES = 1 << 16;

/** What an entry takes besides its bytes, roughly. */
const ENTRY_OVERHEAD_BYTES = 200;

/** Shares a budget of memory among the caches of logs. */
export class BatchCache {
  readonly #maxBytes: number;
  readonly #buffers: BufferPool;
  #sizeInBytes = 0;
  #oldest: CacheEntry | undefined;
  #newest: CacheEntry | undefined;

  /** Keeps at most `maxBytes` of batches, in memory of `buffers`; 0 keeps none. */
  constructor(maxBytes: number, buffers: BufferPool) {
    this.#maxBytes = maxBytes;
    this.#buffers = buffers;
  }

  /** Bytes of memory that are kept. */
  get sizeInBytes(): number {
    return this.#sizeInBytes;
  }

  /** The cache of one log. */
  forLog(): LogBatchCache {
    return new LogBatchCache(this);
  }

  /** For {@linkcode LogBatchCache}: memory for at least `size` bytes. */
  takeChunk(size: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffers.take(size).buffer);
  }

  /** For {@linkcode LogBatchCache}: whether a batch may be kept at all. */
  hasRoomFor(bytes: Uint8Array): boolean {
    return bytes.byteLength + ENTRY_OVERHEAD_BYTES <= this.#maxBytes;
  }

  /** For {@linkcode LogBatchCache}: counts an entry, and drops the oldest ones of any log to make room. */
  add(entry: CacheEntry): void {
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
    this.#sizeInBytes += ENTRY_OVERHEAD_BYTES + entry.chunk.length;
    while (this.#sizeInBytes > this.#maxBytes && this.#oldest !== undefined) {
      const oldest: CacheEntry = this.#oldest;
      this.#oldest = oldest.newer;
      if (this.#oldest === undefined) this.#newest = undefined;
      if (oldest.owner === undefined) continue;
      oldest.owner.dropOldest(oldest);
      this.drop(oldest);
    }
  }

  /** For {@linkcode LogBatchCache}: stops counting an entry. It leaves the queue when it is the oldest. */
  drop(entry: CacheEntry): void {
    this.#sizeInBytes -= ENTRY_OVERHEAD_BYTES + entry.chunk.length;
    entry.owner = undefined;
    entry.bytes = NO_BYTES;
    if (entry.readerCount === 0) this.#give(entry);
  }

  /** For {@linkcode LogBatchCache}: says that one who read an entry no longer looks at it. */
  release(entry: CacheEntry): void {
    if (--entry.readerCount === 0 && entry.owner === undefined) this.#give(entry);
  }

  #give(entry: CacheEntry): void {
    this.#buffers.give(entry.chunk);
    entry.chunk = NO_BYTES;
  }
}

const NO_BYTES = new Uint8Array(0);

/** One or more whole batches, one after another, in one chunk. */
class CacheEntry {
  /** Whose it is; nobody's once it was dropped. */
  owner: LogBatchCache | undefined;
  /** The part of the chunk that is used. */
  bytes: Uint8Array;
  chunk: Uint8Array<ArrayBuffer>;
  readonly baseOffset: number;
  nextOffset: number;
  /** How many look at what they read here. */
  readerCount = 0;
  newer: CacheEntry | undefined;

  constructor(
    owner: LogBatchCache,
    size: number,
    chunk: Uint8Array<ArrayBuffer>,
    baseOffset: number,
    nextOffset: number,
  ) {
    this.owner = owner;
    this.bytes = chunk.subarray(0, size);
    this.chunk = chunk;
    this.baseOffset = baseOffset;
    this.nextOffset = nextOffset;
  }
}

/** Batches that were read. */
export interface CacheRead {
  readonly chunks: readonly Uint8Array[];
  readonly sizeInBytes: number;
  /** The offset after the last batch read. */
  readonly nextOffset: number;
  /** Says that nobody looks at the chunks any more. To be called once, or never. */
  readonly release?: () => void;
}

/** The last batches of one log. */
export class LogBatchCache {
  readonly #batchCache: BatchCache;
  /** Entries from `#first` on are in use; those before are gone. */
  #entries: (CacheEntry | undefined)[] = [];
  #first = 0;

  /** For {@linkcode BatchCache.forLog}. */
  constructor(batchCache: BatchCache) {
    this.#batchCache = batchCache;
  }

  /** The lowest offset that can be read, or `Infinity`. */
  get baseOffset(): number {
    return this.#entries[this.#first]?.baseOffset ?? Infinity;
  }

  /** Keeps a copy of a batch that was just appended to the log. */
  append(bytes: Uint8Array, baseOffset: number, nextOffset: number): void {
    const last = this.#entries.at(-1);
    if (last !== undefined && last.nextOffset !== baseOffset) this.clear();
    if (this.#batchCache.hasRoomFor(bytes)) this.#copy(bytes, baseOffset, nextOffset);
    else this.clear();
  }

  #copy(bytes: Uint8Array, baseOffset: number, nextOffset: number): void {
    const last = this.#entries.at(-1);
    if (last !== undefined) {
      const { chunk } = last;
      const used = last.bytes.length;
      if (used + bytes.length <= chunk.length) {
        chunk.set(bytes, used);
        last.bytes = chunk.subarray(0, used + bytes.length);
        last.nextOffset = nextOffset;
        return;
      }
    }
    const size = bytes.length > SMALL_BATCH_BYTES ? bytes.length : Math.min(
      LARGEST_CHUNK_BYTES,
      Math.max(SMALLEST_CHUNK_BYTES, (last?.chunk.length ?? 0) * 2),
    );
    const chunk = this.#batchCache.takeChunk(size);
    chunk.set(bytes);
    this.#add(new CacheEntry(this, bytes.length, chunk, baseOffset, nextOffset));
  }

  #add(entry: CacheEntry): void {
    this.#entries.push(entry);
    this.#batchCache.add(entry);
  }

  /**
   * Reads whole batches from the one that holds `offset`.
   *
   * @param maxBytes Bytes to read at most, but for the first batch if `minOneBatch`.
   * @param maxOffset The offset that no batch may reach.
   * @returns Nothing if `offset` is not in the cache. What is read is to be released.
   */
  read(
    offset: number,
    maxBytes: number,
    maxOffset: number,
    minOneBatch: boolean,
  ): CacheRead | undefined {
    if (!(offset >= this.baseOffset && offset < this.#entries.at(-1)!.nextOffset)) return undefined;
    const chunks: Uint8Array[] = [];
    const entries: CacheEntry[] = [];
    let sizeInBytes = 0;
    let nextOffset = offset;
    for (let slot = this.#slotOf(offset); slot < this.#entries.length; slot++) {
      const entry = this.#entries[slot]!;
      const { bytes, nextOffset: end } = entry;
      const isFirst = chunks.length === 0;
      let part = bytes;
      let partEnd = end;
      if (isFirst || end > maxOffset || sizeInBytes + bytes.length > maxBytes) {
        const cut = cutBatches(
          bytes,
          isFirst ? offset : 0,
          maxBytes - sizeInBytes,
          maxOffset,
          isFirst && minOneBatch,
        );
        if (cut.bytes.length === 0) break;
        part = cut.bytes;
        partEnd = cut.nextOffset;
      }
      chunks.push(part);
      entry.readerCount++;
      entries.push(entry);
      sizeInBytes += part.length;
      nextOffset = partEnd;
      if (partEnd !== end || sizeInBytes >= maxBytes) break;
    }
    if (entries.length === 0) return { chunks, sizeInBytes, nextOffset };
    const release = () => {
      for (const entry of entries) this.#batchCache.release(entry);
    };
    return { chunks, sizeInBytes, nextOffset, release };
  }

  /** Drops batches that have `offset` or larger ones. */
  truncateTo(offset: number): void {
    while (this.#entries.length > this.#first && this.#entries.at(-1)!.nextOffset > offset) {
      this.#batchCache.drop(this.#entries.pop()!);
    }
    this.#compact();
  }

  /** Drops batches before `offset`, but for those that share their chunk with later ones. */
  dropBefore(offset: number): void {
    while (this.#first < this.#entries.length && this.#entries[this.#first]!.nextOffset <= offset) {
      const entry = this.#entries[this.#first]!;
      this.#entries[this.#first++] = undefined;
      this.#batchCache.drop(entry);
    }
    this.#compact();
  }

  /** Drops everything. */
  clear(): void {
    this.truncateTo(-1);
  }

  /** For {@linkcode BatchCache}: forgets the oldest entry, which is `entry`. */
  dropOldest(entry: CacheEntry): void {
    if (this.#entries[this.#first] !== entry) {
      throw new Error(`Cannot drop cache entry at offset ${entry.baseOffset}: it is not the oldest`);
    }
    this.#entries[this.#first++] = undefined;
    this.#compact();
  }

  #compact(): void {
    if (this.#first === this.#entries.length) {
      this.#entries.length = 0;
      this.#first = 0;
    } else if (this.#first > 32 && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
  }

  #slotOf(offset: number): number {
    let low = this.#first;
    let high = this.#entries.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#entries[middle]!.baseOffset <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Whole batches of a run, and the offset after them. */
export interface BatchCut {
  readonly bytes: Uint8Array;
  readonly nextOffset: number;
}

/**
 * The whole batches of `bytes`, from the one that holds `offset`, that fit in `maxBytes` and do not
 * reach `maxOffset`.
 *
 * @param minOneBatch Whether to take the first one whatever its size.
 */
function cutBatches(
  bytes: Uint8Array,
  offset: number,
  maxBytes: number,
  maxOffset: number,
  minOneBatch: boolean,
): BatchCut {
  const cursor = new BatchCursor(bytes);
  let start = -1;
  let end = 0;
  let nextOffset = offset;
  while (cursor.position < bytes.length) {
    const size = cursor.sizeInBytes;
    const batchEnd = cursor.nextOffset;
    if (batchEnd > offset) {
      if (start < 0) start = cursor.position;
      const total = cursor.position + size - start;
      const isFirst = cursor.position === start;
      if (batchEnd > maxOffset || (total > maxBytes && !(isFirst && minOneBatch))) break;
      end = cursor.position + size;
      nextOffset = batchEnd;
    }
    cursor.position += size;
  }
  return start < 0 || end <= start
    ? { bytes: NO_BYTES, nextOffset: offset }
    : { bytes: bytes.subarray(start, end), nextOffset };
}
