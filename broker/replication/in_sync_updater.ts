/**
 * Asks the metadata store for the ISRs of the partitions that this broker leads.
 *
 * Changes within a moment share a commit. Each depends on the partition's key, on this broker's
 * registration, and for each replica that joins on the registration that its fetches carried
 * (KIP-903). An answer that is lost may still be a commit: its ISR counts until the key is seen to
 * change, and if it does not, it is rewritten as it is. The wanted state may never win again, but
 * after that the lost one cannot either.
 *
 * @module
 */

import type { ClusterState } from "../cluster/cluster_state.ts";
import { DRAINING_PREFIX } from "../cluster/brokers_view.ts";
import { RevisionConflictError } from "../metadata/metadata_store.ts";
import { MAX_PARTITION_CHANGES, type PartitionChange } from "../cluster/partition_commit.ts";
import { BROKERS_PREFIX } from "../cluster/registration.ts";
import type { Logger } from "../logger.ts";
import type { Clock } from "../time/clock.ts";
import type { ReplicatedPartition } from "../roles/replicated_partition.ts";
import type { Leadership, LiveBrokers } from "../roles/leadership.ts";
import { PresentBrokers } from "./present_brokers.ts";
import type { ReplicaSessions } from "./replica_sessions.ts";
import { SILENCE_CHECK_MS, SilentFollowers } from "./silent_followers.ts";

/** Options of an updater. */
export interface InSyncUpdaterOptions {
  readonly cluster: ClusterState;
  /** The sessions of those that follow this broker. */
  readonly sessions: Pick<ReplicaSessions, "of">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `replica.lag.time.max.ms`. */
  maxLagMs(): number;
}

/** How long changes wait for others to share their commit. */
const GATHER_MS = 20;
/** Delay before a change is asked for again. */
const RETRY_MS = 100;
/** Interval at which slow followers are looked for, at most. */
const MAX_CHECK_MS = 1000;
const CHECKS_PER_LAG = 4;

/** A change that is asked for. */
interface Asked {
  readonly partition: ReplicatedPartition;
  readonly leadership: Leadership;
  readonly change: PartitionChange;
  readonly joining: readonly number[];
}

/** Keeps the ISRs of the partitions that this broker leads. */
export class InSyncUpdater {
  readonly #options: InSyncUpdaterOptions;
  readonly #led: Set<ReplicatedPartition> = new Set();
  readonly #due: Set<ReplicatedPartition> = new Set();
  readonly #running: Set<Promise<void>> = new Set();
  readonly #brokers: PresentBrokers;
  readonly #silent: SilentFollowers;
  #silenceTimer: number | undefined;
  #timer: number | undefined;
  #checkTimer: number | undefined;
  #isClosed = false;

  constructor(options: InSyncUpdaterOptions) {
    this.#options = options;
    const { cluster, sessions, clock } = options;
    this.#silent = new SilentFollowers(sessions);
    this.#brokers = new PresentBrokers(cluster, () => clock.monotonic());
  }

  /** Begins to keep the ISR of a partition, or stops if this broker does not lead it. */
  update(partition: ReplicatedPartition): void {
    if (partition.leadership === undefined) {
      this.#led.delete(partition);
      this.#due.delete(partition);
      return;
    }
    this.#led.add(partition);
    this.due(partition);
    this.#checkLater();
    this.#listenLater();
  }

  /** Decides on the ISR of a partition soon. */
  due(partition: ReplicatedPartition): void {
    if (this.#isClosed) return;
    this.#due.add(partition);
    this.#timer ??= this.#options.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#decide();
    }, GATHER_MS);
  }

  /** Decides on all ISRs soon: brokers have come or gone. */
  brokersChanged(): void {
    this.#brokers.update();
    for (const partition of this.#led) this.due(partition);
  }

  /** Stops, after commits under way have ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const { clock } = this.#options;
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer);
    if (this.#checkTimer !== undefined) clock.clearTimeout(this.#checkTimer);
    if (this.#silenceTimer !== undefined) clock.clearTimeout(this.#silenceTimer);
    await Promise.all(this.#running);
  }

  #checkLater(): void {
    if (this.#checkTimer !== undefined || this.#isClosed || this.#led.size === 0) return;
    const { clock, maxLagMs } = this.#options;
    this.#checkTimer = clock.setTimeout(() => {
      this.#checkTimer = undefined;
      for (const partition of this.#led) this.#due.add(partition);
      this.#decide();
      this.#checkLater();
    }, Math.min(MAX_CHECK_MS, maxLagMs() / CHECKS_PER_LAG));
  }

  #listenLater(): void {
    if (this.#silenceTimer !== undefined || this.#isClosed || this.#led.size === 0) return;
    const { cluster, clock } = this.#options;
    this.#silenceTimer = clock.setTimeout(() => {
      this.#silenceTimer = undefined;
      const others = cluster.brokers.map(({ id }) => id).filter((id) => id !== cluster.nodeId);
      const hasChanged = this.#silent.check(others, cluster.controllerId, clock.monotonic());
      if (hasChanged || others.some((id) => this.#silent.has(id))) this.#decideOnSilent(hasChanged);
      this.#listenLater();
    }, SILENCE_CHECK_MS);
  }

  /** Decides on the ISRs with silent members, or on all. */
  #decideOnSilent(all: boolean): void {
    const isSilent = (id: number) => this.#silent.has(id);
    for (const partition of this.#led) {
      if (all || partition.state.isr.some(isSilent)) this.#due.add(partition);
    }
    if (this.#due.size > 0) this.#decide();
  }

  /** The brokers, as far as the ISR depends on them. */
  readonly #live: LiveBrokers = {
    epochOf: (id) => this.#brokers.epochOf(id),
    isStopping: (id) => this.#brokers.isStopping(id),
    isSilent: (id) => this.#silent.has(id),
  };

  #decide(): void {
    const asked = [...this.#due].flatMap((partition) => this.#wanted(partition) ?? []);
    this.#due.clear();
    for (let i = 0; i < asked.length; i += MAX_PARTITION_CHANGES) {
      this.#run(this.#ask(asked.slice(i, i + MAX_PARTITION_CHANGES)));
    }
  }

  /** The change that a partition needs now; undefined for none. */
  #wanted(partition: ReplicatedPartition): Asked | undefined {
    const { clock, cluster, maxLagMs } = this.#options;
    const { leadership, topicId, index } = partition;
    const topic = cluster.topicById(topicId);
    // What is asked for is decided first.
    if (leadership === undefined || leadership.pending.size > 0) return undefined;
    const state = topic?.partitions[index];
    if (topic === undefined || state === undefined || state !== partition.state) return undefined;
    const next = leadership.nextInSync(this.#live, maxLagMs(), clock.monotonic());
    if (next === undefined) return undefined;
    const { isr, elr, joining } = next;
    const change = { topic, index, next: { ...state, isr, elr } };
    return { partition, leadership, change, joining };
  }

  #run(work: Promise<void>): void {
    const running = work.catch((error) => {
      this.#options.logger.error("Cannot keep in-sync replicas", { error });
    }).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #ask(asked: readonly Asked[]): Promise<void> {
    if (asked.length === 0 || this.#isClosed) return;
    const { cluster } = this.#options;
    if (cluster.brokerEpoch === 0) return this.#askLater(asked);
    const guards = new Map([this.#ownGuard()]);
    for (const { leadership, joining } of asked) {
      for (const id of joining) {
        guards.set(`${BROKERS_PREFIX}${id}`, leadership.brokerEpochOf(id)!);
        // It must not have begun to shut down.
        guards.set(`${DRAINING_PREFIX}${id}`, cluster.drainingRevision(id));
      }
    }
    for (const { leadership, change } of asked) leadership.ask(change.next.isr);
    const changes = asked.map(({ change }) => change);
    const expect = Array.from(guards, ([key, revision]) => ({ key, revision }));
    try {
      await cluster.commitPartitions(changes, expect, false);
      for (const { partition, change } of asked) this.#log(partition, change);
    } catch (error) {
      if (!(error instanceof RevisionConflictError)) return await this.#force(asked, error);
      // Nothing was written.
      for (const { leadership } of asked) leadership.withdraw();
      if (asked.length === 1) return this.#askLater(asked);
      const half = Math.ceil(asked.length / 2);
      await this.#askAgain(asked.slice(0, half));
      await this.#askAgain(asked.slice(half));
    }
  }

  /** Decides again: without the change, the high watermark may have passed a replica that was to join. */
  async #askAgain(asked: readonly Asked[]): Promise<void> {
    await this.#ask(asked.flatMap(({ partition }) => this.#wanted(partition) ?? []));
  }

  /** Makes sure that what was asked for has been written, or never will be. */
  async #force(asked: readonly Asked[], cause: unknown): Promise<void> {
    const { logger, cluster } = this.#options;
    if (this.#isClosed) return;
    logger.warn("Lost the answer to a change of in-sync replicas", { cause });
    for (const { partition, leadership, change } of asked) {
      const { topic, index } = change;
      const { revision } = topic.partitions[index]!;
      while (!this.#isClosed && partition.leadership === leadership) {
        if (partition.state.revision !== revision) break;
        try {
          // A partition without a key depends on that of its topic, which may have changed.
          const current = cluster.topicById(topic.id);
          const next = current?.partitions[index];
          if (current === undefined || next?.revision !== revision) break;
          const guards = [this.#ownGuard()].map(([key, revision]) => ({ key, revision }));
          await cluster.commitPartitions([{ topic: current, index, next }], guards, false);
        } catch (error) {
          // If the partition's key was the cause, the view has it now.
          if (!(error instanceof RevisionConflictError)) {
            logger.warn("Cannot settle a change of in-sync replicas", { error });
          }
          if (partition.state.revision === revision) await this.#pause();
        }
      }
      this.due(partition);
    }
  }

  #ownGuard(): [string, number] {
    const { nodeId, brokerEpoch } = this.#options.cluster;
    return [`${BROKERS_PREFIX}${nodeId}`, brokerEpoch];
  }

  #askLater(asked: readonly Asked[]): void {
    this.#run(
      this.#pause().then(() => {
        for (const { partition } of asked) this.due(partition);
      }),
    );
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.setTimeout(resolve, RETRY_MS));
  }

  #log(partition: ReplicatedPartition, { topic, index, next }: PartitionChange): void {
    const before = topic.partitions[index]!.isr;
    this.#options.logger.info(
      next.isr.length < before.length ? "Shrank in-sync replicas" : "Changed in-sync replicas",
      { partition: `${partition}`, from: before.join(","), to: next.isr.join(",") },
    );
  }
}
