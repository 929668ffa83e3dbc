/**
 * What the transaction coordinator counts.
 *
 * @module
 */

import { DurationHistogram } from "./histogram.ts";

/** Transactions that this broker coordinates. */
export class TransactionCounters {
  /** Transactions that were aborted because they took too long. */
  timeouts = 0;
  /** Transactions that were aborted because another producer took over their transactional id. */
  fences = 0;
  /** Transactions that were committed and aborted, by their producers or by the coordinator. */
  commits = 0;
  aborts = 0;
  /** Transactional ids that have expired. */
  expirations = 0;
  /** Markers that partitions have acknowledged. */
  markersWritten = 0;
  /** Time to load a partition of `__transaction_state`. */
  readonly loads: DurationHistogram = new DurationHistogram();
}
