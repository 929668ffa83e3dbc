/**
 * A partition as reported to clients: its leader and replicas, considering which brokers are
 * registered.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { ClusterState, PartitionState } from "../../cluster/cluster_state.ts";

/** A partition in a response of Metadata or DescribeTopicPartitions. */
export interface PartitionMetadata {
  /** LEADER_NOT_AVAILABLE if there is no leader. */
  readonly errorCode: number;
  readonly partitionIndex: number;
  /** -1 if there is no leader, or it is not registered. */
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly replicaNodes: readonly number[];
  readonly isrNodes: readonly number[];
  /** Replicas whose brokers are not registered. */
  readonly offlineReplicas: readonly number[];
}

const NO_LEADER = -1;
const NONE: readonly number[] = [];

/** Describes a partition of the cluster. */
export function partitionMetadata(
  partitionIndex: number,
  { leaderId, leaderEpoch, replicas, isr }: PartitionState,
  cluster: ClusterState,
): PartitionMetadata {
  const hasLeader = cluster.broker(leaderId) !== undefined;
  const isOffline = (id: number) => cluster.broker(id) === undefined;
  return {
    errorCode: hasLeader ? ErrorCode.NONE : ErrorCode.LEADER_NOT_AVAILABLE,
    partitionIndex,
    leaderId: hasLeader ? leaderId : NO_LEADER,
    leaderEpoch,
    replicaNodes: replicas,
    isrNodes: isr,
    offlineReplicas: replicas.some(isOffline) ? replicas.filter(isOffline) : NONE,
  };
}
