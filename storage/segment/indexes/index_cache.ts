/**
 * Indexes of inactive segments, loaded on demand, within a memory budget shared by all logs. The
 * least recently used are evicted first.
 *
 * @module
 */

import type { OffsetIndex } from "./offset_index.ts";
import type { TimeIndex } from "./time_index.ts";
import type { TransactionIndex } from "./transaction_index.ts";

/** Both indexes of a segment. */
export interface IndexPair {
  readonly offset: OffsetIndex;
  readonly time: TimeIndex;
}

/** What is cached for one owner. */
export type CachedIndexes = IndexPair | TransactionIndex;

/** Approximate memory of a segment's indexes besides their entries. */
const OVERHEAD_BYTES = 500;

/** Caches indexes by the `SegmentIndexes` and `SegmentTransactions` that own them. */
export class IndexCache {
  readonly #maxBytes: number;
  readonly #indexes = new Map<object, CachedIndexes>();
  #sizeInBytes = 0;

  /** Keeps up to `maxBytes` of indexes, and always the last ones used. Default: 64 MiB. */
  constructor(maxBytes: number = 64 << 20) {
    this.#maxBytes = maxBytes;
  }

  /** Memory in use, in bytes. */
  get sizeInBytes(): number {
    return this.#sizeInBytes;
  }

  /** What `set` was last called with for the owner, unless it was evicted. */
  get<T extends CachedIndexes = IndexPair>(owner: object): T | undefined {
    const indexes = this.#indexes.get(owner) as T | undefined;
    if (indexes === undefined) return undefined;
    this.#indexes.delete(owner);
    this.#indexes.set(owner, indexes);
    return indexes;
  }

  /** Adds the indexes of a segment, which must no longer change. */
  set(owner: object, indexes: CachedIndexes): void {
    this.delete(owner);
    this.#indexes.set(owner, indexes);
    this.#sizeInBytes += sizeOf(indexes);
    for (const oldest of this.#indexes.keys()) {
      if (this.#sizeInBytes <= this.#maxBytes || oldest === owner) break;
      this.delete(oldest);
    }
  }

  delete(owner: object): void {
    const indexes = this.#indexes.get(owner);
    if (indexes === undefined) return;
    this.#indexes.delete(owner);
    this.#sizeInBytes -= sizeOf(indexes);
  }
}

function sizeOf(indexes: CachedIndexes): number {
  if ("capacityInBytes" in indexes) return OVERHEAD_BYTES + indexes.capacityInBytes;
  return OVERHEAD_BYTES + indexes.offset.capacityInBytes + indexes.time.capacityInBytes;
}
