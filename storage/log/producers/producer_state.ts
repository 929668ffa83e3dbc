/**
 * What is known of one producer in a log.
 *
 * @module
 */

import type { EndTransactionMarker } from "../../../protocol/records/mod.ts";
import type { BatchHeader } from "../../segment/batch_cursor.ts";

/** Number of batches kept of each producer. */
const REMEMBERED_BATCHES = 5;

/** The last sequence number; 0 comes next. */
export const MAX_SEQUENCE: number = 2 ** 31 - 1;

/** An earlier append of a batch. */
export interface WrittenBatch {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly timestamp: number;
}
/** The last batches of one producer. */
export class ProducerState {
  readonly producerId: number;
  producerEpoch = -1;
  coordinatorEpoch = -1;
  lastTimestamp = -1;
  /** First offset of the open transaction, or -1. */
  currentTransactionFirstOffset = -1;
  /** The last batches, oldest first. */
  readonly batches: RememberedBatch[] = [];

  constructor(producerId: number) {
    this.producerId = producerId;
  }

  /** Last sequence number, or -1. */
  get lastSequence(): number {
    return this.batches.at(-1)?.lastSequence ?? -1;
  }

  /** Offset of the last record, or -1. */
  get lastOffset(): number {
    return this.batches.at(-1)?.lastOffset ?? -1;
  }

  /** Whether a transaction is open. */
  get hasTransaction(): boolean {
    return this.currentTransactionFirstOffset >= 0;
  }

  clone(): ProducerState {
    const copy = new ProducerState(this.producerId);
    copy.producerEpoch = this.producerEpoch;
    copy.coordinatorEpoch = this.coordinatorEpoch;
    copy.lastTimestamp = this.lastTimestamp;
    copy.currentTransactionFirstOffset = this.currentTransactionFirstOffset;
    copy.batches.push(...this.batches.map((batch) => ({ ...batch })));
    return copy;
  }

  /** The kept batch that `batch` duplicates, if any. */
  duplicateOf(batch: BatchHeader): WrittenBatch | undefined {
    if (batch.producerEpoch !== this.producerEpoch) return undefined;
    const { baseSequence, lastSequence } = batch;
    for (const { lastSequence: last, offsetDelta, lastOffset, timestamp } of this.batches) {
      if (last === lastSequence && sequenceBefore(last, offsetDelta) === baseSequence) {
        return { firstOffset: lastOffset - offsetDelta, lastOffset, timestamp };
      }
    }
    return undefined;
  }

  /** Adds a batch of records. */
  add(batch: BatchHeader): void {
    this.setEpoch(batch.producerEpoch);
    // The oldest entry is reused, so that a steady producer creates no garbage.
    const remembered = this.batches.length === REMEMBERED_BATCHES
      ? this.batches.shift()!
      : { lastSequence: 0, lastOffset: 0, offsetDelta: 0, timestamp: 0 };
    const { lastOffset, baseOffset, maxTimestamp } = batch;
    remembered.lastSequence = batch.lastSequence;
    remembered.lastOffset = lastOffset;
    remembered.offsetDelta = lastOffset - baseOffset;
    remembered.timestamp = maxTimestamp;
    this.batches.push(remembered);
    this.lastTimestamp = maxTimestamp;
  }

  /** Ends the transaction, if one is open. */
  end(producerEpoch: number, { coordinatorEpoch, timestamp }: EndTransactionMarker): void {
    this.setEpoch(producerEpoch);
    this.coordinatorEpoch = coordinatorEpoch;
    this.lastTimestamp = timestamp;
    this.currentTransactionFirstOffset = -1;
  }

  /** Sets the epoch. Batches of another epoch are dropped. */
  setEpoch(producerEpoch: number): void {
    if (producerEpoch === this.producerEpoch) return;
    this.producerEpoch = producerEpoch;
    this.batches.length = 0;
  }
}

interface RememberedBatch {
  lastSequence: number;
  lastOffset: number;
  offsetDelta: number;
  timestamp: number;
}
/** The sequence number `count` before `sequence`; 2147483647 comes before 0. */
function sequenceBefore(sequence: number, count: number): number {
  return sequence < count ? sequence - count + MAX_SEQUENCE + 1 : sequence - count;
}
