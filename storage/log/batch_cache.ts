/**
 * The newest batches of all logs, in memory, so that consumers that keep up never read the disk.
 *
 * Each log has a `LogBatchCache`: consecutive batches up to its log end offset. All caches share
 * one memory budget; the oldest batches of all logs are evicted first. Batches are copied into
 * chunks, many small ones to a chunk, because the cost of a read grows with the number of its
 * buffers. The copy is cheaper than keeping the received buffers: these, and the chunks, are reused
 * from a pool (`BufferPool`).
 *
 * A follower's batches are not cached: only the leader is read, and the memory is shared by all logs.
 *
 * A chunk returned by a read stays unchanged until the reader releases it, even if it is evicted
 * before. A chunk that is never released is left to the garbage collector. Chunks in the caches
 * count against the budget at their full size.
 *
 * @module
 */

import type { BufferPool } from "../../protocol/frames/buffer_pool.ts";
import type { LogRead } from "./log_read.ts";
import { fittingBatches, type ReadLimits } from "../segment/fitting_batches.ts";

/** Batches up to this size share chunks. */
const SMALL_BATCH_BYTES = 4096;

const SMALLEST_CHUNK_BYTES = 4096;
const LARGEST_CHUNK_BYTES = 1 << 16;

/** Approximate memory of an entry besides its bytes. */
const ENTRY_OVERHEAD_BYTES = 200;

/** Shares a memory budget among the caches of logs. */
export class BatchCache {
  readonly #maxBytes: number;
  readonly #buffers: BufferPool;
  #sizeInBytes = 0;
  #oldest: CacheEntry | undefined;
  #newest: CacheEntry | undefined;

  /** Keeps at most `maxBytes` of batches, in memory from `buffers`; 0 disables the cache. */
  constructor(maxBytes: number, buffers: BufferPool) {
    this.#maxBytes = maxBytes;
    this.#buffers = buffers;
  }

  /** Memory in use, in bytes. */
  get sizeInBytes(): number {
    return this.#sizeInBytes;
  }

  /** Creates the cache of one log. */
  forLog(): LogBatchCache {
    return new LogBatchCache(this);
  }

  /** For {@linkcode LogBatchCache}: memory for at least `size` bytes. */
  takeChunk(size: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffers.take(size).buffer);
  }

  /** For {@linkcode LogBatchCache}: whether a batch can be cached at all. */
  hasRoomFor(bytes: Uint8Array): boolean {
    return bytes.byteLength + ENTRY_OVERHEAD_BYTES <= this.#maxBytes;
  }

  /**
   * For {@linkcode LogBatchCache}: adds an entry, and evicts the oldest entries of all logs to make
   * room.
   */
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

  /** For {@linkcode LogBatchCache}: removes an entry. It leaves the queue when it is the oldest. */
  drop(entry: CacheEntry): void {
    this.#sizeInBytes -= ENTRY_OVERHEAD_BYTES + entry.chunk.length;
    entry.owner = undefined;
    entry.bytes = NO_BYTES;
    if (entry.readerCount === 0) this.#give(entry);
  }

  /** For {@linkcode LogBatchCache}: ends one read of an entry. */
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
  /** The cache it is in; `undefined` once it is removed. */
  owner: LogBatchCache | undefined;
  /** The used part of the chunk. */
  bytes: Uint8Array;
  chunk: Uint8Array<ArrayBuffer>;
  readonly baseOffset: number;
  nextOffset: number;
  /** Number of reads that are not released. */
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

/** The newest batches of one log. */
export class LogBatchCache {
  readonly #batchCache: BatchCache;
  /** Entries from `#first` on are in use; those before are removed. */
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

  /** Adds a copy of a batch that was just appended to the log. */
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
   * Reads whole batches, starting with the one that contains `offset`.
   *
   * @returns `undefined` if `offset` is not in the cache. Callers should release the result.
   */
  read(limits: ReadLimits): LogRead | undefined {
    const { offset, maxBytes, maxOffset, minOneBatch, withEmptyBatches } = limits;
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
        const { position, endPosition, nextOffset } = fittingBatches(bytes, bytes.length, {
          offset,
          maxBytes: maxBytes - sizeInBytes,
          maxOffset,
          minOneBatch: isFirst && minOneBatch,
          withEmptyBatches,
        });
        // All its batches are skipped: the next entry is the first one.
        if (position === bytes.length) continue;
        if (endPosition === position) break;
        part = bytes.subarray(position, endPosition);
        partEnd = nextOffset;
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
      for (const entry of entries.splice(0)) this.#batchCache.release(entry);
    };
    return { chunks, sizeInBytes, nextOffset, release };
  }

  /** Removes batches with offsets of `offset` or larger. */
  truncateTo(offset: number): void {
    while (this.#entries.length > this.#first && this.#entries.at(-1)!.nextOffset > offset) {
      this.#batchCache.drop(this.#entries.pop()!);
    }
    this.#compact();
  }

  /** Removes batches before `offset`, except for those that share a chunk with later ones. */
  dropBefore(offset: number): void {
    while (this.#first < this.#entries.length && this.#entries[this.#first]!.nextOffset <= offset) {
      const entry = this.#entries[this.#first]!;
      this.#entries[this.#first++] = undefined;
      this.#batchCache.drop(entry);
    }
    this.#compact();
  }

  /** Removes everything. */
  clear(): void {
    if (this.#entries.length > 0) this.truncateTo(-1);
  }

  /** For {@linkcode BatchCache}: removes `entry`, which must be the oldest. */
  dropOldest(entry: CacheEntry): void {
    if (this.#entries[this.#first] !== entry) {
      throw new Error(
        `Cannot drop cache entry at offset ${entry.baseOffset}: it is not the oldest`,
      );
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
