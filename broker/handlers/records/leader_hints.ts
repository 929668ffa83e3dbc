/**
 * Addresses of the leaders of partitions that this broker does not lead (KIP-951).
 *
 * @module
 */

import type { ClusterState, TopicState } from "../../cluster/cluster_state.ts";

/** The leader of a partition. */
export interface CurrentLeader {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

/** The address of a leader. */
export interface NodeEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

/** The leaders named in one response. */
export class LeaderHints {
  readonly #cluster: ClusterState;
  readonly #endpoints: Map<number, NodeEndpoint> = new Map();

  constructor(cluster: ClusterState) {
    this.#cluster = cluster;
  }

  /** The leader of a partition, if the partition exists and has one. */
  leaderOf(topic: TopicState | undefined, index: number): CurrentLeader | undefined {
    const partition = topic?.partitions[index];
    const broker = partition && this.#cluster.broker(partition.leaderId);
    if (broker === undefined) return undefined;
    const { id, host, port, rack } = broker;
    this.#endpoints.set(id, { nodeId: id, host, port, rack });
    return { leaderId: id, leaderEpoch: partition!.leaderEpoch };
  }

  /** The endpoints of the named leaders. */
  get nodeEndpoints(): NodeEndpoint[] {
    return [...this.#endpoints.values()];
  }
}
