/**
 * Elections that an operator asks for (KIP-460): of preferred leaders, and unclean ones.
 *
 * An unclean election gives a partition a leader that may lack committed records, which are then
 * lost. It is held only for partitions that cannot have another leader, and elects the replica that
 * reaches farthest.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import type { BrokerInfo } from "../cluster/brokers_view.ts";
import type { ClusterState } from "../cluster/cluster_state.ts";
import type { ElectionManager } from "./election_manager.ts";
import { type Election, hasLeader, preferredElection, uncleanElection } from "./elections.ts";
import type { Peers } from "../peers/peers.ts";
import { type PartitionName, type ReplicaEnd, replicaEnds } from "./replica_ends.ts";
import type { PartitionState, TopicState } from "../cluster/topic_state.ts";

/** Options of requested elections. */
export interface RequestedElectionsOptions {
  readonly cluster: ClusterState;
  readonly elections: ElectionManager;
  readonly peers: Peers;
  /** The log of this broker's own replica, if it has one. */
  ownLog(
    partition: PartitionName,
  ): { readonly latestEpoch: number; readonly logEndOffset: number } | undefined;
}

/** What kind of election. */
export type ElectionType = "preferred" | "unclean";

interface Asked {
  readonly topic: TopicState;
  readonly index: number;
  readonly state: PartitionState;
}

/** Holds elections on request. */
export class RequestedElections {
  readonly #options: RequestedElectionsOptions;

  constructor(options: RequestedElectionsOptions) {
    this.#options = options;
  }

  /**
   * Elects leaders.
   *
   * @returns For each partition the error code: ELECTION_NOT_NEEDED, UNKNOWN_TOPIC_OR_PARTITION,
   *   PREFERRED_LEADER_NOT_AVAILABLE, ELIGIBLE_LEADERS_NOT_AVAILABLE.
   * @throws {ApiError} NOT_CONTROLLER.
   */
  async elect(type: ElectionType, partitions: readonly PartitionName[]): Promise<number[]> {
    const asked = partitions.map((partition) => this.#find(partition));
    const codes = asked.map((of) =>
      of === undefined
        ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        : this.#isNeeded(type, of)
        ? undefined
        : ErrorCode.ELECTION_NOT_NEEDED
    );
    const needed = partitions.filter((_, at) => codes[at] === undefined);
    if (needed.length > 0) {
      if (type === "preferred") await this.#electPreferred(needed);
      else await this.#electUncleanly(needed);
    }
    const unavailable = type === "preferred"
      ? ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE
      : ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE;
    return codes.map((code, at) => {
      if (code !== undefined) return code;
      const now = this.#find(partitions[at]!);
      return now === undefined || this.#isNeeded(type, now) ? unavailable : ErrorCode.NONE;
    });
  }

  #find({ topic: name, index }: PartitionName): Asked | undefined {
    const topic = this.#options.cluster.topic(name);
    const state = topic?.partitions[index];
    return topic === undefined || state === undefined ? undefined : { topic, index, state };
  }

  #isNeeded(type: ElectionType, { state }: Asked): boolean {
    const { view } = this.#options.elections;
    if (type === "unclean") return !hasLeader(state, view);
    return state.leaderId !== state.replicas[0] || view.broker(state.leaderId) === undefined;
  }

  async #electPreferred(partitions: readonly PartitionName[]): Promise<void> {
    const { view } = this.#options.elections;
    await this.#commit(
      "preferred",
      partitions,
      ({ topic, index }) => preferredElection(topic, index, view),
    );
  }

  async #electUncleanly(partitions: readonly PartitionName[]): Promise<void> {
    const ends = await this.#ends(partitions);
    await this.#commit("unclean", partitions, ({ topic, index, state }) => {
      const target = this.#farthest(state, ends.get(keyOf({ topic: topic.name, index })) ?? []);
      return target && uncleanElection(topic, index, target);
    });
  }

  async #commit(
    type: ElectionType,
    partitions: readonly PartitionName[],
    electionOf: (asked: Asked) => Election | undefined,
  ): Promise<void> {
    const { elections } = this.#options;
    const remaining = function* (self: RequestedElections): Generator<Election, void> {
      for (const partition of partitions) {
        const asked = self.#find(partition);
        if (asked === undefined || !self.#isNeeded(type, asked)) continue;
        const election = electionOf(asked);
        if (election !== undefined) yield election;
      }
    };
    await elections.commit(() => remaining(this));
  }

  /** The live replica with the last epoch, and the most records of that. */
  #farthest({ replicas }: PartitionState, ends: readonly ReplicaEnd[]): BrokerInfo | undefined {
    const { cluster } = this.#options;
    const reaching = ends.filter(({ brokerId }) => replicas.includes(brokerId))
      .toSorted((a, b) =>
        b.leaderEpoch - a.leaderEpoch || b.offset - a.offset ||
        replicas.indexOf(a.brokerId) - replicas.indexOf(b.brokerId)
      );
    for (const { brokerId } of reaching) {
      const broker = cluster.broker(brokerId);
      if (broker !== undefined) return broker;
    }
    return undefined;
  }

  /** The ends of the live replicas of partitions. */
  async #ends(partitions: readonly PartitionName[]): Promise<Map<string, ReplicaEnd[]>> {
    const { cluster, peers, ownLog } = this.#options;
    const answers = await Promise.all(cluster.brokers.map((broker) => {
      const held = partitions.filter((partition) =>
        this.#find(partition)?.state.replicas.includes(broker.id) === true
      );
      if (held.length === 0) return [];
      if (broker.id !== cluster.nodeId) return replicaEnds(peers, broker, held);
      return held.flatMap((partition) => {
        const log = ownLog(partition);
        if (log === undefined) return [];
        const { latestEpoch: leaderEpoch, logEndOffset: offset } = log;
        return [{ ...partition, brokerId: broker.id, leaderEpoch, offset }];
      });
    }));
    return Map.groupBy(answers.flat(), keyOf);
  }
}

function keyOf({ topic, index }: PartitionName): string {
  return `${topic}-${index}`;
}
