/**
 * AddPartitionsToTxn, AddOffsetsToTxn and EndTxn (KIP-98). Versions 0 to 5, 0 to 4 and 0 to 5.
 *
 * There are no transactions, so no producer id belongs to a transactional id: each returns
 * INVALID_PRODUCER_ID_MAPPING, as Kafka does for an unknown transactional id. Clients do not get
 * this far because InitProducerId and FindCoordinator refuse the id first. The APIs are still
 * listed because tools infer a broker's release from them.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { addOffsetsToTxn } from "../../../protocol/messages/transactions/add_offsets_to_txn.ts";
import {
  addPartitionsToTxn,
  type AddPartitionsToTxnRequest,
  type AddPartitionsToTxnResponse,
} from "../../../protocol/messages/transactions/add_partitions_to_txn.ts";
import { endTxn } from "../../../protocol/messages/transactions/end_txn.ts";
import {
  type ApiHandler,
  type BrokerContext,
  handler,
  type RequestContext,
} from "../../handler.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { awaitEach, mapNested } from "../each_item.ts";

type TopicRequest = AddPartitionsToTxnRequest["v3AndBelowTopics"][number];
type TopicResult = NonNullable<AddPartitionsToTxnResponse["resultsByTopicV3AndBelow"]>[number];

const FIRST_VERSION_WITH_MANY_TRANSACTIONS = 4;
/** Size of a partition in the response. */
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

async function handleAddPartitionsToTxn(
  { transactions, v3AndBelowTopics }: AddPartitionsToTxnRequest,
  context: RequestContext,
): Promise<AddPartitionsToTxnResponse> {
  const { apiVersion, broker } = context;
  const bytes = sumOf(v3AndBelowTopics, bytesOf) +
    sumOf(
      transactions,
      ({ transactionalId, topics }) => textBytes(transactionalId) + sumOf(topics, bytesOf),
    );
  await claimResponseMemory(bytes, context);
  if (apiVersion < FIRST_VERSION_WITH_MANY_TRANSACTIONS) {
    return { resultsByTopicV3AndBelow: await resultsOf(v3AndBelowTopics, broker) };
  }
  const resultsByTransaction = await awaitEach(
    transactions,
    async ({ transactionalId, topics }) => ({
      transactionalId,
      topicResults: await resultsOf(topics, broker),
    }),
  );
  return { resultsByTransaction };
}

/** Size of a topic in the response. */
function bytesOf(
  { name, partitions }: { readonly name: string; readonly partitions: readonly unknown[] },
): number {
  return textBytes(name) + partitions.length * PARTITION_BYTES;
}

/** If any partition is unknown, the others are not attempted. */
async function resultsOf(
  topics: readonly TopicRequest[],
  broker: BrokerContext,
): Promise<TopicResult[]> {
  const partitionsOf = ({ partitions }: TopicRequest) => partitions;
  const isUnknown = ({ name }: TopicRequest, index: number) =>
    broker.topics.get(name)?.state.partitions[index] === undefined;
  let areKnown = true;
  await mapNested(topics, partitionsOf, (topic, index) => {
    if (isUnknown(topic, index)) areKnown = false;
  });
  const errorCodeOf = (topic: TopicRequest, index: number) => {
    if (areKnown) return REFUSAL.errorCode;
    return isUnknown(topic, index)
      ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      : ErrorCode.OPERATION_NOT_ATTEMPTED;
  };
  const results = await mapNested(topics, partitionsOf, (topic, partitionIndex) => ({
    partitionIndex,
    partitionErrorCode: errorCodeOf(topic, partitionIndex),
  }));
  return results.map(([{ name }, resultsByPartition]) => ({ name, resultsByPartition }));
}
