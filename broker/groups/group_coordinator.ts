/**
 * The group coordinator of a broker: the groups it coordinates and the life cycle of their shards.
 *
 * A group belongs to the partition of `__consumer_offsets` selected by the hash of its id, and is
 * coordinated by that partition's leader. Its groups are loaded when this broker becomes the leader,
 * and unloaded when another does. The topic is created when a coordinator is first requested.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import type { Clock } from "../time/clock.ts";
import type { ConfigTexts } from "../settings/config.ts";
import type { Logger } from "../logger.ts";
import { expireGroups, forgetTopic } from "./administration.ts";
import { startSessions as startClassicSessions } from "./classic/load.ts";
import { startSessions } from "./consumer/fence.ts";
import { type Deadline, DeadlineQueue } from "./deadlines.ts";
import { GroupShard } from "./group_shard.ts";
import type { GroupLog } from "./group_log.ts";
import type { GroupTopics } from "./group_topics.ts";
import type { OffsetsTopic } from "./offsets_topic.ts";
import { GroupCounters } from "../metrics/broker_counters.ts";
import type { GroupConfig } from "../settings/group_settings.ts";

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

/** The groups of a partition that this broker leads, and the epoch that it does so in. */
interface LedShard {
  readonly shard: GroupShard;
  readonly leaderEpoch: number;
}

/** The coordinator of the groups whose partitions this broker leads. */
export class GroupCoordinator {
  readonly #topic: OffsetsTopic;
  readonly #topics: GroupTopics;
  readonly #stopFollowing: (() => void)[];
  readonly #config: GroupConfig;
  readonly #configsOf: GroupCoordinatorOptions["configsOf"];
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #counters: GroupCounters;
  readonly #uniqueId: () => string;
  readonly #deadlines: DeadlineQueue;
  readonly #expiry: Deadline;
  readonly #closing = new AbortController();
  readonly #loads: Set<Promise<void>> = new Set();
  /** By partition; `undefined` if another broker is the leader. */
  #shards: (LedShard | undefined)[] = [];
  #creating: Promise<void> | undefined;

  private constructor(options: GroupCoordinatorOptions) {
    this.#topic = options.topic;
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
    this.#stopFollowing = [
      options.topics.onChange((name, isDeleted) => this.#topicChanged(name, isDeleted)),
      options.topic.onChange(() => this.#followLeaders()),
    ];
  }

  /** Starts coordinating; existing logs are loaded in the background. */
  static start(options: GroupCoordinatorOptions): GroupCoordinator {
    const coordinator = new GroupCoordinator(options);
    coordinator.#followLeaders();
    coordinator.#scheduleExpiry();
    return coordinator;
  }

  /** Resolves when all logs have been loaded. */
  async loaded(): Promise<void> {
    await Promise.all(this.#loads);
  }

  /** Stops coordinating. Waiting requests get NOT_COORDINATOR. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new DOMException("The group coordinator is closing", "AbortError"));
    for (const stop of this.#stopFollowing) stop();
    for (const shard of this.shards) shard.close();
    this.#deadlines.clear();
    await this.loaded();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The shards on this broker. */
  get shards(): readonly GroupShard[] {
    return this.#shards.flatMap((led) => led?.shard ?? []);
  }

  /**
   * Creates the offsets topic if necessary.
   *
   * @throws {ApiError} COORDINATOR_NOT_AVAILABLE if it cannot be created.
   */
  async ensureTopic(): Promise<void> {
    if (this.#shards.length > 0) return;
    this.#creating ??= this.#create().finally(() => this.#creating = undefined);
    await this.#creating;
  }

  /**
   * Creates the offsets topic if necessary.
   *
   * @returns The partition of `__consumer_offsets` that the group belongs to.
   * @throws {ApiError} COORDINATOR_NOT_AVAILABLE if the topic cannot be created or the partition
   * cannot be read.
   */
  async findPartition(groupId: string): Promise<number> {
    await this.ensureTopic();
    const index = partitionOf(groupId, this.#topic.partitionCount);
    this.#shards[index]?.shard.ensureNotFailed();
    return index;
  }

  /**
   * The shard of a group.
   *
   * @throws {ApiError} NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE while
   *   closing, or if another broker may have been elected.
   */
  shardOf(groupId: string): GroupShard {
    if (this.#closing.signal.aborted) throw new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    const count = this.#shards.length;
    const index = count === 0 ? 0 : partitionOf(groupId, count);
    const shard = this.#shards[index]?.shard;
    if (shard === undefined) throw new ApiError(ErrorCode.NOT_COORDINATOR);
    if (!this.#topic.isServed(index)) throw new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    shard.ensureActive();
    return shard;
  }

  /** Subscribed members learn of the change with their next heartbeat. */
  #topicChanged(name: string, isDeleted: boolean): void {
    for (const shard of this.shards) {
      if (!shard.isActive) continue;
      for (const group of shard.groups) group.topicChanged(name);
      if (!isDeleted) continue;
      this.#guard("delete the offsets of a deleted topic", () => forgetTopic(shard, name));
    }
  }

  async #create(): Promise<void> {
    try {
      await this.#topic.create();
    } catch (error) {
      this.#logger.warn("Cannot create __consumer_offsets", { error });
      throw new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE, undefined, { cause: error });
    }
    this.#followLeaders();
    await this.loaded();
  }

  /** Loads the groups of partitions that this broker has come to lead, and unloads others. */
  #followLeaders(): void {
    if (this.#closing.signal.aborted) return;
    const before = this.#shards;
    const { partitionCount } = this.#topic;
    for (const led of before.slice(partitionCount)) led?.shard.close();
    this.#shards = Array.from({ length: partitionCount }, (_, index) => {
      const led = before[index];
      const leaderEpoch = this.#topic.leaderEpoch(index);
      if (led !== undefined && led.leaderEpoch === leaderEpoch) return led;
      led?.shard.close();
      const log = this.#topic.log(index);
      if (leaderEpoch === undefined || log === undefined) return undefined;
      return { leaderEpoch, shard: this.#openShard(index, log) };
    });
  }

  #openShard(index: number, log: GroupLog): GroupShard {
    const shard = new GroupShard(index, log, {
      clock: this.#clock,
      config: this.#config,
      configsOf: this.#configsOf,
      deadlines: this.#deadlines,
      topics: this.#topics,
      logger: this.#logger,
      counters: this.#counters,
      uniqueId: this.#uniqueId,
    });
    const load = this.#load(shard).finally(() => this.#loads.delete(load));
    this.#loads.add(load);
    return shard;
  }

  async #load(shard: GroupShard): Promise<void> {
    try {
      await shard.load(this.#closing.signal);
      this.#startSessions(shard);
      this.#forgetMissingTopics(shard);
    } catch (error) {
      if (!this.#closing.signal.aborted) shard.fail(error);
    }
  }

  /** Starts a full session for every member restored from the log. */
  #startSessions(shard: GroupShard): void {
    if (!shard.isActive) return;
    for (const group of shard.groups) {
      if (group.type === "consumer") startSessions(shard, group);
      else startClassicSessions(shard.environment, group);
    }
  }

  /** Deletes offsets of topics whose deletion was interrupted by a crash. */
  #forgetMissingTopics(shard: GroupShard): void {
    if (!shard.isActive) return;
    const names = new Set<string>();
    for (const groupId of shard.offsets.groupIds()) {
      for (const name of shard.offsets.ofGroup(groupId)!.keys()) names.add(name);
    }
    for (const name of names) {
      if (this.#topics.topic(name) !== undefined) continue;
      this.#guard("delete the offsets of a missing topic", () => forgetTopic(shard, name));
    }
  }

  #scheduleExpiry(): void {
    this.#expiry.setIn(this.#config.get("offsets.retention.check.interval.ms"));
  }

  async #expire(): Promise<void> {
    for (const shard of this.shards) {
      if (this.#closing.signal.aborted) return;
      if (!shard.isActive) continue;
      this.#guard("delete expired offsets", () => expireGroups(shard));
      await this.#clock.yield();
    }
    if (!this.#closing.signal.aborted) this.#scheduleExpiry();
  }

  #guard(what: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#logger.error(`Cannot ${what}`, { error });
    }
  }
}

/** The partition of `__consumer_offsets` that a group belongs to, as in Kafka. */
export function partitionOf(groupId: string, partitionCount: number): number {
  return Math.abs(javaHashCode(groupId)) % partitionCount;
}

/**
 * Java's `String.hashCode`, but 0 for the minimum int, whose absolute value does not fit: Kafka
 * avoids negative partitions this way.
 */
function javaHashCode(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (31 * hash + text.charCodeAt(i)) | 0;
  return hash === -(2 ** 31) ? 0 : hash;
}
