/**
 * Elects leaders of partitions, as the controller: when brokers come or go, and on taking office.
 *
 * Elections are committed in batches, those of internal topics first. Each depends on the state of
 * its partition, the registration of the new leader and the office of the controller; if anything
 * has changed meanwhile, smaller batches are decided again.
 *
 * @module
 */

import { ApiError } from "../api_error.ts";
import type { Logger } from "../logger.ts";
import type { BrokerConfig } from "../settings/config.ts";
import type { Clock } from "../time/clock.ts";
import { TopicConfig } from "../topics/topic_config.ts";
import type { ClusterChange, ClusterState } from "../cluster/cluster_state.ts";
import {
  canShutDown,
  type Election,
  type ElectionView,
  neededElections,
  needsElection,
} from "./elections.ts";
import { MAX_COMMIT_CHANGES, RevisionConflictError } from "../metadata/metadata_store.ts";
import { partitionCommit } from "../cluster/partition_commit.ts";
import { BROKERS_PREFIX } from "../cluster/registration.ts";
import { minInSync } from "../cluster/topic_state.ts";

/** Options of elections. */
export interface ElectionManagerOptions {
  readonly cluster: ClusterState;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The most changes and expectations of a batch: the commit also depends on the office. */
const MAX_BATCH = MAX_COMMIT_CHANGES - 1;
/** Delay after the metadata store has failed. */
const RETRY_MS = 200;
/**
 * Time to wait for brokers to return when more than half have gone by themselves: the metadata
 * store has ended sessions of living brokers.
 */
const MASS_LOSS_MS = 2000;
/** Time after the loss of one broker in which it turns out whether most are lost. */
const LOSS_MS = 50;

/** Elects leaders while this broker is the controller. */
export class ElectionManager {
  readonly #options: ElectionManagerOptions;
  readonly view: ElectionView;
  /** When brokers went that are not back, and that neither stopped nor were deposed. */
  readonly #lost: Map<number, number> = new Map();
  /** Until when brokers have time to return. */
  #untilMs = -Infinity;
  /** The epochs of the registered brokers. */
  #known: ReadonlyMap<number, number> = new Map();
  #unsubscribe: () => void = () => {};
  #isRunning = false;
  #mustRunAgain = false;
  #timer: number | undefined;
  #isClosed = false;

  constructor(options: ElectionManagerOptions) {
    this.#options = options;
    const { cluster, config } = options;
    this.view = {
      broker: (id) => cluster.broker(id),
      isDraining: (id) => cluster.isDraining(id),
      isStopping: (id) => cluster.isShuttingDown(id),
      minInSync: ({ configs }, state) =>
        minInSync(new TopicConfig(config, configs).get("min.insync.replicas"), state),
    };
  }

  /** Follows the cluster, when this broker is registered. */
  start(): void {
    const { cluster } = this.#options;
    this.#known = this.#registered;
    this.#unsubscribe = cluster.onChange((change) => {
      const { type } = change;
      if (type === "brokers") this.#noteLosses();
      const isDue = type === "brokers" || type === "controller" || type === "broker-configs";
      if (isDue || this.#hasLateLeader(change)) this.#run();
    });
    this.#run();
  }

  /**
   * Whether partitions were created for a leader that had gone or restarted meanwhile, or another replica
   * can lead now what a draining broker leads, or a leader has resigned.
   */
  #hasLateLeader(change: ClusterChange): boolean {
    if (change.type !== "topic" || change.after === undefined) return false;
    const { before, after, partition } = change;
    if (partition !== undefined) {
      const state = after.partitions[partition]!;
      const { leaderId } = state;
      const isUnwanted = leaderId < 0 || this.view.isDraining(leaderId);
      return isUnwanted && needsElection(state, this.view);
    }
    if (before !== undefined && before.partitions.length >= after.partitions.length) return false;
    return neededElections([after], this.view).next().done === false;
  }

  /** Whether a broker can stop without clients or leaders waiting for it. */
  mayShutDown(brokerId: number): boolean {
    return canShutDown(this.#options.cluster.topics(), brokerId, this.view);
  }

  /** Stops; a commit under way ends with the store. */
  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#setTimer(undefined);
  }

  get #registered(): ReadonlyMap<number, number> {
    return new Map(this.#options.cluster.brokers.map(({ id, epoch }) => [id, epoch]));
  }

  #noteLosses(): void {
    const { cluster, clock } = this.#options;
    const nowMs = clock.monotonic();
    const registered = this.#registered;
    for (const [id, epoch] of this.#known) {
      if (
        registered.has(id) || cluster.membership.hasDeposed(epoch) || cluster.isShuttingDown(id)
      ) continue;
      this.#lost.set(id, nowMs);
    }
    for (const [id, lostMs] of this.#lost) {
      if (registered.has(id) || nowMs - lostMs >= MASS_LOSS_MS) this.#lost.delete(id);
    }
    this.#known = registered;
    const { size } = this.#lost;
    const isMassLoss = size > (size + registered.size) / 2;
    const waitMs = isMassLoss ? MASS_LOSS_MS : LOSS_MS;
    const lastMs = Math.max(...this.#lost.values());
    this.#untilMs = size === 0 ? -Infinity : Math.max(this.#untilMs, lastMs + waitMs);
  }

  #run(): void {
    this.#mustRunAgain = true;
    if (!this.#isRunning) this.#hold();
  }

  async #hold(): Promise<void> {
    const { cluster, clock, logger } = this.#options;
    this.#isRunning = true;
    try {
      while (this.#mustRunAgain && !this.#isClosed) {
        this.#mustRunAgain = false;
        if (!cluster.isController()) {
          this.#runIfInOffice();
          continue;
        }
        const waitMs = this.#untilMs - clock.monotonic();
        if (waitMs > 0) this.#setTimer(waitMs);
        else await this.#electAll();
      }
    } catch (error) {
      if (this.#isClosed) return;
      // Another broker is the controller now, and holds them.
      if (error instanceof ApiError) return this.#runIfInOffice();
      logger.warn("Cannot elect leaders for the moment", { error });
      this.#setTimer(RETRY_MS);
    } finally {
      this.#isRunning = false;
    }
  }

  /** Tries again if this broker has the office, but is not certain of it at the moment. */
  #runIfInOffice(): void {
    const { controllerId, nodeId } = this.#options.cluster;
    if (controllerId === nodeId) this.#setTimer(RETRY_MS);
  }

  async #electAll(): Promise<void> {
    const { cluster } = this.#options;
    await this.commit(() => neededElections(cluster.topics(), this.view));
  }

  /**
   * Commits elections in batches.
   *
   * @param remaining Gives the elections that are still to be committed, as the cluster is now.
   * @throws {ApiError} NOT_CONTROLLER.
   */
  async commit(remaining: () => Iterable<Election>): Promise<void> {
    const { cluster, logger } = this.#options;
    let held = 0;
    for (let maxSize = MAX_BATCH; !this.#isClosed;) {
      const batch = nextBatch(remaining(), maxSize);
      if (batch.length === 0) break;
      try {
        await cluster.commitPartitions(batch, guardsOf(batch), true);
        held += batch.length;
        maxSize = MAX_BATCH;
      } catch (error) {
        if (!(error instanceof RevisionConflictError)) throw error;
        maxSize = Math.max(1, Math.floor(batch.length / 2));
      }
    }
    if (held > 0) logger.info("Elected leaders", { partitions: held });
  }

  #setTimer(ms: number | undefined): void {
    const { clock } = this.#options;
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer);
    this.#timer = ms === undefined ? undefined : clock.setTimeout(() => {
      this.#timer = undefined;
      this.#run();
    }, ms);
  }
}

/** The next elections that fit a commit. */
function nextBatch(remaining: Iterable<Election>, maxSize: number): Election[] {
  const batch: Election[] = [];
  const expected = new Set<string>();
  for (const election of remaining) {
    const { expect } = partitionCommit([election], guardsOf([election]));
    for (const { key } of expect) expected.add(key);
    if (batch.length === maxSize || expected.size > MAX_BATCH) break;
    batch.push(election);
  }
  return batch;
}

/** The leaders must still be registered. */
function guardsOf(elections: readonly Election[]) {
  return elections.map(({ target: { id, epoch } }) => ({
    key: `${BROKERS_PREFIX}${id}`,
    revision: epoch,
  }));
}
