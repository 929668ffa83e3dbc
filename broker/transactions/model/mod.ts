/**
 * The states of a transactional id and their transitions, without time, disk or network.
 *
 * Each function takes what is known (`transaction.ts`) and a request, and decides: an error code, an
 * answer, and the next state, which must be committed before the answer is given (`decision.ts`).
 * `init_producer_id.ts`, `add_partitions.ts` and `end_transaction.ts` have a function for each request.
 *
 * @module
 */

export { type AddRequest, decideAdd, verify } from "./add_partitions.ts";
export { type Decision, NEEDS_PRODUCER_ID } from "./decision.ts";
export {
  complete,
  decideEnd,
  decideEndV2,
  type EndRequest,
  fence,
  isCommitted,
} from "./end_transaction.ts";
export { decideInit, type InitRequest } from "./init_producer_id.ts";
export {
  EXHAUSTED_EPOCH,
  isExpired,
  isPrepared,
  isTimedOut,
  type KnownTransaction,
  LAST_EPOCH,
  NONE,
  type Producer,
  STATE_NAMES,
  type Transaction,
  TRANSACTION_V2,
  TransactionState,
} from "./transaction.ts";
export {
  eachPartition,
  NO_PARTITIONS,
  type TopicPartition,
  type TransactionPartitions,
} from "./transaction_partitions.ts";
