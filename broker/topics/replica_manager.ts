/**
 * Brings the topics on this broker in line with the cluster metadata: opens, creates and deletes
 * logs, and applies leaders and settings.
 *
 * Every topic of the cluster is here, with those of its partitions that this broker has a replica of.
 * A topic appears when all of these are usable, and disappears as soon as its deletion is known:
 * waiters on its partitions are woken first, then the logs are deleted. Changes of one topic are
 * applied in order, those of different topics concurrently.
 *
 * Metadata is on disk before logs are created or deleted; work interrupted by a crash is done at
 * the next start. Missing logs are created. Logs of a deleted topic are deleted: the deletion is
 * remembered until the folders are gone from disk. Any other log without a topic may indicate lost
 * metadata, so it is left alone and its name cannot be used.
 *
 * @module
 */

import { CorruptFileError, StorageError } from "../../storage/errors.ts";
import type { Log, LogDirectory } from "../../storage/mod.ts";
import type { Clock } from "../time/clock.ts";
import type { ClusterChange, ClusterState, TopicState } from "../cluster/cluster_state.ts";
import { METADATA_LOG_NAME } from "../metadata/local_metadata_store.ts";
import type { BrokerConfig } from "../settings/config.ts";
import type { Logger } from "../logger.ts";
import type { MaintenanceCounters } from "../metrics/broker_counters.ts";
import { logLosses } from "../log_losses.ts";
import { LogManager } from "./log_manager.ts";
import type { PartitionReplication } from "../roles/replicated_partition.ts";
import { type Fence, Partition } from "./partition.ts";
import { TopicConfig } from "./topic_config.ts";
import { isInternalTopic } from "./topic_name.ts";
import type { Topic } from "./topic.ts";

/** Options of {@linkcode ReplicaManager.open}. */
export interface ReplicaManagerOptions {
  readonly cluster: ClusterState;
  readonly config: BrokerConfig;
  readonly directory: LogDirectory;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What is counted. Default: nobody looks at it. */
  readonly counters?: MaintenanceCounters;
  /** Keeps replicated partitions in sync. Default: nothing does. */
  readonly replication?: PartitionReplication | undefined;
  /** Says when the broker must not act as leader. Default: never. */
  readonly fence?: Fence | undefined;
}

/** Time slice before yielding to other work. */
const SLICE_MS = 10;

/** A topic on this broker and the metadata last applied to it. */
interface LocalTopic extends Topic {
  state: TopicState;
  config: TopicConfig;
  partitions: readonly (Partition | undefined)[];
}

/** The topics on this broker. */
export class ReplicaManager {
  readonly #options: ReplicaManagerOptions;
  readonly #byName: Map<string, LocalTopic> = new Map();
  readonly #byId: Map<string, LocalTopic> = new Map();
  /** Deleted topics whose logs still exist. */
  readonly #retired: Set<LocalTopic> = new Set();
  /** The last task of each topic, while it is running or if it failed. */
  readonly #tasks: Map<string, Promise<void>> = new Map();
  readonly #unsubscribes: (() => void)[] = [];
  readonly #listeners: Set<(name: string) => void> = new Set();
  /** Topic ids of logs found at start, until their topics are opened; each is read from a file. */
  #topicIdsAtStart: Map<Log, string> = new Map();
  /** The settings of topics without overrides. */
  #defaults: TopicConfig;
  #isClosed = false;
  /** Whether the metadata is being applied for the first time. */
  #isStarting = true;

  /** Maintains the logs. */
  readonly logManager: LogManager;

  private constructor(options: ReplicaManagerOptions) {
    this.#options = options;
    this.#defaults = new TopicConfig(options.config, new Map());
    this.logManager = new LogManager(options);
  }

  /** Opens the topics on this broker and follows changes from then on. */
  static async open(options: ReplicaManagerOptions): Promise<ReplicaManager> {
    const { cluster, config, logger } = options;
    const replicaManager = new ReplicaManager(options);
    replicaManager.#unsubscribes.push(
      config.onChange(() => replicaManager.#onConfigChange()),
      cluster.onChange((change) => replicaManager.#onClusterChange(change)),
    );
    // Read before logs are created: it may know of logs that are lost, or of earlier ones.
    if (replicaManager.canHaveReplicas) void options.directory.highWatermarks;
    await replicaManager.#checkLogs();
    for (const { name } of cluster.topics()) replicaManager.#schedule(name);
    const failures = await replicaManager.#tasksDone();
    replicaManager.#isStarting = false;
    replicaManager.#topicIdsAtStart.clear();
    if (failures > 0) logger.error("Topics are unavailable", { count: failures });
    return replicaManager;
  }

  /** Whether partitions can have replicas on other brokers: the cluster tells its processes apart. */
  get canHaveReplicas(): boolean {
    return this.#options.cluster.incarnation !== undefined;
  }

  /** The topics by name. */
  get byName(): ReadonlyMap<string, Topic> {
    return this.#byName;
  }

  /** The topics by id. */
  get byId(): ReadonlyMap<string, Topic> {
    return this.#byId;
  }

  /** Resolves when the metadata has been applied to a topic; rejects if that failed. */
  async settled(name: string): Promise<void> {
    await this.#tasks.get(name);
  }

  /** Resolves when the current metadata has been applied to all topics, successfully or not. */
  async allSettled(): Promise<void> {
    await this.#tasksDone();
  }

  /**
   * Calls `listener` with the name of a topic after it has changed on this broker. The listener must
   * not throw.
   *
   * @returns A function that unsubscribes.
   */
  onChange(listener: (name: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Stops following after running tasks have ended. The logs stay open. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const unsubscribe of this.#unsubscribes) unsubscribe();
    await this.#tasksDone();
    await this.logManager.close(this.canHaveReplicas ? this.#byName.values() : []);
  }

  async #tasksDone(): Promise<number> {
    const results = await Promise.allSettled(this.#tasks.values());
    return results.filter(({ status }) => status === "rejected").length;
  }

  #onClusterChange(change: ClusterChange): void {
    if (change.type !== "topic") return;
    const { name, after, partition } = change;
    const local = this.#byName.get(name);
    if (local !== undefined && local.id !== after?.id) this.#retire(local);
    // A change of leaders takes effect at once, whatever is being opened.
    else if (local !== undefined && after !== undefined) this.#applyStates(local, after, partition);
    if (
      partition === undefined || local === undefined || !this.#isHosted(local, after!, partition)
    ) {
      this.#schedule(name);
    } else this.#notify(name);
  }

  /** Applies the states of partitions, or of one, also of those that only others have. */
  #applyStates(local: LocalTopic, { partitions }: TopicState, only: number | undefined): void {
    if (only !== undefined) {
      const state = partitions[only]!;
      // A new partition becomes visible once it is usable.
      if (local.state.partitions[only] === undefined) return;
      local.partitions[only]?.updateState(state);
      const known = local.state.partitions.slice();
      known[only] = state;
      local.state = { ...local.state, partitions: known };
      return;
    }
    local.partitions.forEach((partition, index) => partition?.updateState(partitions[index]!));
  }

  /** Whether the partition is open here, or need not be. */
  #isHosted(local: LocalTopic, { partitions }: TopicState, index: number): boolean {
    const isHere = partitions[index]!.replicas.includes(this.#options.cluster.nodeId);
    return isHere === (local.partitions[index] !== undefined);
  }

  #onConfigChange(): void {
    this.#defaults = new TopicConfig(this.#options.config, new Map());
    for (const local of this.#byName.values()) this.#configure(local);
  }

  #configOf({ configs }: TopicState): TopicConfig {
    return configs.size === 0 ? this.#defaults : new TopicConfig(this.#options.config, configs);
  }

  #configure(local: LocalTopic): void {
    local.config = this.#configOf(local.state);
    for (const partition of local.partitions) partition?.updateConfig(local.config);
  }

  /** Checks the logs found at start: deletes those of deleted topics and reports unknown ones. */
  async #checkLogs(): Promise<void> {
    const { directory, cluster, clock, logger } = this.#options;
    let sliceMs = clock.monotonic();
    for (const log of [...directory.logs]) {
      const id = log.name === METADATA_LOG_NAME ? undefined : topicIdOf(log);
      if (id === undefined) this.#setAside(log);
      else if (cluster.topicById(id) !== undefined) this.#topicIdsAtStart.set(log, id);
      else if (cluster.deletedTopics.has(id)) this.logManager.delete(log);
      else logger.warn("Folder holds a partition of an unknown topic", { folder: log.folder, id });
      if (clock.monotonic() - sliceMs < SLICE_MS) continue;
      await clock.yield();
      sliceMs = clock.monotonic();
    }
    for (const id of cluster.deletedTopics.keys()) this.logManager.markRemoved(id);
  }

  /**
   * Moves a log aside whose folder does not identify its topic. If it has no recovery point it was
   * never flushed, and it may be left from an older topic after a power failure. A log without
   * records is deleted, unless the folder contains other files.
   */
  #setAside(log: Log): void {
    if (log.name === METADATA_LOG_NAME || log.recoveryPoint > 0) return;
    const { directory, logger } = this.#options;
    const { folder } = log;
    if (log.isUnused) {
      logger.warn("Deleted empty folder of an unidentified topic", { folder });
      this.logManager.delete(log);
      return;
    }
    const path = directory.setAside(log.name);
    logger.warn("Moved folder of an unidentified topic aside", { folder, path });
  }

  /** Schedules applying the metadata to a topic, after its running task. */
  #schedule(name: string): void {
    if (this.#isClosed) return;
    const task = this.#reconcileAfter(this.#tasks.get(name), name);
    this.#tasks.set(name, task);
    task.then(
      () => {
        if (this.#tasks.get(name) === task) this.#tasks.delete(name);
      },
      (error) => this.#options.logger.error("Cannot open topic", { topic: name, error }),
    );
  }

  async #reconcileAfter(previous: Promise<void> | undefined, name: string): Promise<void> {
    await previous?.catch(() => {});
    for (const retired of this.#retired) {
      if (retired.name === name) await this.#deleteLogs(retired);
    }
    const state = this.#options.cluster.topic(name);
    if (state === undefined) return;
    const local = this.#byName.get(name);
    if (local === undefined) await this.#openTopic(state);
    else await this.#update(local, state);
  }

  async #openTopic(state: TopicState): Promise<void> {
    const { name, id } = state;
    const config = this.#configOf(state);
    const partitions = await this.#openPartitions(state, config, () => true);
    const local = { name, id, isInternal: isInternalTopic(name), config, partitions, state };
    if (this.#options.cluster.topicById(id) === undefined) {
      // The topic was deleted in the meantime.
      await this.#deleteLogs(local);
      return;
    }
    this.#byName.set(name, local);
    this.#byId.set(id, local);
    this.#catchUp(local);
    this.#notify(name);
  }

  /** Applies changes of leaders made while logs were opened. */
  #catchUp(local: LocalTopic): void {
    const current = this.#options.cluster.topicById(local.id);
    if (current === undefined) return;
    const partitions = current.partitions.slice(0, local.partitions.length);
    local.state = { ...local.state, partitions };
    this.#applyStates(local, current, undefined);
  }

  #notify(name: string): void {
    for (const listener of this.#listeners) listener(name);
  }

  async #update(local: LocalTopic, state: TopicState): Promise<void> {
    const isReconfigured = local.state.configs !== state.configs;
    this.#applyStates(local, state, undefined);
    const { length } = local.partitions;
    // New partitions become visible once they are usable.
    local.state = { ...state, partitions: state.partitions.slice(0, length) };
    if (isReconfigured) this.#configure(local);
    this.#deleteMoved(local, state);
    const isMissing = (index: number) => local.partitions[index] === undefined;
    const opened = await this.#openPartitions(state, local.config, isMissing);
    if (opened.length > length || opened.some((partition) => partition !== undefined)) {
      local.partitions = opened.map((partition, index) => partition ?? local.partitions[index]);
    }
    local.state = state;
    this.#catchUp(local);
    if (this.#retired.has(local)) {
      for (const partition of opened) partition?.markDeleted();
    }
    this.#notify(local.name);
  }

  /** Deletes the logs of partitions that the cluster gives to other brokers. */
  #deleteMoved(local: LocalTopic, { partitions }: TopicState): void {
    const { nodeId } = this.#options.cluster;
    const isMoved = (partition: Partition | undefined, index: number) =>
      partition !== undefined && !partitions[index]!.replicas.includes(nodeId);
    const moved = local.partitions.filter(isMoved);
    if (moved.length === 0) return;
    local.partitions = local.partitions.map((partition, index) =>
      isMoved(partition, index) ? undefined : partition
    );
    for (const partition of moved) {
      partition!.markDeleted();
      this.logManager.delete(partition!.log);
    }
  }

  /**
   * Opens or creates partitions of a topic, as far as this broker has a replica of them. If one
   * fails, all are undone.
   *
   * @returns By index; undefined where nothing was opened.
   */
  async #openPartitions(
    state: TopicState,
    config: TopicConfig,
    isMissing: (index: number) => boolean,
  ): Promise<(Partition | undefined)[]> {
    const { clock, cluster: { nodeId } } = this.#options;
    const partitions: (Partition | undefined)[] = [];
    const created: Log[] = [];
    let sliceMs = clock.monotonic();
    try {
      for (let index = 0; index < state.partitions.length; index++) {
        const isHere = state.partitions[index]!.replicas.includes(nodeId);
        partitions.push(
          isHere && isMissing(index)
            ? await this.#openPartition(state, index, config, created)
            : undefined,
        );
        if (clock.monotonic() - sliceMs < SLICE_MS) continue;
        await clock.yield();
        sliceMs = clock.monotonic();
      }
      if (config.get("flush") === "commit") await this.#flushRecovered(partitions);
    } catch (error) {
      for (const log of created) this.logManager.delete(log);
      throw error;
    }
    return partitions;
  }

  /**
   * Records recovered after a crash may be only in memory; they must be flushed before they are
   * visible.
   */
  async #flushRecovered(partitions: readonly (Partition | undefined)[]): Promise<void> {
    const logs = partitions.flatMap((partition) => partition?.log ?? [])
      .filter((log) => log.flushedOffset < log.logEndOffset);
    await this.#options.directory.flush(logs);
  }

  async #openPartition(
    state: TopicState,
    index: number,
    config: TopicConfig,
    created: Log[],
  ): Promise<Partition> {
    const { cluster, replication, fence } = this.#options;
    const log = await this.#openLog(state, index, config, created);
    return new Partition({
      topic: state.name,
      topicId: state.id,
      index,
      isInternal: isInternalTopic(state.name),
      nodeId: cluster.nodeId,
      fence,
      incarnation: cluster.incarnation,
      highWatermark: this.#options.directory.highWatermarks.get(log.name),
      replication,
      log,
      // It may have changed while the log was opened.
      state: cluster.topicById(state.id)?.partitions[index] ?? state.partitions[index]!,
      config,
      logManager: this.logManager,
    });
  }

  async #openLog(
    state: TopicState,
    index: number,
    config: TopicConfig,
    created: Log[],
  ): Promise<Log> {
    const { directory, clock } = this.#options;
    const name = `${state.name}-${index}`;
    const found = directory.get(name);
    const topicId = found && (this.#topicIdsAtStart.get(found) ?? topicIdOf(found));
    if (found === undefined && this.#isStarting && this.#isLost(state, name)) {
      const options = { nowMs: clock.now(), config: config.logConfig, topicId: state.id };
      const log = await directory.restore(name, options);
      logLosses(log, this.#options.logger);
      return log;
    }
    if (found === undefined) {
      if (this.#isStarting && directory.hasLostRecoveryPoints) this.#logUnknownLoss(name);
      if (directory.hasStaleCheckpoints(name)) {
        // At start a high watermark may be of this very topic, whose log was lost.
        if (this.#isStarting) await directory.writeCheckpoints();
        else await directory.dropStaleCheckpoints();
      }
      const options = { nowMs: clock.now(), config: config.logConfig, topicId: state.id };
      const log = directory.create(name, options);
      created.push(log);
      return log;
    }
    if (topicId !== undefined && topicId !== state.id) {
      throw new StorageError(
        `Cannot open partition "${name}": folder "${found.folder}" belongs to another topic, ` +
          `with id ${topicId}; move it out of the data folder, then start again`,
      );
    }
    if (topicId === undefined) found.writeTopicId(state.id);
    found.updateConfig(config.logConfig);
    return found;
  }

  /** Without checkpoints it is unknown whether a missing log existed. */
  #logUnknownLoss(name: string): void {
    const { directory, logger } = this.#options;
    logger.warn(
      "Created a partition without records: its folder is missing, and so is the checkpoint that " +
        "says what it had. If it had any, restore both from a copy while the broker is stopped",
      { log: name, folder: `${directory.path}/${name}` },
    );
  }

  /**
   * Whether a log existed and is missing. After a crash the checkpoints may refer to an older log
   * with this name, whose deletion is then still recorded.
   */
  #isLost({ name: topic }: TopicState, name: string): boolean {
    const { directory, cluster } = this.#options;
    if (!directory.isMissing(name)) return false;
    return !cluster.deletedTopics.values().some((deleted) => deleted === topic);
  }

  /** Makes a topic disappear. */
  #retire(local: LocalTopic): void {
    this.#byName.delete(local.name);
    this.#byId.delete(local.id);
    this.#retired.add(local);
    for (const partition of local.partitions) partition?.markDeleted();
    this.#notify(local.name);
  }

  async #deleteLogs(local: LocalTopic): Promise<void> {
    const { clock } = this.#options;
    let sliceMs = clock.monotonic();
    for (const partition of local.partitions) {
      if (partition === undefined) continue;
      this.logManager.delete(partition.log);
      if (clock.monotonic() - sliceMs < SLICE_MS) continue;
      await clock.yield();
      sliceMs = clock.monotonic();
    }
    this.#retired.delete(local);
    this.logManager.markRemoved(local.id);
  }
}

/**
 * The topic id stored in a log's folder. It may be missing after a power failure if nothing in the
 * folder was flushed.
 */
function topicIdOf(log: Log): string | undefined {
  try {
    return log.topicId;
  } catch (error) {
    if (error instanceof CorruptFileError) return undefined;
    throw error;
  }
}
