/**
 * The most recently appended batches of all logs, in memory, so that consumers that keep up never
 * touch the disk.
 *
 * Each log has a `LogTail`: a run of batches without a gap, up to its log end offset. All tails
 * share one budget of bytes; what was appended first, to whichever log, goes first. Batches are kept
 * as the buffers they came in. Small ones, and those that are a small part of a large buffer that
 * nothing else here keeps alive, are copied together into chunks instead: keeping a view of 200 bytes
 * would keep its megabyte too, and reading a thousand small buffers costs a thousand times one.
 *
 * What counts against the budget is the memory that is really kept: the whole buffer under a view,
 * once for all its views. Views handed out live on until they are let go of; what a tail drops is
 * never overwritten.
 *
 * @module
 */

import { BatchCursor } from "./batch_cursor.ts";

/** Batches up to this size are copied into chunks. */
const SMALL_BATCH_BYTES = 4096;

const SMALLEST_CHUNK_BYTES = 4096;
const LARGEST_CHUNK_BYTES = 1 << 16;

/** A buffer is kept for a batch that is at least one in this many parts of it. */
const MAX_BUFFER_RATIO = 4;

/** What an entry takes besides its bytes, roughly. */
const ENTRY_OVERHEAD_BYTES = 200;

/** Shares a budget of memory among the tails of logs. */
export class HotTail {
  readonly #maxBytes: number;
  /** How many entries keep each buffer alive, of those that more than one may. */
  readonly #buffers = new Map<ArrayBufferLike, number>();
  #sizeInBytes = 0;
  #oldest: TailEntry | undefined;
  #newest: TailEntry | undefined;

  /** Keeps at most `maxBytes` of batches; 0 keeps none. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of memory that are kept. */
  get sizeInBytes(): number {
    return this.#sizeInBytes;
  }

  /** A tail for one log. */
  tail(): LogTail {
    return new LogTail(this);
  }

  /** For {@linkcode LogTail}: whether to keep the buffer of a batch rather than to copy it. */
  keepsBuffer(bytes: Uint8Array): boolean {
    if (bytes.byteLength <= SMALL_BATCH_BYTES) return false;
    return bytes.byteLength * MAX_BUFFER_RATIO >= bytes.buffer.byteLength ||
      this.#buffers.has(bytes.buffer);
  }

  /** For {@linkcode LogTail}: whether a batch may be kept at all. */
  hasRoomFor(bytes: Uint8Array): boolean {
    return bytes.byteLength + ENTRY_OVERHEAD_BYTES <= this.#maxBytes;
  }

  /** For {@linkcode LogTail}: counts an entry, and drops the oldest ones of any log to make room. */
  add(entry: TailEntry): void {
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
    const { buffer } = entry.bytes;
    const users = this.#buffers.get(buffer) ?? 0;
    this.#buffers.set(buffer, users + 1);
    this.#sizeInBytes += ENTRY_OVERHEAD_BYTES + (users === 0 ? buffer.byteLength : 0);
    while (this.#sizeInBytes > this.#maxBytes && this.#oldest !== undefined) {
      const oldest: TailEntry = this.#oldest;
      this.#oldest = oldest.newer;
      if (this.#oldest === undefined) this.#newest = undefined;
      if (oldest.owner === undefined) continue;
      oldest.owner.dropOldest(oldest);
      this.drop(oldest);
    }
  }

  /** For {@linkcode LogTail}: stops counting an entry. It leaves the queue when it is the oldest. */
  drop(entry: TailEntry): void {
    const { buffer } = entry.bytes;
    const users = this.#buffers.get(buffer)! - 1;
    if (users === 0) this.#buffers.delete(buffer);
    else this.#buffers.set(buffer, users);
    this.#sizeInBytes -= ENTRY_OVERHEAD_BYTES + (users === 0 ? buffer.byteLength : 0);
    entry.owner = undefined;
    entry.bytes = NO_BYTES;
  }
}

const NO_BYTES = new Uint8Array(0);

/** One or more whole batches, one after another, in one buffer. */
class TailEntry {
  owner: LogTail | undefined;
  bytes: Uint8Array;
  /** The whole chunk, if `bytes` is the used part of one that more may be copied into. */
  readonly chunk: Uint8Array | undefined;
  readonly baseOffset: number;
  nextOffset: number;
  newer: TailEntry | undefined;

  constructor(
    owner: LogTail,
    bytes: Uint8Array,
    chunk: Uint8Array | undefined,
    baseOffset: number,
    nextOffset: number,
  ) {
    this.owner = owner;
    this.bytes = bytes;
    this.chunk = chunk;
    this.baseOffset = baseOffset;
    this.nextOffset = nextOffset;
  }
}

/** Batches that were read. */
export interface TailRead {
  readonly chunks: readonly Uint8Array[];
  readonly sizeInBytes: number;
  /** The offset after the last batch read. */
  readonly nextOffset: number;
}

/** The last batches of one log. */
export class LogTail {
  readonly #hotTail: HotTail;
  /** Entries from `#first` on are in use; those before are gone. */
  #entries: TailEntry[] = [];
  #first = 0;

  /** For {@linkcode HotTail.tail}. */
  constructor(hotTail: HotTail) {
    this.#hotTail = hotTail;
  }

  /** The lowest offset that can be read, or `Infinity`. */
  get baseOffset(): number {
    return this.#entries[this.#first]?.baseOffset ?? Infinity;
  }

  /**
   * Keeps a batch that was just appended to the log. Its bytes must not change from now on.
   */
  append(bytes: Uint8Array, baseOffset: number, nextOffset: number): void {
    const last = this.#entries.at(-1);
    if (last !== undefined && last.nextOffset !== baseOffset) this.clear();
    if (!this.#hotTail.hasRoomFor(bytes)) {
      this.clear();
    } else if (this.#hotTail.keepsBuffer(bytes)) {
      this.#add(new TailEntry(this, bytes, undefined, baseOffset, nextOffset));
    } else {
      this.#copy(bytes, baseOffset, nextOffset);
    }
  }

  #copy(bytes: Uint8Array, baseOffset: number, nextOffset: number): void {
    const last = this.#entries.at(-1);
    const chunk = last?.chunk;
    if (last !== undefined && chunk !== undefined) {
      const used = last.bytes.length;
      if (used + bytes.length <= chunk.length) {
        chunk.set(bytes, used);
        last.bytes = chunk.subarray(0, used + bytes.length);
        last.nextOffset = nextOffset;
        return;
      }
    }
    const size = Math.min(
      LARGEST_CHUNK_BYTES,
      Math.max(SMALLEST_CHUNK_BYTES, (chunk?.length ?? 0) * 2),
    );
    const next = new Uint8Array(Math.max(size, bytes.length));
    next.set(bytes);
    this.#add(
      new TailEntry(this, next.subarray(0, bytes.length), next, baseOffset, nextOffset),
    );
  }

  #add(entry: TailEntry): void {
    this.#entries.push(entry);
    this.#hotTail.add(entry);
  }

  /**
   * Reads whole batches from the one that holds `offset`.
   *
   * @param maxBytes Bytes to read at most, but for the first batch if `minOneBatch`.
   * @param maxOffset The offset that no batch may reach.
   * @returns Nothing if `offset` is not in the tail.
   */
  read(
    offset: number,
    maxBytes: number,
    maxOffset: number,
    minOneBatch: boolean,
  ): TailRead | undefined {
    if (!(offset >= this.baseOffset && offset < this.#entries.at(-1)!.nextOffset)) return undefined;
    const chunks: Uint8Array[] = [];
    let sizeInBytes = 0;
    let nextOffset = offset;
    for (let slot = this.#slotOf(offset); slot < this.#entries.length; slot++) {
      const { bytes, nextOffset: end, chunk } = this.#entries[slot]!;
      const isFirst = chunks.length === 0;
      let part = bytes;
      let partEnd = end;
      const fits = end <= maxOffset &&
        (sizeInBytes + bytes.length <= maxBytes ||
          (isFirst && minOneBatch && chunk === undefined));
      if (!fits || (isFirst && chunk !== undefined)) {
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
      sizeInBytes += part.length;
      nextOffset = partEnd;
      if (partEnd !== end || sizeInBytes >= maxBytes) break;
    }
    return { chunks, sizeInBytes, nextOffset };
  }

  /** Drops batches that have `offset` or larger ones. */
  truncateTo(offset: number): void {
    while (this.#entries.length > this.#first && this.#entries.at(-1)!.nextOffset > offset) {
      this.#hotTail.drop(this.#entries.pop()!);
    }
    this.#compact();
  }

  /** Drops everything. */
  clear(): void {
    this.truncateTo(-1);
  }

  /** For {@linkcode HotTail}: forgets the oldest entry, which is `entry`. */
  dropOldest(entry: TailEntry): void {
    if (this.#entries[this.#first] !== entry) {
      throw new Error(`Cannot drop tail entry at offset ${entry.baseOffset}: it is not the oldest`);
    }
    this.#first++;
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
