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
import {
  eachInSteps,
  mapDeepInSteps,
  mapInSteps,
  slicedAnswer,
  sumOf,
  textBytes,
} from "./sliced_answer.ts";

type TopicRequest = AddPartitionsToTxnRequest["v3AndBelowTopics"][number];
type TopicResult = NonNullable<AddPartitionsToTxnResponse["resultsByTopicV3AndBelow"]>[number];

const FIRST_VERSION_WITH_MANY_TRANSACTIONS = 4;
/** What a partition takes in an answer. */
const PARTITION_BYTES = 8;
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
  ({ topics }, context) => {
    const steps = function* () {
      return {
        topics: yield* mapDeepInSteps(topics, function* ({ name, partitions: asked }) {
          const partitions = yield* mapInSteps(
            asked,
            ({ partitionIndex }) => ({ partitionIndex, ...REFUSAL }),
          );
          return { name, partitions };
        }),
      };
    };
    return slicedAnswer(sumOf(topics, bytesOf), steps(), context);
  },
);

function handleAddPartitionsToTxn(
  request: AddPartitionsToTxnRequest,
  context: RequestContext,
): Promise<AddPartitionsToTxnResponse> {
  const { transactions, v3AndBelowTopics } = request;
  const bytes = sumOf(v3AndBelowTopics, bytesOf) +
    sumOf(
      transactions,
      ({ transactionalId, topics }) => textBytes(transactionalId) + sumOf(topics, bytesOf),
    );
  return slicedAnswer(bytes, addPartitionsToTxns(request, context), context);
}

/** What a topic takes in an answer. */
function bytesOf(
  { name, partitions }: { readonly name: string; readonly partitions: readonly unknown[] },
): number {
  return textBytes(name) + partitions.length * PARTITION_BYTES;
}

function* addPartitionsToTxns(
  { transactions, v3AndBelowTopics }: AddPartitionsToTxnRequest,
  { apiVersion, broker }: RequestContext,
): Generator<void, AddPartitionsToTxnResponse> {
  if (apiVersion < FIRST_VERSION_WITH_MANY_TRANSACTIONS) {
    return { resultsByTopicV3AndBelow: yield* resultsOf(v3AndBelowTopics, broker) };
  }
  return {
    resultsByTransaction: yield* mapDeepInSteps(
      transactions,
      function* ({ transactionalId, topics }) {
        return { transactionalId, topicResults: yield* resultsOf(topics, broker) };
      },
    ),
  };
}

/** Where a partition is unknown the others are not attempted. */
function* resultsOf(
  topics: readonly TopicRequest[],
  broker: BrokerContext,
): Generator<void, TopicResult[]> {
  const isUnknown = (topic: string, index: number) =>
    broker.topics.partition(topic, index) === undefined;
  let areKnown = true;
  for (const { name, partitions } of topics) {
    yield* eachInSteps(partitions, (index) => {
      if (isUnknown(name, index)) areKnown = false;
    });
  }
  const errorCodeOf = (topic: string, index: number) => {
    if (areKnown) return REFUSAL.errorCode;
    return isUnknown(topic, index)
      ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      : ErrorCode.OPERATION_NOT_ATTEMPTED;
  };
  return yield* mapDeepInSteps(topics, function* ({ name, partitions }) {
    const resultsByPartition = yield* mapInSteps(partitions, (partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: errorCodeOf(name, partitionIndex),
    }));
    return { name, resultsByPartition };
  });
}
