/**
 * What the cleaner has to know of transactions (KIP-98): which batches were aborted, since their
 * records count for nothing and must not supersede others, and which markers have nothing left that
 * they mark. Kafka: `CleanedTransactionMetadata`.
 *
 * @module
 */

import type { RecordBatch } from "../../protocol/records/mod.ts";

/** A part of a log in which a producer's transactional batches were aborted. */
interface AbortedRange {
  readonly firstOffset: number;
  /** Offset of the marker. */
  readonly lastOffset: number;
}

/** Which batches were aborted, as the markers behind them say. */
export class AbortedTransactions {
  readonly #aborted = new Map<number, AbortedRange[]>();
  /** First offsets of transactions whose marker is still to come, by producer id. */
  readonly #open = new Map<number, number>();

  /** Notes the next batch of the log, in order. */
  add(batch: RecordBatch): void {
    const { producerId } = batch;
    if (!batch.isControl) {
      if (!batch.isTransactional || this.#open.has(producerId)) return;
      this.#open.set(producerId, batch.baseOffset);
      return;
    }
    const firstOffset = this.#open.get(producerId);
    this.#open.delete(producerId);
    if (firstOffset === undefined || !isAbortMarker(batch)) return;
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
    return ranges !== undefined &&
      ranges.some(({ firstOffset, lastOffset }) =>
        firstOffset <= baseOffset && baseOffset < lastOffset
      );
  }
}

/** Whether a control batch marks an abort: its key is version and type, 0 for abort. */
function isAbortMarker(batch: RecordBatch): boolean {
  for (const { key } of batch.records()) {
    if (key === null || key.length < 4) return false;
    return new DataView(key.buffer, key.byteOffset).getInt16(2) === 0;
  }
  return false;
}

/** Tells, going along a log, which markers have no batch of their transaction before them. */
export class MarkerUse {
  readonly #producersWithBatches = new Set<number>();

  /** Notes a transactional batch of records that was in the log until now. */
  addBatch(batch: RecordBatch): void {
    if (batch.isTransactional) this.#producersWithBatches.add(batch.producerId);
  }

  /** Whether a marker is of no use any more. */
  isUseless(marker: RecordBatch): boolean {
    return !this.#producersWithBatches.delete(marker.producerId);
  }
}
