/**
 * ElectLeaders: elects the preferred replica or, at the risk of data loss, any live replica as
 * leader (KIP-183, KIP-460). Versions 0 to 2.
 *
 * A partition has a single replica, which leads it, so no election is ever needed. A request for
 * all partitions lists none, because partitions that need no election are omitted, as in Kafka.
 *
 * Version 1 adds the election type, 2 is flexible.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  electLeaders,
  type ElectLeadersRequest,
  type ElectLeadersResponse,
} from "../../../protocol/messages/topics/elect_leaders.ts";
import type { TopicState } from "../../cluster/cluster_state.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { mapNested } from "../each_item.ts";
import type { Outcome } from "../outcome.ts";

type TopicPartitions = NonNullable<ElectLeadersRequest["topicPartitions"]>[number];

const ElectionType = { preferred: 0, unclean: 1 } as const;

/** Size of a partition in the response, without the name in its message. */
const PARTITION_BYTES = 80;

const NOT_NEEDED: Outcome = {
  errorCode: ErrorCode.ELECTION_NOT_NEEDED,
  errorMessage: "Leader election not needed for topic partition.",
};

/** Serves ElectLeaders. */
export const electLeadersHandler: ApiHandler = handler(electLeaders, handleElectLeaders);

function handleElectLeaders(
  { electionType, topicPartitions }: ElectLeadersRequest,
  context: RequestContext,
): ElectLeadersResponse | Promise<ElectLeadersResponse> {
  const isKnownType = Object.values<number>(ElectionType).includes(electionType);
  const problem: Outcome | undefined = isKnownType ? undefined : {
    errorCode: ErrorCode.INVALID_REQUEST,
    errorMessage: `Unknown election type ${electionType}`,
  };
  return topicPartitions === null
    ? electAll(problem, context)
    : elect(topicPartitions, problem, context);
}

function electAll(
  problem: Outcome | undefined,
  { broker: { cluster } }: RequestContext,
): ElectLeadersResponse {
  if (problem !== undefined) return { errorCode: problem.errorCode, replicaElectionResults: [] };
  const topics = Array.from(cluster.topics(), ({ name }) => ({ topic: name, partitionResult: [] }));
  return { errorCode: ErrorCode.NONE, replicaElectionResults: topics };
}

async function elect(
  topicPartitions: readonly TopicPartitions[],
  problem: Outcome | undefined,
  context: RequestContext,
): Promise<ElectLeadersResponse> {
  const { cluster } = context.broker;
  const bytes = sumOf(
    topicPartitions,
    ({ topic, partitions }) =>
      textBytes(topic) + partitions.length * (PARTITION_BYTES + textBytes(topic)),
  );
  await claimResponseMemory(bytes, context);
  const elected = await mapNested(
    topicPartitions,
    ({ partitions }) => partitions,
    ({ topic }, partitionId) => ({
      partitionId,
      ...(problem ?? outcomeOf(topic, cluster.topic(topic), partitionId)),
    }),
  );
  return {
    errorCode: problem?.errorCode ?? ErrorCode.NONE,
    replicaElectionResults: elected.map(([{ topic }, partitionResult]) => ({
      topic,
      partitionResult,
    })),
  };
}

function outcomeOf(name: string, topic: TopicState | undefined, index: number): Outcome {
  if (topic?.partitions[index] !== undefined) return NOT_NEEDED;
  const errorMessage = topic === undefined
    ? `No such topic as ${name}`
    : `No such partition as ${name}-${index}`;
  return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage };
}
