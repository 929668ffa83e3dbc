/**
 * A partition as reported to clients: its leader and replicas, considering which brokers are
 * registered.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { ClusterState, PartitionState } from "../../cluster/cluster_state.ts";
import type { ListenerIdentity } from "../../security/session.ts";
import { isReachable } from "../cluster/reachable_brokers.ts";

/** A partition in a response of Metadata or DescribeTopicPartitions. */
export interface PartitionMetadata {
  /** LEADER_NOT_AVAILABLE if there is no leader, LISTENER_NOT_FOUND if the client cannot reach it. */
  readonly errorCode: number;
  readonly partitionIndex: number;
  /** -1 if there is no leader, it is not registered, or the client cannot reach it. */
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly replicaNodes: readonly number[];
  readonly isrNodes: readonly number[];
  /** Replicas whose brokers are not registered, or cannot be reached. */
  readonly offlineReplicas: readonly number[];
}

const NO_LEADER = -1;
const NONE: readonly number[] = [];

/**
 * Describes a partition of the cluster to clients of a listener. Those that know no LISTENER_NOT_FOUND
 * are given LEADER_NOT_AVAILABLE instead.
 */
export function partitionMetadata(
  partitionIndex: number,
  { leaderId, leaderEpoch, replicas, isr }: PartitionState,
  cluster: ClusterState,
  listener: ListenerIdentity,
  knowsListenerNotFound = true,
): PartitionMetadata {
  const hasLeader = isReachable(leaderId, cluster, listener);
  const isOffline = (id: number) => !isReachable(id, cluster, listener);
  const isUnreached = knowsListenerNotFound && cluster.broker(leaderId) !== undefined;
  return {
    errorCode: hasLeader
      ? ErrorCode.NONE
      : isUnreached
      ? ErrorCode.LISTENER_NOT_FOUND
      : ErrorCode.LEADER_NOT_AVAILABLE,
    partitionIndex,
    leaderId: hasLeader ? leaderId : NO_LEADER,
    leaderEpoch,
    replicaNodes: replicas,
    isrNodes: isr,
    offlineReplicas: replicas.some(isOffline) ? replicas.filter(isOffline) : NONE,
  };
}
