/**
 * Transactions: the coordinator of transactional ids.
 *
 * `transaction_coordinator.ts` coordinates the ids whose partition of `__transaction_state`
 * (`transactions_topic.ts`) this broker leads. Each partition is a shard (`transaction_shard.ts`), which
 * holds its ids in memory and commits every state to its log before it answers (`transaction_log.ts`,
 * implemented by `partition_transaction_log.ts`; `records/` has the bytes of a state). What a request
 * leads to is decided in `model/`, without time, disk or network. `markers/` writes the markers that end a
 * transaction to its partitions.
 *
 * @module
 */

export * from "./model/mod.ts";
export {
  decodeTransactionRecord,
  encodeTransactionRecord,
  type TransactionRecord,
} from "./records/transaction_record.ts";
export {
  TransactionCoordinator,
  type TransactionCoordinatorOptions,
} from "./transaction_coordinator.ts";
export {
  RegistryTransactionsTopic,
  TRANSACTIONS_TOPIC,
  type TransactionsTopic,
} from "./transactions_topic.ts";
