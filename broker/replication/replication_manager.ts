/**
 * Keeps the replicated partitions of a broker in sync: fetches those that others lead, and asks for
 * the ISRs of those that it leads.
 *
 * @module
 */

import type { ClusterState } from "../cluster/cluster_state.ts";
import type { PeerNetwork } from "../peers/peer_network.ts";
import { Peers } from "../peers/peers.ts";
import type { Logger } from "../logger.ts";
import type { Clock } from "../time/clock.ts";
import type { ReplicatedPartition } from "../roles/replicated_partition.ts";
import type { Following } from "../roles/following.ts";
import { InSyncUpdater } from "./in_sync_updater.ts";
import { ReplicaFetcher } from "./replica_fetcher.ts";
import type { ReplicaSessions } from "./replica_sessions.ts";
import { ReplicationThrottle, type ThrottledRates } from "./replication_throttle.ts";

/** Options of a manager. */
export interface ReplicationOptions extends ThrottledRates {
  readonly cluster: ClusterState;
  /** The sessions of those that follow this broker. */
  readonly sessions: Pick<ReplicaSessions, "of">;
  /** How to reach leaders. */
  readonly network: PeerNetwork;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `replica.lag.time.max.ms`. */
  maxLagMs(): number;
}

/** How a partition is followed. */
interface Assignment {
  readonly following: Following;
  readonly fetcher: ReplicaFetcher;
}

/** The replication of one broker. */
export class ReplicationManager {
  readonly #options: ReplicationOptions;
  /** Connections of the fetchers alone, so that nothing else delays them. */
  readonly #peers: Peers;
  readonly #updater: InSyncUpdater;
  readonly #fetchers: Map<number, ReplicaFetcher> = new Map();
  readonly #assignments: Map<ReplicatedPartition, Assignment> = new Map();
  /** Limits the copies of all leaders' partitions together. */
  readonly #throttle: ReplicationThrottle;
  readonly #unsubscribe: () => void;
  #isClosed = false;

  constructor(options: ReplicationOptions) {
    this.#options = options;
    const { cluster, network, clock } = options;
    this.#peers = new Peers({ network, nodeId: cluster.nodeId, clock });
    this.#updater = new InSyncUpdater(options);
    this.#throttle = new ReplicationThrottle(clock, () => options.throttledRate());
    this.#unsubscribe = cluster.onChange(({ type }) => {
      if (type !== "brokers") return;
      this.#updater.brokersChanged();
      for (const fetcher of this.#fetchers.values()) fetcher.retry();
    });
  }

  /** Applies the broker's role in a partition. */
  onRole(partition: ReplicatedPartition): void {
    if (this.#isClosed) return;
    this.#updater.update(partition);
    const assigned = this.#assignments.get(partition);
    const { following } = partition;
    if (assigned !== undefined && assigned.following === following) return;
    assigned?.fetcher.remove(assigned.following);
    this.#assignments.delete(partition);
    if (following === undefined) return;
    const fetcher = this.#fetcherOf(following.state.leaderId);
    this.#assignments.set(partition, { following, fetcher });
    fetcher.add(following);
  }

  /** Decides on the ISR of a partition soon. */
  onInSyncDue(partition: ReplicatedPartition): void {
    this.#updater.due(partition);
  }

  /** Stops. What is being appended is on disk when this resolves. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#peers.close();
    await Promise.all([...this.#fetchers.values()].map((fetcher) => fetcher.close()));
    await this.#updater.close();
  }

  #fetcherOf(leaderId: number): ReplicaFetcher {
    let fetcher = this.#fetchers.get(leaderId);
    if (fetcher === undefined) {
      const throttle = this.#throttle;
      fetcher = new ReplicaFetcher(leaderId, { ...this.#options, peers: this.#peers, throttle });
      this.#fetchers.set(leaderId, fetcher);
    }
    return fetcher;
  }
}
