/**
 * ElectLeaders: elects the preferred replica or, at the risk of data loss, any live replica as
 * leader (KIP-183, KIP-460). Versions 0 to 2.
 *
 * The preferred replica is the first; it is elected if it is in sync. An unclean election is held
 * for partitions that cannot get a leader otherwise, and elects the replica that reaches farthest. A
 * request for all partitions lists only those that need an election, as in Kafka.
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
import type { ElectionType } from "../../controller/requested_elections.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { onCluster } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { mapNested } from "../each_item.ts";
import type { Outcome } from "../outcome.ts";

type TopicPartitions = NonNullable<ElectLeadersRequest["topicPartitions"]>[number];

/** Election types by their numbers. */
const TYPES: readonly (ElectionType | undefined)[] = ["preferred", "unclean"];

/** Size of a partition in the response, without the name in its message. */
const PARTITION_BYTES = 80;

/** Messages of errors, as in Kafka. */
const MESSAGES: ReadonlyMap<number, string> = new Map([
  [ErrorCode.ELECTION_NOT_NEEDED, "Leader election not needed for topic partition."],
  [ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE, "The preferred leader was not available."],
  [
    ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE,
    "Eligible topic partition leaders are not available.",
  ],
]);

/** Serves ElectLeaders. */
export const electLeadersHandler: ApiHandler = handler(
  electLeaders,
  handleElectLeaders,
  onCluster(AclOperation.alter),
);

async function handleElectLeaders(
  { electionType, topicPartitions }: ElectLeadersRequest,
  context: RequestContext,
): Promise<ElectLeadersResponse> {
  const type = TYPES[electionType];
  const problem: Outcome | undefined = type !== undefined ? undefined : {
    errorCode: ErrorCode.INVALID_REQUEST,
    errorMessage: `Unknown election type ${electionType}`,
  };
  if (topicPartitions !== null) return await elect(topicPartitions, type, problem, context);
  if (type === undefined) {
    return { errorCode: ErrorCode.INVALID_REQUEST, replicaElectionResults: [] };
  }
  const all = Array.from(context.broker.cluster.topics(), ({ name, partitions }) => ({
    topic: name,
    partitions: Array.from(partitions.keys()),
  }));
  const { replicaElectionResults } = await elect(all, type, undefined, context);
  return {
    errorCode: ErrorCode.NONE,
    replicaElectionResults: replicaElectionResults.map(({ topic, partitionResult }) => ({
      topic,
      partitionResult: partitionResult.filter((result) =>
        result.errorCode !== ErrorCode.ELECTION_NOT_NEEDED
      ),
    })),
  };
}

async function elect(
  topicPartitions: readonly TopicPartitions[],
  type: ElectionType | undefined,
  problem: Outcome | undefined,
  context: RequestContext,
): Promise<ElectLeadersResponse> {
  const bytes = sumOf(
    topicPartitions,
    ({ topic, partitions }) =>
      textBytes(topic) + partitions.length * (PARTITION_BYTES + textBytes(topic)),
  );
  await claimResponseMemory(bytes, context);
  const names = topicPartitions.flatMap(({ topic, partitions }) =>
    partitions.map((index) => ({ topic, index }))
  );
  const codes = type === undefined ? [] : await context.broker.elections.elect(type, names);
  let at = 0;
  const elected = await mapNested(
    topicPartitions,
    ({ partitions }) => partitions,
    ({ topic }, partitionId) => ({
      partitionId,
      ...(problem ?? outcomeOf(codes[at++]!, topic, partitionId, context)),
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

function outcomeOf(
  errorCode: number,
  topic: string,
  index: number,
  { broker: { cluster } }: RequestContext,
): Outcome {
  if (errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) {
    return { errorCode, errorMessage: MESSAGES.get(errorCode) ?? null };
  }
  const errorMessage = cluster.topic(topic) === undefined
    ? `No such topic as ${topic}`
    : `No such partition as ${topic}-${index}`;
  return { errorCode, errorMessage };
}
