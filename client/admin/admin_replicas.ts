/**
 * Electing leaders, moving replicas and forgetting brokers, done by the controller.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { unregisterBroker } from "../../protocol/messages/cluster/unregister_broker.ts";
import {
  DEBUGGING_REPLICA,
  listOffsets,
  ListOffsetsTimestamp,
} from "../../protocol/messages/records/list_offsets.ts";
import { alterPartitionReassignments } from "../../protocol/messages/topics/alter_partition_reassignments.ts";
import { electLeaders } from "../../protocol/messages/topics/elect_leaders.ts";
import { listPartitionReassignments } from "../../protocol/messages/topics/list_partition_reassignments.ts";
import type {
  ElectLeadersOptions,
  PartitionReassignment,
  PartitionResult,
  ReassignPartitionsOptions,
  ReplicaEnd,
  ReplicaPlan,
} from "./admin_types.ts";
import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import { requestMs } from "../connection/timer.ts";
import { KafkaError } from "../errors.ts";
import type { TopicPartition } from "../topic_partition.ts";

/** The first version of ListOffsets that tells epochs. */
const FIRST_VERSION_WITH_EPOCH = 4;

/** Election types of Kafka. */
const ELECTION_TYPES = { preferred: 0, unclean: 1 } as const;

/** Elects leaders. Partitions whose leader is right already are left out of the results. */
export function electAll(
  core: ClientCore,
  partitions: readonly TopicPartition[] | undefined,
  { type = "preferred", ...options }: ElectLeadersOptions,
): Promise<PartitionResult[]> {
  const action = "elect leaders";
  return core.retry(action, options, async (signal) => {
    const response = await core.requestController(electLeaders, (version) => ({
      topicPartitions: partitions === undefined
        ? null
        : byTopic(partitions).map(([topic, items]) => ({
          topic,
          partitions: items.map(({ partition }) => partition),
        })),
      timeoutMs: requestMs(core.options.requestTimeoutMs),
      ...(version >= 1 ? { electionType: ELECTION_TYPES[type] } : {}),
    }), { signal, ...(type === "preferred" ? {} : { minVersion: 1 }) });
    throwFailure(core, action, response.errorCode, null);
    return response.replicaElectionResults
      .flatMap(({ topic, partitionResult }) =>
        partitionResult.map(({ partitionId: partition, errorCode, errorMessage }) => ({
          topic,
          partition,
          errorCode,
          errorMessage,
        }))
      )
      .filter(({ errorCode }) => errorCode !== ErrorCode.ELECTION_NOT_NEEDED)
      .map((result) => partitionResult("elect a leader of", result));
  });
}

/** Begins or cancels reassignments. */
export function reassignAll(
  core: ClientCore,
  plans: readonly ReplicaPlan[],
  { allowReplicationFactorChange = true, ...options }: ReassignPartitionsOptions,
): Promise<PartitionResult[]> {
  const action = "reassign partitions";
  return core.retry(action, options, async (signal) => {
    const response = await core.requestController(alterPartitionReassignments, (version) => ({
      timeoutMs: requestMs(core.options.requestTimeoutMs),
      ...(version >= 1 ? { allowReplicationFactorChange } : {}),
      topics: byTopic(plans).map(([name, items]) => ({
        name,
        partitions: items.map(({ partition, replicas }) => ({
          partitionIndex: partition,
          replicas: replicas === null ? null : [...replicas],
        })),
      })),
    }), { signal, ...(allowReplicationFactorChange ? {} : { minVersion: 1 }) });
    throwFailure(core, action, response.errorCode, response.errorMessage);
    return response.responses.flatMap(({ name: topic, partitions }) => {
      core.metadata.invalidate(topic);
      return partitions.map(({ partitionIndex: partition, errorCode, errorMessage }) =>
        partitionResult("reassign", { topic, partition, errorCode, errorMessage })
      );
    });
  });
}

/** Lists the reassignments in progress, by topic and partition. */
export function listReassignments(
  core: ClientCore,
  partitions: readonly TopicPartition[] | undefined,
  options: OperationOptions,
): Promise<PartitionReassignment[]> {
  const action = "list reassignments";
  return core.retry(action, options, async (signal) => {
    const response = await core.requestController(listPartitionReassignments, {
      timeoutMs: requestMs(core.options.requestTimeoutMs),
      topics: partitions === undefined ? null : byTopic(partitions).map(([name, items]) => ({
        name,
        partitionIndexes: items.map(({ partition }) => partition),
      })),
    }, { signal });
    throwFailure(core, action, response.errorCode, response.errorMessage);
    return response.topics.flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partitionIndex: partition, ...replicas }) => ({
        topic,
        partition,
        replicas: replicas.replicas,
        adding: replicas.addingReplicas,
        removing: replicas.removingReplicas,
      }))
    ).sort((a, b) => a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1);
  });
}

/** The ends of a broker's own replicas; those that it does not have are left out. */
export async function listReplicaEnds(
  core: ClientCore,
  brokerId: number,
  partitions: readonly TopicPartition[],
  options: OperationOptions,
): Promise<ReplicaEnd[]> {
  return await core.retry(`list the ends of broker ${brokerId}`, options, async (signal) => {
    await core.metadata.refresh();
    const response = await core.requestBroker(brokerId, listOffsets, {
      replicaId: DEBUGGING_REPLICA,
      topics: byTopic(partitions).map(([name, items]) => ({
        name,
        partitions: items.map(({ partition }) => ({
          partitionIndex: partition,
          timestamp: ListOffsetsTimestamp.latest,
        })),
      })),
    }, { signal, minVersion: FIRST_VERSION_WITH_EPOCH });
    return response.topics.flatMap(({ name: topic, partitions }) =>
      partitions.filter(({ errorCode }) => errorCode === ErrorCode.NONE)
        .map(({ partitionIndex: partition, offset, leaderEpoch }) => ({
          topic,
          partition,
          brokerId,
          leaderEpoch,
          logEndOffset: offset,
        }))
    );
  });
}

/** Forgets a broker that has stopped for good. */
export async function unregister(
  core: ClientCore,
  brokerId: number,
  options: OperationOptions,
): Promise<void> {
  const action = `unregister broker ${brokerId}`;
  await core.retry(action, options, async (signal) => {
    const response = await core.requestController(unregisterBroker, { brokerId }, { signal });
    throwFailure(core, action, response.errorCode, response.errorMessage);
  });
}

function throwFailure(
  core: ClientCore,
  action: string,
  errorCode: number,
  message: string | null,
): void {
  if (errorCode === ErrorCode.NONE) return;
  if (errorCode === ErrorCode.NOT_CONTROLLER) core.metadata.forgetController();
  throw new KafkaError(action, errorCode, message);
}

function partitionResult(
  verb: string,
  { topic, partition, errorCode, errorMessage }: TopicPartition & {
    readonly errorCode: number;
    readonly errorMessage: string | null;
  },
): PartitionResult {
  const error = errorCode === ErrorCode.NONE
    ? undefined
    : new KafkaError(`${verb} "${topic}-${partition}"`, errorCode, errorMessage);
  return { topic, partition, error };
}

function byTopic<T extends TopicPartition>(items: readonly T[]): [string, T[]][] {
  return [...Map.groupBy(items, ({ topic }) => topic)];
}
