/**
 * Addresses of the leaders of partitions that this broker does not lead (KIP-951).
 *
 * @module
 */

import type { TopicState } from "../../cluster/cluster_state.ts";
import type { RequestContext } from "../../handler.ts";
import { reachableBroker } from "../cluster/reachable_brokers.ts";

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
  readonly #context: RequestContext;
  readonly #endpoints: Map<number, NodeEndpoint> = new Map();

  constructor(context: RequestContext) {
    this.#context = context;
  }

  /** The leader of a partition, if the partition exists and has one that the client can reach. */
  leaderOf(topic: TopicState | undefined, index: number): CurrentLeader | undefined {
    const partition = topic?.partitions[index];
    const broker = partition && reachableBroker(partition.leaderId, this.#context);
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
