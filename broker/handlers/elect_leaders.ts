/**
 * ElectLeaders: has the preferred or, at the risk of loss, any live replica lead (KIP-183, KIP-460).
 * Versions 0 to 2.
 *
 * A partition has one replica, this broker, which leads it: no election is ever needed. So with all
 * partitions asked for none is listed, for a list leaves those out that need no election, as in Kafka.
 *
 * Version 1 adds the election type, 2 is flexible.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  electLeaders,
  type ElectLeadersRequest,
  type ElectLeadersResponse,
} from "../../protocol/messages/elect_leaders.ts";
import type { TopicState } from "../cluster/cluster_state.ts";
import { type ApiHandler, handler, type RequestContext } from "../handler.ts";
import type { Outcome } from "./outcome.ts";

const ElectionType = { preferred: 0, unclean: 1 } as const;

const NOT_NEEDED: Outcome = {
  errorCode: ErrorCode.ELECTION_NOT_NEEDED,
  errorMessage: "Leader election not needed for topic partition.",
};

/** Serves ElectLeaders. */
export const electLeadersHandler: ApiHandler = handler(electLeaders, handleElectLeaders);

function handleElectLeaders(
  { electionType, topicPartitions }: ElectLeadersRequest,
  { broker: { cluster } }: RequestContext,
): ElectLeadersResponse {
  const isKnownType = Object.values<number>(ElectionType).includes(electionType);
  const errorCode = isKnownType ? ErrorCode.NONE : ErrorCode.INVALID_REQUEST;
  const unknownType: Outcome = {
    errorCode,
    errorMessage: `Unknown election type ${electionType}`,
  };
  if (topicPartitions === null) {
    const names = isKnownType ? Array.from(cluster.topics(), ({ name }) => name) : [];
    return {
      errorCode,
      replicaElectionResults: names.map((topic) => ({ topic, partitionResult: [] })),
    };
  }
  const replicaElectionResults = topicPartitions.map(({ topic, partitions }) => {
    const found = cluster.topic(topic);
    const partitionResult = partitions.map((partitionId) => ({
      partitionId,
      ...(isKnownType ? outcomeOf(topic, found, partitionId) : unknownType),
    }));
    return { topic, partitionResult };
  });
  return { errorCode, replicaElectionResults };
}

function outcomeOf(name: string, topic: TopicState | undefined, index: number): Outcome {
  if (topic?.partitions[index] !== undefined) return NOT_NEEDED;
  const errorMessage = topic === undefined
    ? `No such topic as ${name}`
    : `No such partition as ${name}-${index}`;
  return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage };
}
