/**
 * Moves replicas, as the controller: begins, cancels and completes reassignments (KIP-455).
 *
 * A reassignment is part of the partition's state, so it survives the controller. It is completed when
 * the state shows that its new replicas are in sync.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import type { Logger } from "../logger.ts";
import type { BrokerConfig } from "../settings/config.ts";
import type { Clock } from "../time/clock.ts";
import { checkFlush } from "../topics/replica_assignment.ts";
import { TopicConfig } from "../topics/topic_config.ts";
import type { ClusterChange, ClusterState } from "../cluster/cluster_state.ts";
import type { ElectionView } from "./elections.ts";
import { RevisionConflictError } from "../metadata/metadata_store.ts";
import type { PartitionChange } from "../cluster/partition_commit.ts";
import { PartitionChanges } from "./partition_changes.ts";
import {
  cancelledState,
  completedState,
  isReassigning,
  reassignedState,
  type ReassignmentView,
  targetReplicas,
} from "./reassignment.ts";
import { BROKERS_PREFIX } from "../cluster/registration.ts";
import type { PartitionState, TopicState } from "../cluster/topic_state.ts";

/** Options of reassignments. */
export interface ReassignmentManagerOptions {
  readonly cluster: ClusterState;
  readonly config: BrokerConfig;
  readonly view: ElectionView;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The replicas that a partition should have. */
export interface WantedReplicas {
  readonly topic: string;
  readonly index: number;
  /** The preferred leader first; null to cancel a reassignment. */
  readonly replicas: readonly number[] | null;
  /** Whether the number of replicas may change (KIP-860). */
  readonly canChangeCount: boolean;
}

/** Delay after the metadata store has failed. */
const RETRY_MS = 200;

/** Moves replicas while this broker is the controller. */
export class ReassignmentManager {
  readonly #options: ReassignmentManagerOptions;
  /** Partitions whose replicas are being moved, by topic. */
  readonly #moving: Map<string, Set<number>> = new Map();
  readonly #changes: PartitionChanges = new PartitionChanges((changes) => this.#commit(changes));
  #unsubscribe: () => void = () => {};
  #isRunning = false;
  #mustRunAgain = false;
  #timer: number | undefined;
  #isClosed = false;

  constructor(options: ReassignmentManagerOptions) {
    this.#options = options;
  }

  /** Follows the cluster. */
  start(): void {
    const { cluster } = this.#options;
    for (const topic of cluster.topics()) this.#noteTopic(topic.name, topic);
    this.#unsubscribe = cluster.onChange((change) => this.#note(change));
    this.#run();
  }

  /** Stops; a commit under way ends with the store. */
  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
  }

  /**
   * Begins or cancels a reassignment. One that has nothing to copy is complete when this resolves.
   *
   * @throws {ApiError} UNKNOWN_TOPIC_OR_PARTITION, NO_REASSIGNMENT_IN_PROGRESS,
   *   INVALID_REPLICA_ASSIGNMENT, INVALID_REPLICATION_FACTOR, INVALID_CONFIG, NOT_CONTROLLER.
   */
  async reassign(wanted: WantedReplicas): Promise<void> {
    const { cluster, logger } = this.#options;
    const { topic: name, index } = wanted;
    await cluster.retry(async () => {
      const topic = cluster.topic(name);
      const state = topic?.partitions[index];
      if (topic === undefined || state === undefined) {
        throw new ApiError(
          ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
          topic === undefined
            ? `Unable to find a topic named ${name}.`
            : `Unable to find partition ${name}:${index}.`,
        );
      }
      const next = this.#nextState(topic, state, wanted);
      if (next === undefined) return;
      await this.#changes.make({ topic, index, next });
      const { replicas, adding, removing } = next;
      logger.info("Changed the replicas of a partition", {
        partition: `${name}-${index}`,
        replicas: replicas.join(),
        ...(adding.length === 0 ? {} : { adding: adding.join() }),
        ...(removing.length === 0 ? {} : { removing: removing.join() }),
      });
    });
  }

  /** The state to commit; undefined if it is as wanted. */
  #nextState(
    topic: TopicState,
    state: PartitionState,
    { replicas, canChangeCount }: WantedReplicas,
  ): PartitionState | undefined {
    const view = this.#viewOf(topic);
    if (replicas === null) {
      if (!isReassigning(state)) throw new ApiError(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS);
      const next = cancelledState(state, view);
      if (next !== undefined) return next;
      throw invalid("Cannot cancel the reassignment: none of the old replicas is in sync");
    }
    this.#check(state, replicas);
    const before = targetReplicas(state);
    if (!canChangeCount && replicas.length !== before.length) {
      throw new ApiError(
        ErrorCode.INVALID_REPLICATION_FACTOR,
        `The replication factor is changed from ${before.length} to ${replicas.length}`,
      );
    }
    if (`${replicas}` === `${before}`) return undefined;
    this.#checkCopies(state, replicas);
    checkFlush(new TopicConfig(this.#options.config, topic.configs), [replicas]);
    const next = reassignedState(state, replicas, view);
    if (next !== undefined) return next;
    throw invalid("Cannot replace the reassignment: none of the remaining replicas is in sync");
  }

  /** Brokers may be away: they copy when they are back. */
  #check({ replicas: before }: PartitionState, replicas: readonly number[]): void {
    const { cluster } = this.#options;
    const includes = (problem: string) =>
      invalid(`The manual partition assignment includes ${problem}.`);
    if (replicas.length === 0) throw includes("an empty replica list");
    const seen = new Set<number>();
    for (const id of replicas) {
      if (!cluster.isMember(id) && !before.includes(id)) {
        throw includes(`broker ${id}, but no such broker is registered`);
      }
      if (seen.has(id)) throw includes(`the broker ${id} more than once`);
      seen.add(id);
    }
  }

  /** Brokers of one process, which fail together, copy nothing from each other. */
  #checkCopies({ replicas: before }: PartitionState, replicas: readonly number[]): void {
    const added = replicas.find((id) => !before.includes(id));
    if (added === undefined || this.#options.cluster.incarnation !== undefined) return;
    throw invalid(
      `Cannot copy a replica to broker ${added}: the brokers are threads of one process, between ` +
        "which partitions cannot move",
    );
  }

  async #commit(changes: readonly PartitionChange[]): Promise<void> {
    const { cluster } = this.#options;
    const guards = new Map<string, number>();
    for (const { topic, index, next: { leaderId, leaderEpoch } } of changes) {
      const leader = cluster.broker(leaderId);
      if (leader === undefined || topic.partitions[index]!.leaderEpoch === leaderEpoch) continue;
      guards.set(`${BROKERS_PREFIX}${leaderId}`, leader.epoch);
    }
    const expect = Array.from(guards, ([key, revision]) => ({ key, revision }));
    await cluster.commitPartitions(changes, expect, true);
  }

  #viewOf(topic: TopicState): ReassignmentView {
    const { view } = this.#options;
    return {
      broker: view.broker,
      isDraining: view.isDraining,
      minInSync: (state) => view.minInSync(topic, { ...topic.partitions[0]!, ...state }),
    };
  }

  #note(change: ClusterChange): void {
    if (change.type === "topic") {
      const { name, after, partition } = change;
      if (partition === undefined || after === undefined) this.#noteTopic(name, after);
      else this.#notePartition(name, partition, after.partitions[partition]!);
    } else if (change.type !== "brokers" && change.type !== "controller") {
      return;
    }
    if (this.#moving.size > 0) this.#run();
  }

  #noteTopic(name: string, topic: TopicState | undefined): void {
    this.#moving.delete(name);
    for (const [index, state] of topic?.partitions.entries() ?? []) {
      if (isReassigning(state)) this.#notePartition(name, index, state);
    }
  }

  #notePartition(name: string, index: number, state: PartitionState): void {
    const indexes = this.#moving.get(name);
    if (isReassigning(state)) {
      if (indexes === undefined) this.#moving.set(name, new Set([index]));
      else indexes.add(index);
    } else if (indexes?.delete(index) && indexes.size === 0) {
      this.#moving.delete(name);
    }
  }

  #run(): void {
    this.#mustRunAgain = true;
    if (!this.#isRunning) this.#completeAll();
  }

  async #completeAll(): Promise<void> {
    const { cluster, clock, logger } = this.#options;
    this.#isRunning = true;
    try {
      while (this.#mustRunAgain && !this.#isClosed) {
        this.#mustRunAgain = false;
        if (!cluster.isController()) continue;
        await Promise.all(Array.from(this.#completable(), (change) => this.#complete(change)));
      }
    } catch (error) {
      // Another broker is the controller now, and completes them.
      if (this.#isClosed || error instanceof ApiError) return;
      logger.warn("Cannot complete reassignments for the moment", { error });
      this.#timer = clock.setTimeout(() => this.#run(), RETRY_MS);
    } finally {
      this.#isRunning = false;
    }
  }

  async #complete(change: PartitionChange): Promise<void> {
    const { logger } = this.#options;
    try {
      await this.#changes.make(change);
    } catch (error) {
      if (!(error instanceof RevisionConflictError)) throw error;
      // It is decided again with the state that was found.
      this.#mustRunAgain = true;
      return;
    }
    logger.info("Moved the replicas of a partition", {
      partition: `${change.topic.name}-${change.index}`,
      replicas: change.next.replicas.join(),
    });
  }

  *#completable(): Generator<PartitionChange, void> {
    const { cluster } = this.#options;
    for (const [name, indexes] of this.#moving) {
      const topic = cluster.topic(name);
      if (topic === undefined) continue;
      for (const index of indexes) {
        const next = completedState(topic.partitions[index]!, this.#viewOf(topic));
        if (next !== undefined) yield { topic, index, next };
      }
    }
  }
}

function invalid(message: string): ApiError {
  return new ApiError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message);
}
