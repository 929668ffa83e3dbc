/**
 * The topics of this broker: looks them up, and creates, deletes and changes them.
 *
 * A mutation is checked here, committed to the cluster's metadata, and done when this broker has
 * followed: a topic that was created can be written to when `createTopic` resolves, one that was
 * deleted is gone. `topic_hosting.ts` does the following.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { randomUuid, ZERO_UUID } from "../../protocol/primitives/uuid.ts";
import { ApiError } from "../api_error.ts";
import type { ClusterState, TopicState } from "../cluster/cluster_state.ts";
import { RevisionConflictError } from "../cluster/metadata_store.ts";
import type { ConfigTexts } from "../settings/config.ts";
import type { Partition } from "./partition.ts";
import { checkAssignment, type ReplicaAssignment, spreadReplicas } from "./replica_assignment.ts";
import type { Topic } from "./topic.ts";
import { checkTopicConfigs, TopicConfig } from "./topic_config.ts";
import { TopicHosting, type TopicHostingOptions } from "./topic_hosting.ts";
import { checkTopicName, collisionKeyOf, isInternalTopic } from "./topic_name.ts";

/** A topic to create. */
export interface NewTopic {
  readonly name: string;
  /** Number of partitions; -1, or left out, for `num.partitions`. */
  readonly partitions?: number;
  /** Replicas of each; -1, or left out, for `default.replication.factor`. */
  readonly replicationFactor?: number;
  /** The brokers of each partition, instead of both numbers. */
  readonly assignment?: ReplicaAssignment;
  /** Settings that differ from the broker's defaults. */
  readonly configs?: ConfigTexts;
  /** Whether the broker itself creates it, as it may its internal topics. */
  readonly isInternal?: boolean;
}

/** What a created topic has come to. */
export interface CreatedTopic {
  readonly name: string;
  /** The zero UUID if nothing was created. */
  readonly id: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config: TopicConfig;
}

/** How to carry a mutation out. */
export interface MutationOptions {
  /** Whether only to check it. */
  readonly validateOnly?: boolean;
}

/** Partitions that one request may create, as in Kafka: each costs files and memory. */
export const MAX_PARTITIONS_PER_REQUEST = 10_000;

/** What a registry needs. */
export type TopicRegistryOptions = TopicHostingOptions;

/** The topics of one broker. */
export class TopicRegistry {
  readonly #options: TopicRegistryOptions;
  readonly #cluster: ClusterState;
  readonly #hosting: TopicHosting;
  /** Creations under way, by what names collide on. */
  readonly #creating: Map<string, Promise<unknown>> = new Map();

  private constructor(options: TopicRegistryOptions, hosting: TopicHosting) {
    this.#options = options;
    this.#cluster = options.cluster;
    this.#hosting = hosting;
  }

  /** Opens the logs of all partitions that the cluster's metadata places on this broker. */
  static async open(options: TopicRegistryOptions): Promise<TopicRegistry> {
    return new TopicRegistry(options, await TopicHosting.open(options));
  }

  /** A topic, if there is one of that name. */
  get(name: string): Topic | undefined {
    return this.#hosting.byName.get(name);
  }

  /** A topic, if there is one of that id. */
  byId(id: string): Topic | undefined {
    return this.#hosting.byId.get(id);
  }

  /** All topics, in no particular order. */
  all(): Iterable<Topic> {
    return this.#hosting.byName.values();
  }

  /** A partition, if there is one of that topic and index. */
  partition(topic: string, index: number): Partition | undefined {
    return this.#hosting.byName.get(topic)?.partitions[index];
  }

  /** Path of the data folder. */
  get logDirectory(): string {
    return this.#options.directory.path;
  }

  /** Id of the data folder; undefined if it has none. */
  get logDirectoryId(): string | undefined {
    return this.#options.directory.metaProperties?.directoryId;
  }

  /** Deletes segments that the topics' retention no longer keeps; gives way to others on the way. */
  async applyRetention(): Promise<void> {
    await this.#hosting.logManager.applyRetention(this.all());
  }

  /**
   * Resolves when it is on disk how far each log is there, where it starts, and which are deleted.
   *
   * @param signal Ends it early: the logs that it did not come to are as far as they were.
   */
  async checkpoint(signal?: AbortSignal): Promise<void> {
    await this.#hosting.logManager.checkpoint(signal);
  }

  /**
   * A topic that a client asked for and that is not there: creates it, if client and
   * `auto.create.topics.enable` allow that.
   *
   * @throws {ApiError} INVALID_TOPIC_EXCEPTION if there can be no such topic;
   *   UNKNOWN_TOPIC_OR_PARTITION if it is not to be created; what `createTopic` throws.
   */
  async autoCreate(name: string, isAllowed: boolean): Promise<Topic> {
    checkTopicName(name);
    if (!isAllowed || isInternalTopic(name) || !this.#isAutoCreateEnabled) {
      throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    }
    try {
      await this.createTopic({ name });
    } catch (error) {
      const isThere = error instanceof ApiError && error.code === ErrorCode.TOPIC_ALREADY_EXISTS;
      if (!isThere) throw error;
    }
    const topic = this.get(name);
    // Deleted again already, by somebody else.
    if (topic === undefined) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    return topic;
  }

  get #isAutoCreateEnabled(): boolean {
    return this.#options.config.get("auto.create.topics.enable");
  }

  /**
   * Compacts the topics that are to be, until none needs it.
   *
   * @param signal Ends it.
   */
  async compact(signal: AbortSignal): Promise<void> {
    const dedupeBytes = this.#options.config.get("log.cleaner.dedupe.buffer.size");
    await this.#hosting.logManager.compact(() => this.all(), { dedupeBytes, signal });
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
      await this.#hosting.settled(topic.name);
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
   * @throws {ApiError} INVALID_TOPIC_EXCEPTION if it is the broker's own;
   *   UNKNOWN_TOPIC_OR_PARTITION if it is gone already; TOPIC_DELETION_DISABLED, NOT_CONTROLLER.
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
    await this.#hosting.settled(name);
    this.#options.logger.info("Deleted topic", { topic: name, id });
  }

  /**
   * Grows a topic.
   *
   * @param count Partitions it is to have.
   * @param assignment The brokers of each new one.
   * @throws {ApiError} UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS unless that is more than it
   *   has, INVALID_REPLICA_ASSIGNMENT, INVALID_REPLICATION_FACTOR, INVALID_TOPIC_EXCEPTION,
   *   POLICY_VIOLATION, NOT_CONTROLLER, KAFKA_STORAGE_ERROR.
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
    await this.#hosting.settled(name);
    this.#options.logger.info("Added partitions to topic", { topic: name, partitions: count });
  }

  /**
   * Replaces what is set for a topic itself.
   *
   * @param change From what is set now to what is to be set; may be called more than once.
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
      if (options.validateOnly === true) return;
      await this.#cluster.setTopicConfigs(state, configs);
    });
    if (options.validateOnly === true) return;
    await this.#hosting.settled(name);
    this.#options.logger.info("Changed settings of topic", { topic: name });
  }

  /** Stops following the cluster. The logs stay open; their folder closes them. */
  async close(): Promise<void> {
    await this.#hosting.close();
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
    const brokers = this.#brokers;
    if (assignment !== undefined) {
      if (replicationFactor !== -1 || partitions !== -1) {
        throw new ApiError(
          ErrorCode.INVALID_REQUEST,
          "Cannot create topic: with an assignment of replicas, partitions and replication factor " +
            "must be -1",
        );
      }
      checkPartitionCount(assignment.length);
      checkAssignment(assignment, brokers);
      return assignment;
    }
    if (replicationFactor < -1 || replicationFactor === 0) {
      throw new ApiError(
        ErrorCode.INVALID_REPLICATION_FACTOR,
        `Cannot create topic: replication factor is ${replicationFactor}, the least is 1`,
      );
    }
    const { config } = this.#options;
    const count = partitions === -1 ? config.get("num.partitions") : partitions;
    checkPartitionCount(count);
    const factor = replicationFactor === -1
      ? config.get("default.replication.factor")
      : replicationFactor;
    return spreadReplicas(brokers, 0, count, factor);
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
      return spreadReplicas(this.#brokers, partitions.length, additional, replicationFactor);
    }
    if (assignment.length !== additional) {
      throw new ApiError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Cannot grow topic "${name}": ${additional} partitions are to be added, ` +
          `${assignment.length} are assigned`,
      );
    }
    checkAssignment(assignment, this.#brokers, replicationFactor);
    return assignment;
  }

  /** Brokers that can hold a replica; this one can before others can reach it. */
  /** How many brokers there are to have replicas. */
  get brokerCount(): number {
    return this.#brokers.length;
  }

  get #brokers(): readonly number[] {
    const ids = new Set(this.#cluster.brokers.map(({ id }) => id)).add(this.#cluster.nodeId);
    return [...ids].sort((a, b) => a - b);
  }
}

function alreadyExists(name: string): ApiError {
  return new ApiError(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic "${name}" already exists`);
}

function ensureNotInternal(action: string, name: string): void {
  if (!isInternalTopic(name)) return;
  throw new ApiError(
    ErrorCode.INVALID_TOPIC_EXCEPTION,
    `Cannot ${action} topic "${name}": it is the broker's own`,
  );
}

function checkPartitionCount(count: number): void {
  if (count <= 0) {
    throw new ApiError(
      ErrorCode.INVALID_PARTITIONS,
      `Cannot create ${count} partitions: the least is 1`,
    );
  }
  if (count > MAX_PARTITIONS_PER_REQUEST) {
    throw new ApiError(
      ErrorCode.POLICY_VIOLATION,
      `Cannot create ${count} partitions: ${MAX_PARTITIONS_PER_REQUEST} are allowed at a time`,
    );
  }
}
