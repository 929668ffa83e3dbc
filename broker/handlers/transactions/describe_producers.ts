/**
 * DescribeProducers: the idempotent producers known to a partition (KIP-664). Version 0.
 *
 * A partition listed several times is answered once.
 *
 * @module
 */

import {
  describeProducers,
  type DescribeProducersRequest,
  type DescribeProducersResponse,
} from "../../../protocol/messages/transactions/describe_producers.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { eachItem } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { checkTopicName } from "../../topics/topic_name.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { leaderOf } from "../records/leader_of.ts";
import { awaitEach, mapEach } from "../each_item.ts";
import { failure, SUCCESS } from "../outcome.ts";
import { byTopic, uniquePartitions } from "../records/unique_partitions.ts";

type PartitionResponse = DescribeProducersResponse["topics"][number]["partitions"][number];

const ANY_EPOCH = -1;
/** Size of a partition in the response, without its producers and its topic's name. */
const PARTITION_BYTES = 200;
const PRODUCER_BYTES = 40;

/** Serves DescribeProducers. */
export const describeProducersHandler: ApiHandler = handler(
  describeProducers,
  handleDescribeProducers,
  eachItem(describeProducers, "topics", "topics", {
    operation: AclOperation.read,
    resourceType: AclResourceType.topic,
    nameOf: ({ name }) => name,
    denied: async ({ name, partitionIndexes }, errorCode) => ({
      name,
      partitions: await mapEach(
        partitionIndexes,
        (partitionIndex) => ({
          partitionIndex,
          errorCode,
          errorMessage: null,
          activeProducers: [],
        }),
      ),
    }),
  }),
);

async function handleDescribeProducers(
  { topics }: DescribeProducersRequest,
  context: RequestContext,
): Promise<DescribeProducersResponse> {
  const asked = await uniquePartitions(
    topics.map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes })),
    (index) => index,
  );
  const bytes = sumOf(asked, ({ topic, partition }) => {
    const log = context.broker.topics.partition(topic, partition)?.log;
    return PARTITION_BYTES + textBytes(topic) + (log?.producers.size ?? 0) * PRODUCER_BYTES;
  });
  await claimResponseMemory(bytes, context);
  const described = await awaitEach(
    asked,
    ({ topic, partition }) => describe(topic, partition, context),
  );
  return { topics: await byTopic(asked, described) };
}

function describe(
  topic: string,
  partitionIndex: number,
  context: RequestContext,
): PartitionResponse {
  try {
    checkTopicName(topic);
    const { log } = leaderOf(topic, partitionIndex, ANY_EPOCH, context);
    const activeProducers = Array.from(log.producers.values(), (producer) => ({
      producerId: producer.producerId,
      producerEpoch: producer.producerEpoch,
      lastSequence: producer.lastSequence,
      lastTimestamp: producer.lastTimestamp,
      coordinatorEpoch: producer.coordinatorEpoch,
      currentTxnStartOffset: producer.currentTransactionFirstOffset,
    }));
    return { partitionIndex, ...SUCCESS, activeProducers };
  } catch (error) {
    return { partitionIndex, ...failure(error, context), activeProducers: [] };
  }
}
