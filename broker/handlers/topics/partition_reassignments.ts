/**
 * AlterPartitionReassignments and ListPartitionReassignments (KIP-455). Versions 0 to 1 and 0.
 *
 * A partition can only be on the broker where it is: an assignment to that broker succeeds
 * immediately, any other is INVALID_REPLICA_ASSIGNMENT. No reassignment is ever in progress. Every
 * entry has a result, including duplicates.
 *
 * In version 1 the request can forbid changing the number of replicas (KIP-860), which never
 * happens.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  alterPartitionReassignments,
  type AlterPartitionReassignmentsRequest,
  type AlterPartitionReassignmentsResponse,
} from "../../../protocol/messages/topics/alter_partition_reassignments.ts";
import { listPartitionReassignments } from "../../../protocol/messages/topics/list_partition_reassignments.ts";
import type { TopicState } from "../../cluster/cluster_state.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { mapNested } from "../each_item.ts";
import { type Outcome, SUCCESS } from "../outcome.ts";

/** Size of a partition in the response, without the topic's name in its message. */
const PARTITION_BYTES = 120;
/** Size of a broker id in a message. */
const BROKER_BYTES = 12;

/** Serves AlterPartitionReassignments. */
export const alterPartitionReassignmentsHandler: ApiHandler = handler(
  alterPartitionReassignments,
  handleAlterPartitionReassignments,
);

/** Serves ListPartitionReassignments. */
export const listPartitionReassignmentsHandler: ApiHandler = handler(
  listPartitionReassignments,
  () => ({ ...SUCCESS, topics: [] }),
);

async function handleAlterPartitionReassignments(
  { topics, allowReplicationFactorChange }: AlterPartitionReassignmentsRequest,
  context: RequestContext,
): Promise<AlterPartitionReassignmentsResponse> {
  const { cluster } = context.broker;
  const bytes = sumOf(topics, ({ name, partitions }) => {
    const partitionBytes = PARTITION_BYTES + textBytes(name);
    return textBytes(name) +
      sumOf(partitions, ({ replicas }) => partitionBytes + (replicas?.length ?? 0) * BROKER_BYTES);
  });
  await claimResponseMemory(bytes, context);
  const brokers = new Set(cluster.brokers.map(({ id }) => id));
  const reassigned = await mapNested(
    topics,
    ({ partitions }) => partitions,
    ({ name }, { partitionIndex, replicas }) => ({
      partitionIndex,
      ...reassign(name, cluster.topic(name), partitionIndex, replicas, brokers),
    }),
  );
  return {
    ...SUCCESS,
    allowReplicationFactorChange,
    responses: reassigned.map(([{ name }, partitions]) => ({ name, partitions })),
  };
}

function reassign(
  name: string,
  topic: TopicState | undefined,
  index: number,
  replicas: readonly number[] | null,
  brokers: ReadonlySet<number>,
): Outcome {
  const partition = topic?.partitions[index];
  if (partition === undefined) {
    const errorMessage = topic === undefined
      ? `Unable to find a topic named ${name}.`
      : `Unable to find partition ${name}:${index}.`;
    return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage };
  }
  if (replicas === null) {
    return { errorCode: ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, errorMessage: null };
  }
  const problem = problemOf(replicas, brokers) ?? difference(replicas, partition.replicas);
  if (problem === undefined) return SUCCESS;
  return {
    errorCode: ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    errorMessage: `The manual partition assignment includes ${problem}.`,
  };
}

function problemOf(
  replicas: readonly number[],
  brokers: ReadonlySet<number>,
): string | undefined {
  if (replicas.length === 0) return "an empty replica list";
  const seen = new Set<number>();
  for (const id of replicas) {
    if (!brokers.has(id)) return `broker ${id}, but no such broker is registered`;
    if (seen.has(id)) return `the broker ${id} more than once`;
    seen.add(id);
  }
  return undefined;
}

/** The reason a valid assignment is not carried out, if it differs from the current one. */
function difference(wanted: readonly number[], actual: readonly number[]): string | undefined {
  const isSame = wanted.length === actual.length && wanted.every((id) => actual.includes(id));
  return isSame ? undefined : `brokers ${wanted.join()}, but the partition cannot leave ${actual}`;
}
