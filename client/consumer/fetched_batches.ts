/**
 * The batches of a fetched partition that a reader is to see.
 *
 * Left out are control batches, which only mark the end of transactions, and for a reader of committed
 * messages the batches of aborted transactions. The offsets of what is left out still count: each batch
 * says where to continue after it and what was left out after it.
 *
 * A broker lists aborted transactions in the order of their markers, so one that began early and ended
 * late comes after others. They are taken in the order of their first offsets: from there on the
 * producer counts as aborted, until the marker.
 *
 * @module
 */

import { CorruptRecordError } from "../../protocol/records/errors.ts";
import { type RecordBatch, recordBatches } from "../../protocol/records/record_batch.ts";

/** A batch to read. */
export interface FetchedBatch {
  readonly batch: RecordBatch;
  /** The offset to go on with once it is read. */
  nextOffset: number;
}

/** What was fetched of a partition. */
export interface FetchedBatches {
  readonly batches: FetchedBatch[];
  /** The offset to go on with after all of them; that asked for if nothing whole was fetched. */
  readonly nextOffset: number;
}

/** A transaction that was aborted: its batches are those of the producer from the offset on. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/** A marker takes some ten bytes. */
const MAX_MARKER_SIZE = 64 * 1024;

/** The type of a control record that ends a transaction without committing it. */
const ABORT_MARKER = 0;

/**
 * Takes the batches out of what a broker has sent for a partition.
 *
 * @param fetchOffset The offset asked for; batches that end before it are left out.
 * @param aborted The aborted transactions among them, in any order; null to see all messages.
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
    // A marker before the offset still ends its transaction.
    const isVisible = takeBatch(batch, abortedProducers);
    if (batch.nextOffset <= fetchOffset) continue;
    nextOffset = batch.nextOffset;
    if (isVisible) batches.push({ batch, nextOffset });
    else if (batches.length > 0) batches[batches.length - 1]!.nextOffset = nextOffset;
  }
  return { batches, nextOffset };
}

/** Whether a reader sees the batch. An abort marker takes its producer off the aborted ones. */
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
 * The key of a control record is its version and its type, both int16. One that cannot be read counts as
 * an abort: the next marker of a producer whose transaction was aborted is that.
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
