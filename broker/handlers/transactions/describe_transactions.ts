/**
 * DescribeTransactions: the state of transactional ids (KIP-664). Version 0.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  describeTransactions,
  type DescribeTransactionsResponse,
} from "../../../protocol/messages/transactions/describe_transactions.ts";
import { coordinatorErrorCode } from "../../coordinators/shard.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { all, eachItem, inHandler, mayDo, rule } from "../access/mod.ts";
import {
  type ApiHandler,
  type BrokerContext,
  handler,
  type RequestContext,
} from "../../handler.ts";
import { STATE_NAMES, type Transaction } from "../../transactions/model/mod.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { mapEach } from "../each_item.ts";

type TransactionState = DescribeTransactionsResponse["transactionStates"][number];

/** Size of a transactional id in the response, without its name. */
const STATE_BYTES = 60;
const PARTITION_BYTES = 4;

/** Serves DescribeTransactions. */
export const describeTransactionsHandler: ApiHandler = handler(
  describeTransactions,
  async ({ transactionalIds }, context) => {
    const { broker } = context;
    const ids = [...new Set(transactionalIds)];
    await claimResponseMemory(
      sumOf(ids, (id) => STATE_BYTES + textBytes(id) + partitionBytes(id, broker)),
      context,
    );
    return {
      transactionStates: await mapEach(ids, (id) => visible(describe(id, broker), context)),
    };
  },
  all(
    eachItem(describeTransactions, "transactionalIds", "transactionStates", {
      operation: AclOperation.describe,
      resourceType: AclResourceType.transactionalId,
      nameOf: (id) => id,
      denied: (id, errorCode) => failed(id, errorCode),
    }),
    inHandler(rule(AclOperation.describe, AclResourceType.topic, "shown")),
  ),
);

/** Leaves out topics that the client may not know of. */
function visible(state: TransactionState, context: RequestContext): TransactionState {
  if (context.broker.authorizer.isOpen) return state;
  const topics = state.topics.filter(({ topic }) =>
    mayDo(context, AclOperation.describe, AclResourceType.topic, topic)
  );
  return { ...state, topics };
}

function describe(transactionalId: string, broker: BrokerContext): TransactionState {
  if (transactionalId === "") return failed(transactionalId, ErrorCode.INVALID_REQUEST);
  try {
    const transaction = broker.transactions.transaction(transactionalId);
    return transaction === undefined
      ? failed(transactionalId, ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
      : stateOf(transactionalId, transaction);
  } catch (error) {
    return failed(transactionalId, coordinatorErrorCode(error, broker.logger));
  }
}

function stateOf(transactionalId: string, transaction: Transaction): TransactionState {
  return {
    errorCode: ErrorCode.NONE,
    transactionalId,
    transactionState: STATE_NAMES[transaction.state],
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStartTimeMs: transaction.startMs,
    producerId: transaction.producerId,
    producerEpoch: transaction.producerEpoch,
    topics: Array.from(transaction.partitions, ([topic, partitions]) => ({
      topic,
      partitions: [...partitions],
    })),
  };
}

function failed(transactionalId: string, errorCode: number): TransactionState {
  return {
    errorCode,
    transactionalId,
    transactionState: "",
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0,
    producerId: 0,
    producerEpoch: 0,
    topics: [],
  };
}

function partitionBytes(transactionalId: string, { transactions }: BrokerContext): number {
  try {
    const { partitions } = transactions.transaction(transactionalId) ?? {};
    return sumOf(
      partitions ?? [],
      ([topic, indexes]) => textBytes(topic) + indexes.size * PARTITION_BYTES,
    );
  } catch {
    return 0;
  }
}
