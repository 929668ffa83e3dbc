/**
 * Indexes of inactive segments, loaded on demand, within a memory budget shared by all logs. The
 * least recently used are evicted first.
 *
 * @module
 */

import type { OffsetIndex } from "./offset_index.ts";
import type { TimeIndex } from "./time_index.ts";

/** Both indexes of a segment. */
export interface SegmentIndexes {
  readonly offset: OffsetIndex;
  readonly time: TimeIndex;
}

/** Approximate memory of a segment's indexes besides their entries. */
const OVERHEAD_BYTES = 500;

/** Caches indexes by segment. */
export class IndexCache {
  readonly #maxBytes: number;
  readonly #indexes = new Map<object, SegmentIndexes>();
  #sizeInBytes = 0;

  /** Keeps up to `maxBytes` of indexes, and always the last ones used. Default: 64 MiB. */
  constructor(maxBytes: number = 64 << 20) {
    this.#maxBytes = maxBytes;
  }

  /** Memory in use, in bytes. */
  get sizeInBytes(): number {
    return this.#sizeInBytes;
  }

  get(segment: object): SegmentIndexes | undefined {
    const indexes = this.#indexes.get(segment);
    if (indexes === undefined) return undefined;
    this.#indexes.delete(segment);
    this.#indexes.set(segment, indexes);
    return indexes;
  }

  /** Adds the indexes of a segment, which must no longer change. */
  set(segment: object, indexes: SegmentIndexes): void {
    this.delete(segment);
    this.#indexes.set(segment, indexes);
    this.#sizeInBytes += sizeOf(indexes);
    for (const oldest of this.#indexes.keys()) {
      if (this.#sizeInBytes <= this.#maxBytes || oldest === segment) break;
      this.delete(oldest);
    }
  }

  delete(segment: object): void {
    const indexes = this.#indexes.get(segment);
    if (indexes === undefined) return;
    this.#indexes.delete(segment);
    this.#sizeInBytes -= sizeOf(indexes);
  }
}

function sizeOf(indexes: SegmentIndexes): number {
  return OVERHEAD_BYTES + indexes.offset.capacityInBytes + indexes.time.capacityInBytes;
}
