/**
 * What the batches of a log say of its transactions, found by reading all of them, to compare with what
 * the log knows.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { readEndTransactionMarker, recordBatches } from "../protocol/records/mod.ts";
import type { Log } from "./log.ts";
import { fetchBytes } from "./replica_testing.ts";
import type { AbortedTransaction } from "./segment/indexes/transaction_index.ts";

/** A transaction of a log. */
interface FoundTransaction extends AbortedTransaction {
  /** `Infinity` as offset of the marker if it is open. */
  readonly lastOffset: number;
  readonly isAborted: boolean;
}

/** All transactions with records from the log start offset on, in the order of their markers. */
export async function scanTransactions(log: Log): Promise<FoundTransaction[]> {
  const open = new Map<number, number>();
  const found: FoundTransaction[] = [];
  for (let offset = log.logStartOffset; offset < log.logEndOffset;) {
    const bytes = await fetchBytes(log, offset);
    if (bytes.length === 0) break;
    for (const batch of recordBatches(bytes)) {
      const { producerId, baseOffset } = batch;
      offset = batch.nextOffset;
      if (!batch.isTransactional) continue;
      if (!batch.isControl) {
        if (!open.has(producerId)) open.set(producerId, baseOffset);
        continue;
      }
      const firstOffset = open.get(producerId);
      open.delete(producerId);
      const marker = readEndTransactionMarker(batch);
      if (firstOffset === undefined || marker === undefined) continue;
      const isAborted = !marker.isCommit;
      found.push({ producerId, firstOffset, lastOffset: baseOffset, isAborted });
    }
  }
  for (const [producerId, firstOffset] of open) {
    found.push({ producerId, firstOffset, lastOffset: Infinity, isAborted: false });
  }
  return found;
}

const textOf = ({ producerId, firstOffset, lastOffset }: AbortedTransaction) =>
  `${producerId}@${firstOffset}-${lastOffset}`;

/**
 * Checks that a log knows what a scan of its batches finds: aborted transactions, from any offset to any
 * other, and the first unstable offset for any high watermark.
 *
 * It may know more of transactions whose first records are deleted or removed by compaction.
 */
export async function assertTransactions(log: Log, isCompacted = false): Promise<void> {
  const { logStartOffset, logEndOffset } = log;
  const scanned = await scanTransactions(log);
  const known = log.abortedTransactions(logStartOffset, Infinity);
  const complete = isCompacted
    ? []
    : known.filter(({ firstOffset }) => firstOffset >= logStartOffset);
  const aborted = scanned.filter(({ isAborted }) => isAborted);
  const byMarker = new Map(aborted.map((each) => [each.lastOffset, each]));
  for (const each of complete) assertEquals(textOf(each), textOf(byMarker.get(each.lastOffset)!));
  for (const { producerId, firstOffset, lastOffset } of aborted) {
    const entry = known.find((each) => each.lastOffset === lastOffset);
    assert(entry !== undefined, `the transaction of producer ${producerId} at ${firstOffset}`);
    assertEquals(entry.producerId, producerId);
    assert(entry.firstOffset <= firstOffset);
  }
  const step = Math.max(1, Math.floor((logEndOffset - logStartOffset) / 15));
  for (let from = logStartOffset; from <= logEndOffset; from += step) {
    for (let to = from; to <= logEndOffset; to += step) {
      const expected = known.filter((each) => each.lastOffset >= from && each.firstOffset < to);
      assertEquals(log.abortedTransactions(from, to).map(textOf), expected.map(textOf));
    }
  }
  for (let highWatermark = logStartOffset; highWatermark <= logEndOffset; highWatermark += step) {
    const undecided = scanned.filter(({ lastOffset }) => lastOffset >= highWatermark)
      .map(({ firstOffset }) => Math.max(firstOffset, logStartOffset));
    const first = undecided.length === 0 ? undefined : Math.min(...undecided);
    const found = log.firstUnstableOffset(highWatermark);
    // The first records are deleted, or removed: the scan finds later ones, or none.
    const isEarlier = found === logStartOffset || isCompacted;
    if (!isEarlier) assertEquals(found, first, `first unstable offset for ${highWatermark}`);
    else if (first !== undefined) assert(found !== undefined && found <= first);
  }
}
