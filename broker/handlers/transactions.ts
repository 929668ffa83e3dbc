/**
 * AddPartitionsToTxn, AddOffsetsToTxn, EndTxn and TxnOffsetCommit (KIP-98). Versions 0 to 5, 0 to 4,
 * 0 to 5 and 0 to 5.
 *
 * There are no transactions here, so that no producer id belongs to a transactional id: each is
 * answered with INVALID_PRODUCER_ID_MAPPING, as by a Kafka that does not know the transactional id.
 * No client comes so far, since InitProducerId and FindCoordinator have refused it before; tools
 * that tell a broker's release by its APIs miss these four less than anything.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { addOffsetsToTxn } from "../../protocol/messages/add_offsets_to_txn.ts";
import {
  addPartitionsToTxn,
  type AddPartitionsToTxnRequest,
  type AddPartitionsToTxnResponse,
} from "../../protocol/messages/add_partitions_to_txn.ts";
import { endTxn } from "../../protocol/messages/end_txn.ts";
import { txnOffsetCommit } from "../../protocol/messages/txn_offset_commit.ts";
import { type ApiHandler, type BrokerContext, handler, type RequestContext } from "../handler.ts";

type TopicRequest = AddPartitionsToTxnRequest["v3AndBelowTopics"][number];
type TopicResult = NonNullable<AddPartitionsToTxnResponse["resultsByTopicV3AndBelow"]>[number];

const FIRST_VERSION_WITH_MANY_TRANSACTIONS = 4;
const REFUSAL = { errorCode: ErrorCode.INVALID_PRODUCER_ID_MAPPING };

/** Serves AddPartitionsToTxn. */
export const addPartitionsToTxnHandler: ApiHandler = handler(
  addPartitionsToTxn,
  handleAddPartitionsToTxn,
);

/** Serves AddOffsetsToTxn. */
export const addOffsetsToTxnHandler: ApiHandler = handler(addOffsetsToTxn, () => REFUSAL);

/** Serves EndTxn. */
export const endTxnHandler: ApiHandler = handler(endTxn, () => REFUSAL);

/** Serves TxnOffsetCommit. */
export const txnOffsetCommitHandler: ApiHandler = handler(
  txnOffsetCommit,
  ({ topics }) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, ...REFUSAL })),
    })),
  }),
);

function handleAddPartitionsToTxn(
  request: AddPartitionsToTxnRequest,
  { apiVersion, broker }: RequestContext,
): AddPartitionsToTxnResponse {
  if (apiVersion < FIRST_VERSION_WITH_MANY_TRANSACTIONS) {
    return { resultsByTopicV3AndBelow: resultsOf(request.v3AndBelowTopics, broker) };
  }
  return {
    resultsByTransaction: request.transactions.map(({ transactionalId, topics }) => ({
      transactionalId,
      topicResults: resultsOf(topics, broker),
    })),
  };
}

/** Where a partition is unknown the others are not attempted. */
function resultsOf(topics: readonly TopicRequest[], broker: BrokerContext): TopicResult[] {
  const isKnown = (topic: string, index: number) =>
    broker.topics.partition(topic, index) !== undefined;
  const areKnown = topics.every(({ name, partitions }) =>
    partitions.every((index) => isKnown(name, index))
  );
  const errorCodeOf = (topic: string, index: number) => {
    if (areKnown) return REFUSAL.errorCode;
    return isKnown(topic, index)
      ? ErrorCode.OPERATION_NOT_ATTEMPTED
      : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  };
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: errorCodeOf(name, partitionIndex),
    })),
  }));
}
