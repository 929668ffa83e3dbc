/**
 * Selects the batches of a fetched partition that a reader returns.
 *
 * Skipped are control batches, which mark the end of transactions, and under read_committed the
 * batches of aborted transactions. Skipped offsets still count: each batch states the offset to
 * continue at after it and the skipped ones.
 *
 * A broker lists aborted transactions in the order of their markers, so one that began early and
 * ended late comes after others. They are processed in the order of their first offsets: from there
 * on the producer is in an aborted transaction, until the marker.
 *
 * @module
 */

import { CorruptRecordError } from "../../protocol/records/errors.ts";
import { type RecordBatch, recordBatches } from "../../protocol/records/record_batch.ts";

/** A batch to return. */
export interface FetchedBatch {
  readonly batch: RecordBatch;
  /** The offset to continue at after it. */
  nextOffset: number;
}

/** The batches of a fetched partition. */
export interface FetchedBatches {
  readonly batches: FetchedBatch[];
  /**
   * The offset to continue at after all of them; the fetch offset if no complete batch was fetched.
   */
  readonly nextOffset: number;
}

/** An aborted transaction: its batches are those of the producer from the offset on. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/** The key of a marker has some ten bytes. */
const MAX_MARKER_SIZE = 64 * 1024;

/** The type of a control record that ends a transaction without committing it. */
const ABORT_MARKER = 0;

/**
 * Selects batches from the bytes a broker has returned for a partition.
 *
 * @param fetchOffset The fetch offset; batches that end before it are skipped.
 * @param aborted The aborted transactions, in any order; null to return all messages.
 * @throws {CorruptRecordError} If the bytes are not record batches.
 */
export function fetchedBatches(
  bytes: Uint8Array,
  fetchOffset: number,
  aborted: readonly AbortedTransaction[] | null,
): FetchedBatches {
  const batches: FetchedBatch[] = [];
  const abortedProducers = new Set<number>();
  const byFirstOffset = aborted?.toSorted((a, b) => a.firstOffset - b.firstOffset) ?? [];
  let nextAborted = 0;
  let nextOffset = fetchOffset;
  for (const batch of recordBatches(bytes)) {
    while (nextAborted < byFirstOffset.length) {
      const { producerId, firstOffset } = byFirstOffset[nextAborted]!;
      if (firstOffset > batch.lastOffset) break;
      abortedProducers.add(producerId);
      nextAborted++;
    }
    // A marker before the fetch offset still ends its transaction.
    const isVisible = takeBatch(batch, abortedProducers);
    if (batch.nextOffset <= fetchOffset) continue;
    nextOffset = batch.nextOffset;
    if (isVisible) batches.push({ batch, nextOffset });
    else if (batches.length > 0) batches[batches.length - 1]!.nextOffset = nextOffset;
  }
  return { batches, nextOffset };
}

/** Whether a reader returns the batch. An abort marker ends its producer's aborted transaction. */
function takeBatch(batch: RecordBatch, abortedProducers: Set<number>): boolean {
  if (batch.isControl) {
    if (abortedProducers.size > 0 && isAbortMarker(batch)) {
      abortedProducers.delete(batch.producerId);
    }
    return false;
  }
  if (batch.recordCount === 0) return false;
  return !(batch.isTransactional && abortedProducers.has(batch.producerId));
}

/**
 * The key of a control record is its version and type, both int16. An unreadable one counts as an
 * abort marker: that is the next marker of a producer whose transaction was aborted.
 */
function isAbortMarker(batch: RecordBatch): boolean {
  try {
    for (const { key } of batch.records(MAX_MARKER_SIZE)) {
      return key !== null && key.length >= 4 && (key[2]! << 8 | key[3]!) === ABORT_MARKER;
    }
  } catch (error) {
    if (!(error instanceof CorruptRecordError)) throw error;
    return true;
  }
  return false;
}
