/**
 * The group coordinator of a broker: the groups it coordinates and the life cycle of their shards.
 *
 * A group belongs to the partition of `__consumer_offsets` selected by the hash of its id, and is
 * coordinated by that partition's leader (`../coordinators/`).
 *
 * @module
 */

import { LedShards } from "../coordinators/led_shards.ts";
import type { Clock } from "../time/clock.ts";
import type { ConfigTexts } from "../settings/config.ts";
import type { Logger } from "../logger.ts";
import { type Deadline, DeadlineQueue } from "./deadlines.ts";
import type { GroupShard } from "./group_shard.ts";
import type { GroupLog } from "./group_log.ts";
import type { GroupTopics } from "./group_topics.ts";
import type { OffsetsTopic } from "./offsets_topic.ts";
import { GroupCounters } from "../metrics/broker_counters.ts";
import type { GroupConfig } from "../settings/group_settings.ts";

/** Loaded when it is needed. */
const SHARDS = "./shards.ts";

type Shards = typeof import("./shards.ts");

let shards: Shards | undefined;
let loading: Promise<Shards> | undefined;

/** Loads what groups need. It is called again only if it has failed. */
export async function loadGroups(): Promise<void> {
  try {
    shards = await (loading ??= import(SHARDS));
  } finally {
    loading = undefined;
  }
}

/** Options of {@linkcode GroupCoordinator.start}. */
export interface GroupCoordinatorOptions {
  readonly topic: OffsetsTopic;
  /** The topics that groups can subscribe to. */
  readonly topics: GroupTopics;
  readonly config: GroupConfig;
  /** Settings of single groups, which take precedence. Default: none. */
  readonly configsOf?: (groupId: string) => ConfigTexts;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What is counted. Default: nobody looks at it. */
  readonly counters?: GroupCounters;
  /** Generates unique ids. Default: random UUIDs. */
  readonly uniqueId?: () => string;
}

/** The coordinator of the groups whose partitions this broker leads. */
export class GroupCoordinator {
  readonly #shards: LedShards<GroupLog, GroupShard>;
  readonly #topics: GroupTopics;
  readonly #stopFollowing: () => void;
  readonly #config: GroupConfig;
  readonly #configsOf: GroupCoordinatorOptions["configsOf"];
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #counters: GroupCounters;
  readonly #uniqueId: () => string;
  readonly #deadlines: DeadlineQueue;
  readonly #expiry: Deadline;

  private constructor(options: GroupCoordinatorOptions) {
    this.#topics = options.topics;
    this.#config = options.config;
    this.#configsOf = options.configsOf;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#counters = options.counters ?? new GroupCounters();
    this.#uniqueId = options.uniqueId ?? (() => crypto.randomUUID());
    this.#deadlines = new DeadlineQueue(options.clock, (error) => {
      this.#logger.error("Group failed unexpectedly", { error });
    });
    this.#expiry = this.#deadlines.deadline(() => void this.#expire());
    this.#stopFollowing = options.topics.onChange((name, isDeleted) =>
      this.#topicChanged(name, isDeleted)
    );
    this.#shards = new LedShards({
      topic: options.topic,
      logger: options.logger,
      prepare: () => shards === undefined ? loadGroups() : undefined,
      open: (index, log) => this.#openShard(index, log),
      onLoaded: (shard) => {
        this.#startSessions(shard);
        this.#forgetMissingTopics(shard);
      },
    });
  }

  /** Starts coordinating; existing logs are loaded in the background. */
  static start(options: GroupCoordinatorOptions): GroupCoordinator {
    const coordinator = new GroupCoordinator(options);
    coordinator.#shards.start();
    coordinator.#scheduleExpiry();
    return coordinator;
  }

  /** Resolves when all logs have been loaded. */
  async loaded(): Promise<void> {
    await this.#shards.loaded();
  }

  /** Stops coordinating. Waiting requests get NOT_COORDINATOR. */
  async close(): Promise<void> {
    if (this.#shards.isClosed) return;
    this.#stopFollowing();
    const closed = this.#shards.close();
    this.#deadlines.clear();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The shards on this broker. */
  get shards(): readonly GroupShard[] {
    return this.#shards.all;
  }

  /**
   * Creates the offsets topic if necessary.
   *
   * @throws {ApiError} COORDINATOR_NOT_AVAILABLE if it cannot be created.
   */
  async ensureTopic(): Promise<void> {
    await this.#shards.ensureTopic();
  }

  /**
   * Creates the offsets topic if necessary.
   *
   * @returns The partition of `__consumer_offsets` that the group belongs to.
   * @throws {ApiError} COORDINATOR_NOT_AVAILABLE if the topic cannot be created or the partition
   * cannot be read.
   */
  async findPartition(groupId: string): Promise<number> {
    return await this.#shards.findPartition(groupId);
  }

  /**
   * The shard of a group.
   *
   * @throws {ApiError} NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE while
   *   closing, or if another broker may have been elected.
   */
  shardOf(groupId: string): GroupShard {
    return this.#shards.of(groupId);
  }

  /**
   * To be called before the marker of a transaction is appended to a partition.
   *
   * @throws {ApiError} NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE.
   */
  ensureLoaded(partitionIndex: number): void {
    this.#shards.activeAt(partitionIndex);
  }

  /**
   * Ends a producer's transaction in the groups of a partition. To be called when the marker is
   * committed.
   */
  endTransaction(partitionIndex: number, producerId: number, isCommit: boolean): void {
    this.#shards.at(partitionIndex)?.endTransaction(producerId, isCommit);
  }

  /** Subscribed members learn of the change with their next heartbeat. */
  #topicChanged(name: string, isDeleted: boolean): void {
    for (const shard of this.shards) {
      if (!shard.isActive) continue;
      for (const group of shard.groups) group.topicChanged(name);
      if (!isDeleted) continue;
      this.#guard("delete the offsets of a deleted topic", () => shards!.forgetTopic(shard, name));
    }
  }

  #openShard(index: number, log: GroupLog): GroupShard {
    return new shards!.GroupShard(index, log, {
      clock: this.#clock,
      config: this.#config,
      configsOf: this.#configsOf,
      deadlines: this.#deadlines,
      topics: this.#topics,
      logger: this.#logger,
      counters: this.#counters,
      uniqueId: this.#uniqueId,
    });
  }

  /** Starts a full session for every member restored from the log. */
  #startSessions(shard: GroupShard): void {
    for (const group of shard.groups) {
      if (group.type === "consumer") shards!.startSessions(shard, group);
      else shards!.startClassicSessions(shard.environment, group);
    }
  }

  /** Deletes offsets of topics whose deletion was interrupted by a crash. */
  #forgetMissingTopics(shard: GroupShard): void {
    const names = new Set<string>();
    for (const offsets of [shard.offsets, shard.pending]) {
      for (const groupId of offsets.groupIds()) {
        for (const name of offsets.ofGroup(groupId)!.keys()) names.add(name);
      }
    }
    for (const name of names) {
      if (this.#topics.topic(name) !== undefined) continue;
      this.#guard("delete the offsets of a missing topic", () => shards!.forgetTopic(shard, name));
    }
  }

  #scheduleExpiry(): void {
    this.#expiry.setIn(this.#config.get("offsets.retention.check.interval.ms"));
  }

  async #expire(): Promise<void> {
    for (const shard of this.shards) {
      if (this.#shards.isClosed) return;
      if (!shard.isActive) continue;
      this.#guard("delete expired offsets", () => shards!.expireGroups(shard));
      await this.#clock.yield();
    }
    if (!this.#shards.isClosed) this.#scheduleExpiry();
  }

  #guard(what: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#logger.error(`Cannot ${what}`, { error });
    }
  }
}
