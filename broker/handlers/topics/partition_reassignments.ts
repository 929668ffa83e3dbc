/**
 * AlterPartitionReassignments and ListPartitionReassignments (KIP-455). Versions 0 to 1 and 0.
 *
 * The controller changes reassignments, any broker lists those in progress. The replicas of a partition
 * that moves are the new ones, then those to be removed. Every entry has a result, including duplicates.
 *
 * A reassignment is complete when its new replicas are in sync and, other than in Kafka, enough replicas
 * for `min.insync.replicas` are.
 *
 * In version 1 the request can forbid changing the number of replicas (KIP-860).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  alterPartitionReassignments,
  type AlterPartitionReassignmentsRequest,
  type AlterPartitionReassignmentsResponse,
} from "../../../protocol/messages/topics/alter_partition_reassignments.ts";
import {
  listPartitionReassignments,
  type ListPartitionReassignmentsRequest,
  type ListPartitionReassignmentsResponse,
} from "../../../protocol/messages/topics/list_partition_reassignments.ts";
import type { TopicState } from "../../cluster/cluster_state.ts";
import { isReassigning } from "../../controller/reassignment.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { onCluster } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { awaitEach, CHANGES_AT_ONCE, mapEach, mapNested } from "../each_item.ts";
import { failure, SUCCESS } from "../outcome.ts";
import { withinTimeout } from "../within_timeout.ts";

/** Size of a partition in the response, without the topic's name in its message. */
const PARTITION_BYTES = 120;
/** Size of a broker id in a message. */
const BROKER_BYTES = 12;

/** A topic whose reassignments are to be listed. */
interface Asked {
  /** Undefined if it does not exist. */
  readonly topic: TopicState | undefined;
  /** Undefined for all partitions. */
  readonly indexes: ReadonlySet<number> | undefined;
}

/** Serves AlterPartitionReassignments. */
export const alterPartitionReassignmentsHandler: ApiHandler = handler(
  alterPartitionReassignments,
  handleAlterPartitionReassignments,
  onCluster(AclOperation.alter),
);

/** Serves ListPartitionReassignments. */
export const listPartitionReassignmentsHandler: ApiHandler = handler(
  listPartitionReassignments,
  handleListPartitionReassignments,
  onCluster(AclOperation.describe),
);

async function handleAlterPartitionReassignments(
  { topics, allowReplicationFactorChange, timeoutMs }: AlterPartitionReassignmentsRequest,
  context: RequestContext,
): Promise<AlterPartitionReassignmentsResponse> {
  const bytes = sumOf(topics, ({ name, partitions }) => {
    const partitionBytes = PARTITION_BYTES + textBytes(name);
    return textBytes(name) +
      sumOf(partitions, ({ replicas }) => partitionBytes + (replicas?.length ?? 0) * BROKER_BYTES);
  });
  await claimResponseMemory(bytes, context);
  const { reassignments } = context.broker;
  // Those of all topics at the same time, because they share transactions of the metadata store.
  const wanted = await mapNested(topics, ({ partitions }) => partitions, ({ name }, of) => ({
    topic: name,
    index: of.partitionIndex,
    replicas: of.replicas,
    canChangeCount: allowReplicationFactorChange,
  }));
  const changes = wanted.flatMap(([_, of]) => of);
  const results = await awaitEach(changes, async (change) => {
    const partitionIndex = change.index;
    try {
      await withinTimeout(reassignments.reassign(change), timeoutMs, context);
      return { partitionIndex, ...SUCCESS };
    } catch (error) {
      const { errorCode, errorMessage } = failure(error, context);
      // Kafka explains all errors but this one.
      const isPlain = errorCode === ErrorCode.NO_REASSIGNMENT_IN_PROGRESS;
      return { partitionIndex, errorCode, errorMessage: isPlain ? null : errorMessage };
    }
  }, CHANGES_AT_ONCE);
  let at = 0;
  const responses = wanted.map(([{ name }, { length }]) => ({
    name,
    partitions: results.slice(at, at += length),
  }));
  return { ...SUCCESS, allowReplicationFactorChange, responses };
}

async function handleListPartitionReassignments(
  { topics }: ListPartitionReassignmentsRequest,
  context: RequestContext,
): Promise<ListPartitionReassignmentsResponse> {
  const { cluster } = context.broker;
  const asked: readonly Asked[] = topics === null
    ? Array.from(cluster.topics(), (topic) => ({ topic, indexes: undefined }))
    : topics.map(({ name, partitionIndexes }) => ({
      topic: cluster.topic(name),
      indexes: new Set(partitionIndexes),
    }));
  const listed = await mapEach(
    asked,
    ({ topic, indexes }) => topic === undefined ? [] : reassignmentsOf(topic, indexes),
  );
  const found = listed.flat();
  const bytes = sumOf(
    found,
    ({ name, partitions }) =>
      textBytes(name) +
      sumOf(partitions, ({ replicas }) => PARTITION_BYTES + 2 * replicas.length * BROKER_BYTES),
  );
  await claimResponseMemory(bytes, context);
  return { ...SUCCESS, topics: found };
}

/** The reassignments of a topic, as a list of at most one topic. */
function reassignmentsOf(topic: TopicState, indexes: ReadonlySet<number> | undefined) {
  const partitions = [];
  for (const [partitionIndex, state] of topic.partitions.entries()) {
    if (!isReassigning(state) || indexes?.has(partitionIndex) === false) continue;
    partitions.push({
      partitionIndex,
      replicas: [...state.replicas],
      addingReplicas: [...state.adding],
      removingReplicas: [...state.removing],
    });
  }
  return partitions.length === 0 ? [] : [{ name: topic.name, partitions }];
}
