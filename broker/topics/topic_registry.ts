/**
 * The topics of this broker: looks them up, and creates, deletes and changes them.
 *
 * A mutation is validated here, committed to the cluster metadata, and complete when this broker
 * has applied it: a created topic is writable when `createTopic` resolves, and a deleted one is
 * gone. `replica_manager.ts` applies the metadata.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { randomUuid, ZERO_UUID } from "../../protocol/primitives/uuid.ts";
import { ApiError } from "../api_error.ts";
import type { ClusterState, TopicState } from "../cluster/cluster_state.ts";
import { RevisionConflictError } from "../metadata/metadata_store.ts";
import type { ConfigTexts } from "../settings/config.ts";
import type { Partition } from "./partition.ts";
import {
  checkAssignment,
  checkFlush,
  type ReplicaAssignment,
  type ReplicaHolder,
  type SpreadOptions,
  spreadReplicas,
} from "./replica_assignment.ts";
import type { Topic } from "./topic.ts";
import { checkTopicConfigs, TopicConfig } from "./topic_config.ts";
import { ReplicaManager, type ReplicaManagerOptions } from "./replica_manager.ts";
import { checkTopicName, collisionKeyOf, isInternalTopic } from "./topic_name.ts";

/** A topic to create. */
export interface NewTopic {
  readonly name: string;
  /** Number of partitions. -1 or omitted: `num.partitions`. */
  readonly partitions?: number;
  /** Number of replicas. -1 or omitted: `default.replication.factor`. */
  readonly replicationFactor?: number;
  /** The brokers of each partition, instead of both numbers. */
  readonly assignment?: ReplicaAssignment;
  /** Settings that override the broker's defaults. */
  readonly configs?: ConfigTexts;
  /** Whether the broker itself creates the topic, which is required for internal ones. */
  readonly isInternal?: boolean;
}

/** The result of creating a topic. */
export interface CreatedTopic {
  readonly name: string;
  /** The zero UUID if the topic was only validated. */
  readonly id: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config: TopicConfig;
}

/** Options of a mutation. */
export interface MutationOptions {
  /** Whether to validate only. */
  readonly validateOnly?: boolean;
}

/**
 * Maximum number of partitions created by one request, as in Kafka: each costs files and memory.
 */
export const MAX_PARTITIONS_PER_REQUEST = 10_000;

/** Options of {@linkcode TopicRegistry.open}. */
export type TopicRegistryOptions = ReplicaManagerOptions;

/** The topics of one broker. */
export class TopicRegistry {
  readonly #options: TopicRegistryOptions;
  readonly #cluster: ClusterState;
  readonly #replicaManager: ReplicaManager;
  /** Creations in progress, by collision key. */
  readonly #creating: Map<string, Promise<unknown>> = new Map();

  private constructor(options: TopicRegistryOptions, replicaManager: ReplicaManager) {
    this.#options = options;
    this.#cluster = options.cluster;
    this.#replicaManager = replicaManager;
  }

  /** Opens the logs of all partitions that the cluster metadata assigns to this broker. */
  static async open(options: TopicRegistryOptions): Promise<TopicRegistry> {
    return new TopicRegistry(options, await ReplicaManager.open(options));
  }

  /** The topic with this name, if it exists. */
  get(name: string): Topic | undefined {
    return this.#replicaManager.byName.get(name);
  }

  /** The topic with this id, if it exists. */
  byId(id: string): Topic | undefined {
    return this.#replicaManager.byId.get(id);
  }

  /** All topics, in no particular order. */
  all(): Iterable<Topic> {
    return this.#replicaManager.byName.values();
  }

  /** The partition of a topic, if it exists and this broker has a replica of it. */
  partition(topic: string, index: number): Partition | undefined {
    return this.#replicaManager.byName.get(topic)?.partitions[index];
  }

  /** Resolves when the current metadata has been applied to all topics, successfully or not. */
  async settled(): Promise<void> {
    await this.#replicaManager.allSettled();
  }

  /**
   * Calls `listener` with the name of a topic after it has changed on this broker. The listener must
   * not throw.
   *
   * @returns A function that unsubscribes.
   */
  onChange(listener: (name: string) => void): () => void {
    return this.#replicaManager.onChange(listener);
  }

  /** Path of the data folder. */
  get logDirectory(): string {
    return this.#options.directory.path;
  }

  /** Id of the data folder, if it has one. */
  get logDirectoryId(): string | undefined {
    return this.#options.directory.metaProperties?.directoryId;
  }

  /** Deletes segments past the topics' retention, yielding to other work. */
  async applyRetention(): Promise<void> {
    await this.#replicaManager.logManager.applyRetention(this.all());
  }

  /** Whether partitions can have replicas on other brokers. */
  get canHaveReplicas(): boolean {
    return this.#replicaManager.canHaveReplicas;
  }

  /** Writes the high watermarks to disk if any has changed; for brokers that can have replicas. */
  async checkpointHighWatermarks(): Promise<void> {
    await this.#replicaManager.logManager.checkpointHighWatermarks(this.all());
  }

  /**
   * Writes recovery points, log start offsets and log deletions to disk.
   *
   * @param signal Aborts the checkpoint; the remaining logs keep their previous recovery points.
   */
  async checkpoint(signal?: AbortSignal): Promise<void> {
    await this.#replicaManager.logManager.checkpoint(signal);
  }

  /**
   * Creates a missing topic that a client requested, if the client and `auto.create.topics.enable`
   * allow it.
   *
   * @param createElsewhere Has the controller create the topic; resolves to false if that is this
   * broker.
   * @throws {ApiError} INVALID_TOPIC_EXCEPTION if the name is invalid; UNKNOWN_TOPIC_OR_PARTITION
   * if it must not be created; errors of `createTopic`.
   */
  async autoCreate(
    name: string,
    isAllowed: boolean,
    createElsewhere: () => Promise<boolean> = () => Promise.resolve(false),
  ): Promise<Topic> {
    checkTopicName(name);
    if (!isAllowed || isInternalTopic(name) || !this.#isAutoCreateEnabled) {
      throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    }
    try {
      const isHere = this.#cluster.isController() || !await createElsewhere();
      if (isHere) await this.createTopic({ name });
    } catch (error) {
      const isThere = error instanceof ApiError && error.code === ErrorCode.TOPIC_ALREADY_EXISTS;
      if (!isThere) throw error;
    }
    const topic = this.get(name);
    // Deleted again concurrently.
    if (topic === undefined) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    return topic;
  }

  get #isAutoCreateEnabled(): boolean {
    return this.#options.config.get("auto.create.topics.enable");
  }

  /**
   * Compacts topics until none needs it.
   *
   * @param signal Aborts the compaction.
   */
  async compact(signal: AbortSignal): Promise<void> {
    const dedupeBytes = this.#options.config.get("log.cleaner.dedupe.buffer.size");
    await this.#replicaManager.logManager.compact(() => this.all(), { dedupeBytes, signal });
  }

  /**
   * Creates a topic.
   *
   * @throws {ApiError} INVALID_TOPIC_EXCEPTION, TOPIC_ALREADY_EXISTS, INVALID_PARTITIONS,
   *   INVALID_REPLICATION_FACTOR, INVALID_REPLICA_ASSIGNMENT, INVALID_CONFIG, INVALID_REQUEST,
   *   POLICY_VIOLATION, NOT_CONTROLLER, KAFKA_STORAGE_ERROR.
   */
  async createTopic(topic: NewTopic, options: MutationOptions = {}): Promise<CreatedTopic> {
    this.#ensureController();
    checkTopicName(topic.name);
    const key = collisionKeyOf(topic.name);
    while (this.#creating.has(key)) await this.#creating.get(key);
    this.#checkNewName(topic);
    const configs = topic.configs ?? new Map<string, string>();
    checkTopicConfigs(configs, this.#options.config);
    const replicas = this.#place(topic);
    checkFlush(new TopicConfig(this.#options.config, configs), replicas);
    const id = options.validateOnly === true ? ZERO_UUID : randomUuid();
    if (options.validateOnly !== true) {
      const creation = this.#create({ name: topic.name, id, replicas, configs });
      const settled = creation.catch(() => {}).finally(() => this.#creating.delete(key));
      this.#creating.set(key, settled);
      await creation;
    }
    return {
      name: topic.name,
      id,
      partitions: replicas.length,
      replicationFactor: replicas[0]!.length,
      config: new TopicConfig(this.#options.config, configs),
    };
  }

  async #create(topic: {
    readonly name: string;
    readonly id: string;
    readonly replicas: ReplicaAssignment;
    readonly configs: ConfigTexts;
  }): Promise<void> {
    try {
      await this.#cluster.createTopic(topic);
    } catch (error) {
      if (!(error instanceof RevisionConflictError)) throw error;
      throw alreadyExists(topic.name);
    }
    try {
      await this.#replicaManager.settled(topic.name);
    } catch (error) {
      const state = this.#cluster.topicById(topic.id);
      if (state !== undefined) await this.#cluster.deleteTopic(state);
      throw error;
    }
    this.#options.logger.info("Created topic", {
      topic: topic.name,
      id: topic.id,
      partitions: topic.replicas.length,
    });
  }

  /**
   * Deletes a topic and all its records.
   *
   * @throws {ApiError} INVALID_TOPIC_EXCEPTION if the topic is internal; UNKNOWN_TOPIC_OR_PARTITION
   * if it does not exist; TOPIC_DELETION_DISABLED, NOT_CONTROLLER.
   */
  async deleteTopic({ name, id }: Pick<Topic, "name" | "id">): Promise<void> {
    this.#ensureController();
    if (!this.#options.config.get("delete.topic.enable")) {
      throw new ApiError(ErrorCode.TOPIC_DELETION_DISABLED);
    }
    ensureNotInternal("delete", name);
    await this.#cluster.retry(() => {
      const state = this.#cluster.topicById(id);
      if (state === undefined) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
      return this.#cluster.deleteTopic(state);
    });
    await this.#replicaManager.settled(name);
    this.#options.logger.info("Deleted topic", { topic: name, id });
  }

  /**
   * Adds partitions to a topic.
   *
   * @param count The new number of partitions.
   * @param assignment The brokers of each new partition.
   * @throws {ApiError} UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS unless `count` increases,
   * INVALID_REPLICA_ASSIGNMENT, INVALID_REPLICATION_FACTOR, INVALID_TOPIC_EXCEPTION,
   * POLICY_VIOLATION, NOT_CONTROLLER, KAFKA_STORAGE_ERROR.
   */
  async createPartitions(
    name: string,
    count: number,
    assignment: ReplicaAssignment | null = null,
    options: MutationOptions = {},
  ): Promise<void> {
    this.#ensureController();
    ensureNotInternal("add partitions to", name);
    await this.#cluster.retry(async () => {
      const state = this.#existing(name);
      const replicas = this.#placeMore(state, count, assignment);
      if (options.validateOnly === true) return;
      await this.#cluster.createPartitions(state, replicas);
    });
    if (options.validateOnly === true) return;
    await this.#replicaManager.settled(name);
    this.#options.logger.info("Added partitions to topic", { topic: name, partitions: count });
  }

  /**
   * Replaces the settings of a topic.
   *
   * @param change Maps the current overrides to the new ones. May be called more than once.
   * @throws {ApiError} UNKNOWN_TOPIC_OR_PARTITION, INVALID_CONFIG, NOT_CONTROLLER.
   */
  async alterConfigs(
    name: string,
    change: (configs: ConfigTexts) => ConfigTexts,
    options: MutationOptions = {},
  ): Promise<void> {
    this.#ensureController();
    checkTopicName(name);
    await this.#cluster.retry(async () => {
      const state = this.#existing(name);
      const configs = change(state.configs);
      checkTopicConfigs(configs, this.#options.config);
      const replicas = state.partitions.map((partition) => partition.replicas);
      checkFlush(new TopicConfig(this.#options.config, configs), replicas);
      if (options.validateOnly === true) return;
      await this.#cluster.setTopicConfigs(state, configs);
    });
    if (options.validateOnly === true) return;
    await this.#replicaManager.settled(name);
    this.#options.logger.info("Changed settings of topic", { topic: name });
  }

  /** Stops following the cluster metadata. The logs stay open and are closed with their folder. */
  async close(): Promise<void> {
    await this.#replicaManager.close();
  }

  #ensureController(): void {
    if (!this.#cluster.isController()) throw new ApiError(ErrorCode.NOT_CONTROLLER);
  }

  #existing(name: string): TopicState {
    const state = this.#cluster.topic(name);
    if (state === undefined) {
      throw new ApiError(
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        `The topic '${name}' does not exist.`,
      );
    }
    return state;
  }

  #checkNewName({ name, isInternal }: NewTopic): void {
    if (isInternal !== true) ensureNotInternal("create", name);
    if (this.#cluster.topic(name) !== undefined) {
      throw alreadyExists(name);
    }
    const key = collisionKeyOf(name);
    if (!key.includes("_")) return;
    for (const other of this.#cluster.topics()) {
      if (collisionKeyOf(other.name) !== key) continue;
      throw new ApiError(
        ErrorCode.INVALID_TOPIC_EXCEPTION,
        `Cannot create topic "${name}": dots and underscores aside, it is the name of "${other.name}"`,
      );
    }
  }

  #place({ partitions = -1, replicationFactor = -1, assignment }: NewTopic): ReplicaAssignment {
    const brokers = this.#replicaHolders;
    if (assignment !== undefined) {
      if (replicationFactor !== -1 || partitions !== -1) {
        throw new ApiError(
          ErrorCode.INVALID_REQUEST,
          "Cannot create topic: with a replica assignment, partitions and replication factor " +
            "must be -1",
        );
      }
      checkPartitionCount(assignment.length);
      checkAssignment(assignment, brokers);
      this.#checkReplication(assignment);
      return assignment;
    }
    if (replicationFactor < -1 || replicationFactor === 0) {
      throw new ApiError(
        ErrorCode.INVALID_REPLICATION_FACTOR,
        `Cannot create topic: replication factor is ${replicationFactor}, the minimum is 1`,
      );
    }
    const { config } = this.#options;
    const count = partitions === -1 ? config.get("num.partitions") : partitions;
    checkPartitionCount(count);
    const factor = replicationFactor === -1
      ? config.get("default.replication.factor")
      : replicationFactor;
    const replicas = this.#spread({ firstPartition: 0, count, replicationFactor: factor });
    this.#checkReplication(replicas);
    return replicas;
  }

  /** @throws {ApiError} INVALID_REPLICATION_FACTOR if one failure can take several replicas. */
  #checkReplication(assignment: ReplicaAssignment): void {
    if (assignment.every(({ length }) => length === 1)) return;
    // A broker that is away has registered as one that fails alone.
    if (this.#cluster.incarnation !== undefined) return;
    throw new ApiError(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      "Cannot place several replicas of a partition: the brokers are threads of one process, which " +
        "fail together. Use replication factor 1, or run brokers that share their metadata in etcd",
    );
  }

  #placeMore(
    { name, partitions }: TopicState,
    count: number,
    assignment: ReplicaAssignment | null,
  ): ReplicaAssignment {
    const additional = count - partitions.length;
    if (additional <= 0) {
      throw new ApiError(
        ErrorCode.INVALID_PARTITIONS,
        `Cannot grow topic "${name}" to ${count} partitions: it has ${partitions.length}`,
      );
    }
    checkPartitionCount(additional);
    const replicationFactor = partitions[0]!.replicas.length;
    if (assignment === null) {
      return this.#spread({
        firstPartition: partitions.length,
        count: additional,
        replicationFactor,
        firstLeader: partitions[0]!.replicas[0],
      });
    }
    if (assignment.length !== additional) {
      throw new ApiError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Cannot grow topic "${name}": ${additional} partitions would be added, ` +
          `${assignment.length} assignments are given`,
      );
    }
    checkAssignment(assignment, this.#replicaHolders, replicationFactor);
    return assignment;
  }

  /**
   * The number of replicas that the cluster has brokers for, at most `wanted`. Brokers that are away
   * count, or the topic would have too few replicas for good.
   */
  replicationFactor(wanted: number): number {
    if (this.#cluster.incarnation === undefined) return 1;
    const count = this.#replicaHolders.filter(({ id }) => !this.#cluster.isDrained(id)).length;
    return Math.max(1, Math.min(wanted, count));
  }

  /** Spreads replicas over the brokers that are not being drained. */
  #spread(options: SpreadOptions): ReplicaAssignment {
    const holders = this.#replicaHolders;
    const taking = holders.filter(({ id }) => !this.#cluster.isDrained(id));
    return spreadReplicas(taking, { ...options, drained: holders.length - taking.length });
  }

  /** Brokers that can have replicas: all that belong to the cluster. */
  get #replicaHolders(): readonly ReplicaHolder[] {
    const { brokers, members, nodeId } = this.#cluster;
    const holders = new Map<number, ReplicaHolder>();
    for (const { id, rack } of members) holders.set(id, { id, rack, isAway: true });
    for (const { id, rack } of brokers) {
      holders.set(id, { id, rack, isAway: this.#cluster.isShuttingDown(id) });
    }
    // This one may not be registered yet.
    const own = { id: nodeId, rack: this.#options.config.get("broker.rack") };
    if (!brokers.some(({ id }) => id === nodeId)) holders.set(nodeId, own);
    return [...holders.values()];
  }
}

function alreadyExists(name: string): ApiError {
  return new ApiError(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic "${name}" already exists`);
}

function ensureNotInternal(action: string, name: string): void {
  if (!isInternalTopic(name)) return;
  throw new ApiError(
    ErrorCode.INVALID_TOPIC_EXCEPTION,
    `Cannot ${action} topic "${name}": it is internal`,
  );
}

function checkPartitionCount(count: number): void {
  if (count <= 0) {
    throw new ApiError(
      ErrorCode.INVALID_PARTITIONS,
      `Cannot create ${count} partitions: the minimum is 1`,
    );
  }
  if (count > MAX_PARTITIONS_PER_REQUEST) {
    throw new ApiError(
      ErrorCode.POLICY_VIOLATION,
      `Cannot create ${count} partitions: the maximum per request is ${MAX_PARTITIONS_PER_REQUEST}`,
    );
  }
}
