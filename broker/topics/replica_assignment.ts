/**
 * The brokers of a partition: as requested by a client, or spread evenly.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";

/** The brokers of each partition, by partition index. */
export type ReplicaAssignment = readonly (readonly number[])[];

/**
 * Spreads the replicas of partitions over brokers; the first replica of each is the leader.
 *
 * @param firstPartition Index of the first of `count` partitions.
 * @throws {ApiError} INVALID_REPLICATION_FACTOR if there are fewer brokers than replicas.
 */
export function spreadReplicas(
  brokers: readonly number[],
  firstPartition: number,
  count: number,
  replicationFactor: number,
): ReplicaAssignment {
  if (replicationFactor > brokers.length) {
    throw new ApiError(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Cannot place ${replicationFactor} replicas of a partition: ` +
        `the cluster has ${brokers.length} broker${brokers.length === 1 ? "" : "s"}`,
    );
  }
  return Array.from({ length: count }, (_, at) => {
    const leader = firstPartition + at;
    return Array.from(
      { length: replicationFactor },
      (_, replica) => brokers[(leader + replica) % brokers.length]!,
    );
  });
}

/**
 * Validates an assignment requested by a client.
 *
 * @param replicationFactor Required number of replicas per partition. Default: that of the first.
 * @throws {ApiError} INVALID_REPLICA_ASSIGNMENT if a broker is listed twice or unknown, or
 * partitions differ in their number of replicas.
 */
export function checkAssignment(
  assignment: ReplicaAssignment,
  brokers: readonly number[],
  replicationFactor: number = assignment[0]?.length ?? 0,
): void {
  for (const replicas of assignment) {
    const unknown = replicas.find((id) => !brokers.includes(id));
    if (replicas.length === 0) throw invalid("a partition has no replica");
    if (unknown !== undefined) throw invalid(`there is no broker ${unknown}`);
    if (new Set(replicas).size !== replicas.length) throw invalid("a partition has a broker twice");
    if (replicas.length !== replicationFactor) {
      throw invalid(
        `a partition has ${replicas.length} replicas, the others have ${replicationFactor}`,
      );
    }
  }
}

/**
 * Sorts the assignments of a CreateTopics request by partition.
 *
 * @throws {ApiError} INVALID_REPLICA_ASSIGNMENT if the partitions are not 0, 1, 2 and so on, each
 * once.
 */
export function inPartitionOrder(
  assignments: readonly {
    readonly partitionIndex: number;
    readonly brokerIds: readonly number[];
  }[],
): ReplicaAssignment {
  const ordered: (readonly number[] | undefined)[] = new Array(assignments.length).fill(undefined);
  for (const { partitionIndex, brokerIds } of assignments) {
    if (partitionIndex < 0 || partitionIndex >= assignments.length) {
      throw invalid(`partition ${partitionIndex} is not one of 0 to ${assignments.length - 1}`);
    }
    if (ordered[partitionIndex] !== undefined) {
      throw invalid(`partition ${partitionIndex} is listed twice`);
    }
    ordered[partitionIndex] = brokerIds;
  }
  return ordered as ReplicaAssignment;
}

function invalid(problem: string): ApiError {
  return new ApiError(
    ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    `Cannot assign replicas: ${problem}`,
  );
}
