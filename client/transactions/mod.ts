/**
 * Transactions: messages and offsets that are committed as one (KIP-98, KIP-447, KIP-890).
 *
 * A `Transaction` of `producer/` is what a program holds. `ProducerTransactions` belongs to the producer and keeps
 * the phase (`transaction_phase.ts`), the identity and the dialogue with the coordinator
 * (`transaction_requests.ts`). It tells the producer's sender with which epoch a batch may be sent, and
 * `PartitionEnrolment` adds the partition before, where the cluster has the older flow. What an error
 * means for the program is its class (`transaction_errors.ts`).
 *
 * @module
 */

export {
  ProducerFencedError,
  TransactionAbortableError,
  TransactionOutcomeError,
} from "./transaction_errors.ts";
