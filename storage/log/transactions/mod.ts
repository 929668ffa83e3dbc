/**
 * The transactions of a log.
 *
 * `UnstableTransactions` has those that are open or undecided, which bound the last stable offset; the
 * `ProducerStateManager` (`../producers/`) tells it of their first batches and markers.
 * `open_transaction.ts` shows the oldest open one. `abortedTransactions` searches the indexes of the
 * segments, and `rebuildTransactionIndex` makes one from the batches.
 *
 * @module
 */

export type { AbortedTransaction } from "../../segment/indexes/transaction_index.ts";
export type { OpenTransaction } from "./open_transaction.ts";
