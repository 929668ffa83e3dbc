/**
 * Indexes of segments that take no more appends, loaded when they are needed and shared by all logs
 * within a budget of memory. The least recently used go first.
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

/** What the indexes of a segment take besides their entries, roughly. */
const OVERHEAD_BYTES = 500;

/** Keeps indexes by the segment they belong to. */
export class IndexCache {
  readonly #maxBytes: number;
  readonly #indexes = new Map<object, SegmentIndexes>();
  #sizeInBytes = 0;

  /** Keeps indexes of up to `maxBytes`, and always the last one used. Default: 64 MiB. */
  constructor(maxBytes: number = 64 << 20) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of memory that are kept. */
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

  /** Keeps the indexes of a segment, which must not change any more. */
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
