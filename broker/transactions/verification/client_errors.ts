/**
 * The error codes for clients whose transaction a coordinator does not confirm.
 *
 * Clients act on them: a code that a version does not know, or that another request uses in another
 * sense, makes them fail or loop. So what only delays is NOT_ENOUGH_REPLICAS to a producer, which
 * retries after that without looking for another leader.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";

const FIRST_PRODUCE_WITH_ABORTABLE = 11;
/** The first version of Produce that adds partitions to the transaction. */
export const FIRST_PRODUCE_WITH_TRANSACTION_V2 = 12;
const FIRST_OFFSET_COMMIT_WITH_ABORTABLE = 4;
/** The first version of TxnOffsetCommit that adds the group to the transaction. */
export const FIRST_OFFSET_COMMIT_WITH_TRANSACTION_V2 = 5;

/** What Produce returns. */
export function produceErrorOf(errorCode: number, apiVersion: number): number {
  switch (errorCode) {
    case ErrorCode.PRODUCER_FENCED:
      return ErrorCode.INVALID_PRODUCER_EPOCH;
    case ErrorCode.INVALID_TXN_STATE:
    case ErrorCode.TRANSACTION_ABORTABLE:
      return notInTransaction(apiVersion >= FIRST_PRODUCE_WITH_ABORTABLE);
    case ErrorCode.CONCURRENT_TRANSACTIONS:
      return apiVersion >= FIRST_PRODUCE_WITH_TRANSACTION_V2
        ? errorCode
        : ErrorCode.NOT_ENOUGH_REPLICAS;
    case ErrorCode.NETWORK_EXCEPTION:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.NOT_COORDINATOR:
    // Another partition of the transaction is unknown to the coordinator.
    case ErrorCode.OPERATION_NOT_ATTEMPTED:
      return ErrorCode.NOT_ENOUGH_REPLICAS;
    default:
      return errorCode;
  }
}

/** What TxnOffsetCommit returns. Its clients look for the group's coordinator after 15 and 16. */
export function offsetCommitErrorOf(errorCode: number, apiVersion: number): number {
  switch (errorCode) {
    case ErrorCode.PRODUCER_FENCED:
      return ErrorCode.INVALID_PRODUCER_EPOCH;
    case ErrorCode.INVALID_TXN_STATE:
    case ErrorCode.TRANSACTION_ABORTABLE:
      return notInTransaction(apiVersion >= FIRST_OFFSET_COMMIT_WITH_ABORTABLE);
    case ErrorCode.CONCURRENT_TRANSACTIONS:
      return apiVersion >= FIRST_OFFSET_COMMIT_WITH_TRANSACTION_V2
        ? errorCode
        : ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
    // The coordinator of the group is here: clients need not find it again.
    case ErrorCode.NETWORK_EXCEPTION:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.NOT_COORDINATOR:
    case ErrorCode.OPERATION_NOT_ATTEMPTED:
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
      return ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
    default:
      return errorCode;
  }
}

function notInTransaction(isAbortable: boolean): number {
  return isAbortable ? ErrorCode.TRANSACTION_ABORTABLE : ErrorCode.INVALID_TXN_STATE;
}
