/**
 * Finds the aborted transactions of a log, for consumers that read committed records only.
 *
 * @module
 */

import { CorruptFileError } from "../../errors.ts";
import type {
  AbortedTransaction,
  TransactionIndex,
} from "../../segment/indexes/transaction_index.ts";
import { runAtOnce } from "../../time_slice.ts";
import type { LogState } from "../log_state.ts";
import { rebuildTransactionIndex } from "./rebuild_transaction_index.ts";

/** `Log.abortedTransactions` documents this. */
export function abortedTransactions(
  log: LogState,
  fetchOffset: number,
  endOffset: number,
): AbortedTransaction[] {
  const found: AbortedTransaction[] = [];
  const { segments } = log;
  const from = Math.max(fetchOffset, log.logStartOffset);
  for (let slot = Math.max(0, segments.floorSlot(from)); slot < segments.count; slot++) {
    const isEnd = transactionIndexAt(log, slot)?.collect(from, endOffset, found);
    if (isEnd === true) break;
  }
  return found.sort((a, b) => a.firstOffset - b.firstOffset);
}

/** The transaction index of a segment, rebuilt if it is damaged; `undefined` if it has no entries. */
export function transactionIndexAt(log: LogState, slot: number): TransactionIndex | undefined {
  const { transactions } = log.segments.at(slot)!;
  const endOffset = log.segments.at(slot + 1)?.baseOffset ?? log.logEndOffset;
  try {
    return transactions.load(endOffset);
  } catch (error) {
    if (!(error instanceof CorruptFileError)) throw error;
    const { segments, logStartOffset, logEndOffset } = log;
    const { fs } = log.context;
    const snapshots = log.producers(-Infinity).snapshots;
    const { name, folder } = log;
    runAtOnce(rebuildTransactionIndex(
      { fs, name, folder, snapshots, segments: Array.from(segments), logStartOffset, logEndOffset },
      slot,
    ));
    return transactions.load(endOffset);
  }
}
