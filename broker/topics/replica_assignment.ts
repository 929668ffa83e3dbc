/**
 * Which brokers hold a partition: as a client says, or spread evenly.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";

/** The brokers of each partition, by its index. */
export type ReplicaAssignment = readonly (readonly number[])[];

/**
 * Spreads the replicas of partitions over brokers; the first of each leads it.
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
 * Checks an assignment that a client made.
 *
 * @param replicationFactor Replicas that each partition must have; by default as many as the first.
 * @throws {ApiError} INVALID_REPLICA_ASSIGNMENT if it names a broker twice or one there is not, or
 *   the partitions differ in their number of replicas.
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
 * Puts what a CreateTopics request assigns in the order of the partitions.
 *
 * @throws {ApiError} INVALID_REPLICA_ASSIGNMENT if they are not 0, 1, 2 and so on, each once.
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
      throw invalid(`partition ${partitionIndex} is twice`);
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
