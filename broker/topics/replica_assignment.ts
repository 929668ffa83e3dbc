/**
 * The brokers of a partition: as requested by a client, or spread evenly.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import type { TopicConfig } from "./topic_config.ts";

/** The brokers of each partition, by partition index. */
export type ReplicaAssignment = readonly (readonly number[])[];

/** A broker that can have replicas. */
export interface ReplicaHolder {
  readonly id: number;
  /** Where it stands: brokers of one rack may fail together. */
  readonly rack: string | null;
  /** Whether it does not run at the moment, or is about to stop. Default: false. */
  readonly isAway?: boolean;
}

/** How to spread replicas. */
export interface SpreadOptions {
  /** Index of the first partition to place. */
  readonly firstPartition: number;
  /** Number of partitions to place. */
  readonly count: number;
  readonly replicationFactor: number;
  /** The broker that leads, or would lead, partition 0. Default: any, so that topics do not pile up. */
  readonly firstLeader?: number | undefined;
  /** Number of further brokers, which are being drained. Default: 0. */
  readonly drained?: number;
}

/**
 * Spreads the replicas of partitions over brokers; the first replica of each is the leader. Racks
 * alternate as far as possible. As in Kafka, brokers that are away get replicas only if there are too
 * few others, and do not lead.
 *
 * @throws {ApiError} INVALID_REPLICATION_FACTOR if there are fewer brokers than replicas, or all are away.
 */
export function spreadReplicas(
  brokers: readonly ReplicaHolder[],
  { firstPartition, count, replicationFactor, firstLeader, drained = 0 }: SpreadOptions,
): ReplicaAssignment {
  if (replicationFactor > brokers.length) {
    throw new ApiError(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Cannot place ${replicationFactor} replicas of a partition: ` +
        `the cluster has ${brokers.length} broker${brokers.length === 1 ? "" : "s"}` +
        (drained === 0 ? "" : ` besides ${drained} that ${drained === 1 ? "is" : "are"} drained`),
    );
  }
  const ids = alternateRacks(brokers.filter(({ isAway }) => isAway !== true));
  const away = alternateRacks(brokers.filter(({ isAway }) => isAway === true));
  if (ids.length === 0) {
    throw new ApiError(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      "Cannot place a partition: all brokers are away",
    );
  }
  const start = firstLeader === undefined ? -1 : ids.indexOf(firstLeader);
  const first = firstPartition + (start >= 0 ? start : anyBelow(ids.length));
  const here = Math.min(replicationFactor, ids.length);
  return Array.from({ length: count }, (_, at) => [
    ...rotated(ids, first + at, here),
    ...rotated(away, first + at, replicationFactor - here),
  ]);
}

function rotated(ids: readonly number[], first: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => ids[(first + at) % ids.length]!);
}

function anyBelow(count: number): number {
  return count === 1 ? 0 : Math.floor(Math.random() * count);
}

/** Ids of brokers, one of each rack, then the next of each. */
function alternateRacks(brokers: readonly ReplicaHolder[]): number[] {
  const racks = Map.groupBy(brokers.toSorted((a, b) => a.id - b.id), ({ rack }) => rack);
  const columns = [...racks.values()];
  const ids: number[] = [];
  for (let row = 0; ids.length < brokers.length; row++) {
    for (const column of columns) if (row < column.length) ids.push(column[row]!.id);
  }
  return ids;
}

/**
 * Validates an assignment requested by a client.
 *
 * @param replicationFactor Required number of replicas per partition. Default: that of the first.
 * @throws {ApiError} INVALID_REPLICA_ASSIGNMENT if a broker is listed twice or unknown, all brokers of a
 * partition are away, or partitions differ in their number of replicas.
 */
export function checkAssignment(
  assignment: ReplicaAssignment,
  brokers: readonly ReplicaHolder[],
  replicationFactor: number = assignment[0]?.length ?? 0,
): void {
  const isAway = new Map(brokers.map((broker) => [broker.id, broker.isAway === true]));
  for (const replicas of assignment) {
    const unknown = replicas.find((id) => !isAway.has(id));
    if (replicas.length === 0) throw invalid("a partition has no replica");
    if (unknown !== undefined) throw invalid(`there is no broker ${unknown}`);
    if (replicas.every((id) => isAway.get(id))) {
      throw invalid(`all brokers of a partition (${replicas.join(", ")}) are away`);
    }
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

/** @throws {ApiError} INVALID_CONFIG if replicas would acknowledge what they may lose. */
export function checkFlush(config: TopicConfig, replicas: ReplicaAssignment): void {
  const flush = config.get("flush");
  if (flush === "commit" || replicas.every(({ length }) => length === 1)) return;
  throw new ApiError(
    ErrorCode.INVALID_CONFIG,
    `Cannot use flush=${flush} with several replicas: what is in sync must be on disk; ` +
      "set flush=commit for the topic, or replication factor 1",
  );
}

function invalid(problem: string): ApiError {
  return new ApiError(
    ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    `Cannot assign replicas: ${problem}`,
  );
}
