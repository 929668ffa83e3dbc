/**
 * What the cleaner must know about transactions (KIP-98): which batches were aborted, because their
 * records must not supersede others, and which markers have no batches left. Kafka:
 * `CleanedTransactionMetadata`.
 *
 * @module
 */

import { readEndTransactionMarker, type RecordBatch } from "../../protocol/records/mod.ts";

/** A part of a log in which a producer's transactional batches were aborted. */
interface AbortedRange {
  readonly firstOffset: number;
  /** Offset of the marker. */
  readonly lastOffset: number;
}

/** The batches that were aborted, according to the markers after them. */
export class AbortedTransactions {
  readonly #aborted = new Map<number, AbortedRange[]>();
  /** First offsets of transactions without a marker so far, by producer id. */
  readonly #open = new Map<number, number>();

  /** Adds the next batch of the log, in order. */
  add(batch: RecordBatch): void {
    const { producerId } = batch;
    if (!batch.isControl) {
      if (!batch.isTransactional || this.#open.has(producerId)) return;
      this.#open.set(producerId, batch.baseOffset);
      return;
    }
    const marker = readEndTransactionMarker(batch);
    if (marker === undefined) return;
    const firstOffset = this.#open.get(producerId);
    this.#open.delete(producerId);
    if (firstOffset === undefined || marker.isCommit) return;
    const range = { firstOffset, lastOffset: batch.baseOffset };
    const ranges = this.#aborted.get(producerId);
    if (ranges === undefined) this.#aborted.set(producerId, [range]);
    else ranges.push(range);
  }

  /** Whether a batch of records was aborted. */
  has(batch: RecordBatch): boolean {
    if (!batch.isTransactional || batch.isControl) return false;
    const { baseOffset, producerId } = batch;
    const ranges = this.#aborted.get(producerId);
    if (ranges === undefined) return false;
    // They ascend and do not overlap: only the first that ends later can have the batch.
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ranges[middle]!.lastOffset <= baseOffset) low = middle + 1;
      else high = middle;
    }
    return low < ranges.length && ranges[low]!.firstOffset <= baseOffset;
  }
}

/** Finds markers without a batch of their transaction before them, in one pass over a log. */
export class MarkerUse {
  readonly #producersWithBatches = new Set<number>();

  /** Adds a batch of records, as it was in the log before this pass. */
  addBatch(batch: RecordBatch): void {
    if (batch.isTransactional) this.#producersWithBatches.add(batch.producerId);
  }

  /** Whether a marker is no longer needed. Each marker must be passed once. */
  isUseless(marker: RecordBatch): boolean {
    // Kafka leaves an empty batch of the last marker of a producer.
    if (marker.recordCount === 0) return true;
    return !this.#producersWithBatches.delete(marker.producerId);
  }
}
