/**
 * DescribeProducers: the idempotent producers that a partition remembers (KIP-664). Version 0.
 *
 * A partition is answered once, however often it is named.
 *
 * @module
 */

import {
  describeProducers,
  type DescribeProducersRequest,
  type DescribeProducersResponse,
} from "../../protocol/messages/describe_producers.ts";
import { type ApiHandler, handler, type RequestContext } from "../handler.ts";
import { checkTopicName } from "../topics/topic_name.ts";
import { leaderOf } from "./leader_of.ts";
import { failure, SUCCESS } from "./outcome.ts";

type PartitionResponse = DescribeProducersResponse["topics"][number]["partitions"][number];

const ANY_EPOCH = -1;

/** Serves DescribeProducers. */
export const describeProducersHandler: ApiHandler = handler(
  describeProducers,
  handleDescribeProducers,
);

function handleDescribeProducers(
  { topics }: DescribeProducersRequest,
  context: RequestContext,
): DescribeProducersResponse {
  const byName = new Map<string, Set<number>>();
  for (const { name, partitionIndexes } of topics) {
    const indexes = byName.get(name);
    if (indexes === undefined) byName.set(name, new Set(partitionIndexes));
    else for (const index of partitionIndexes) indexes.add(index);
  }
  return {
    topics: Array.from(byName, ([name, indexes]) => ({
      name,
      partitions: Array.from(indexes, (index) => describe(name, index, context)),
    })),
  };
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
