/**
 * Transactions: their states, and the records of `__transaction_state` that keep them.
 *
 * `model/` has the states of a transactional id and their transitions, without time, disk or network;
 * `records/` has the bytes of a state.
 *
 * @module
 */

export * from "./model/mod.ts";
export {
  decodeTransactionRecord,
  encodeTransactionRecord,
  type TransactionRecord,
} from "./records/transaction_record.ts";
