/**
 * DescribeTransactions: the state of transactional ids (KIP-664). Version 0.
 *
 * There are no transactions, so no id is found.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { describeTransactions } from "../../../protocol/messages/transactions/describe_transactions.ts";
import { type ApiHandler, handler } from "../../handler.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { mapEach } from "../each_item.ts";

/** Size of a transactional id in the response, without its name. */
const STATE_BYTES = 40;

/** Serves DescribeTransactions. */
export const describeTransactionsHandler: ApiHandler = handler(
  describeTransactions,
  async ({ transactionalIds }, context) => {
    await claimResponseMemory(
      sumOf(transactionalIds, (id) => STATE_BYTES + textBytes(id)),
      context,
    );
    return { transactionStates: await mapEach(transactionalIds, describe) };
  },
);

function describe(transactionalId: string) {
  return {
    errorCode: transactionalId === ""
      ? ErrorCode.INVALID_REQUEST
      : ErrorCode.TRANSACTIONAL_ID_NOT_FOUND,
    transactionalId,
    transactionState: "",
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0,
    producerId: 0,
    producerEpoch: 0,
    topics: [],
  };
}
