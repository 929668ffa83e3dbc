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
import { runSliced } from "../../storage/time_slice.ts";
import { type ApiHandler, handler, type RequestContext } from "../handler.ts";
import { checkTopicName } from "../topics/topic_name.ts";
import { leaderOf } from "./leader_of.ts";
import { failure, SUCCESS } from "./outcome.ts";
import {
  eachInSteps,
  mapDeepInSteps,
  mapInSteps,
  slicedAnswer,
  sumOf,
  textBytes,
} from "./sliced_answer.ts";

type PartitionResponse = DescribeProducersResponse["topics"][number]["partitions"][number];

const ANY_EPOCH = -1;
/** What a partition takes in an answer, without its producers and its topic's name. */
const PARTITION_BYTES = 200;
const PRODUCER_BYTES = 40;

/** Serves DescribeProducers. */
export const describeProducersHandler: ApiHandler = handler(
  describeProducers,
  handleDescribeProducers,
);

async function handleDescribeProducers(
  { topics }: DescribeProducersRequest,
  context: RequestContext,
): Promise<DescribeProducersResponse> {
  const byName = await runSliced(distinct(topics));
  const bytes = sumOf(byName, ([name, indexes]) =>
    textBytes(name) + sumOf(indexes, (index) => {
      const log = context.broker.topics.partition(name, index)?.log;
      return PARTITION_BYTES + textBytes(name) + (log?.producers.size ?? 0) * PRODUCER_BYTES;
    }));
  return await slicedAnswer(bytes, answer(byName, context), context);
}

/** The partitions asked for, each once. */
function* distinct(
  topics: DescribeProducersRequest["topics"],
): Generator<void, Map<string, Set<number>>> {
  const byName = new Map<string, Set<number>>();
  for (const { name, partitionIndexes } of topics) {
    let indexes = byName.get(name);
    if (indexes === undefined) byName.set(name, indexes = new Set());
    yield* eachInSteps(partitionIndexes, (index) => indexes.add(index));
    yield;
  }
  return byName;
}

function* answer(
  byName: ReadonlyMap<string, ReadonlySet<number>>,
  context: RequestContext,
): Generator<void, DescribeProducersResponse> {
  return {
    topics: yield* mapDeepInSteps(byName, function* ([name, indexes]) {
      const partitions = yield* mapInSteps(indexes, (index) => describe(name, index, context));
      return { name, partitions };
    }),
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
