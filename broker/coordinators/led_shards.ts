/**
 * The shards of the partitions that this broker leads, of one coordinator.
 *
 * An id belongs to the partition selected by its hash, and is coordinated by that partition's leader. A
 * shard is loaded when this broker becomes the leader, in the background, and closed when another does,
 * or when this one leads in another epoch. The topic is created when a coordinator is first requested.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import type { Logger } from "../logger.ts";
import { type CoordinatorTopic, partitionOf } from "./coordinator_topic.ts";
import type { Shard } from "./shard.ts";

/** Options of the shards of a coordinator. */
export interface LedShardsOptions<L, S extends Shard> {
  readonly topic: CoordinatorTopic<L>;
  readonly logger: Logger;
  /**
   * Loads what shards need. Called when there is a topic, again only if it has failed; undefined if all is
   * there. Default: nothing is needed.
   */
  prepare?(): Promise<void> | undefined;
  /** Creates the shard of a partition, which is not loaded yet. */
  open(index: number, log: L, leaderEpoch: number): S;
  /** Called when a shard has been loaded. */
  onLoaded(shard: S): void;
}

/** A partition that this broker leads, and the epoch that it does so in. */
interface Led<S> {
  readonly shard: S;
  readonly leaderEpoch: number;
}

/** The shards on this broker. */
export class LedShards<L, S extends Shard> {
  readonly #options: LedShardsOptions<L, S>;
  readonly #topic: CoordinatorTopic<L>;
  readonly #closing = new AbortController();
  readonly #loads: Set<Promise<void>> = new Set();
  readonly #stopFollowing: () => void;
  /** By partition; `undefined` if another broker is the leader. */
  #led: (Led<S> | undefined)[] = [];
  #creating: Promise<void> | undefined;
  /** Set while what shards need is loaded. */
  #preparing: Promise<void> | undefined;

  constructor(options: LedShardsOptions<L, S>) {
    this.#options = options;
    this.#topic = options.topic;
    this.#stopFollowing = options.topic.onChange(() => this.#followLeaders());
  }

  /** Starts loading what is led. */
  start(): void {
    this.#followLeaders();
  }

  /** Whether `close` was called. */
  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** All shards on this broker. */
  get all(): readonly S[] {
    return this.#led.flatMap((led) => led?.shard ?? []);
  }

  /** The shard of a partition; `undefined` if this broker does not lead it. */
  at(index: number): S | undefined {
    return this.#led[index]?.shard;
  }

  /** Resolves when all logs have been loaded. */
  async loaded(): Promise<void> {
    while (this.#loads.size > 0) await Promise.all(this.#loads);
  }

  /** Closes all shards. Waiting requests get NOT_COORDINATOR. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.#closing.abort(new DOMException("The coordinator is closing", "AbortError"));
    this.#stopFollowing();
    for (const shard of this.all) shard.close();
    await this.loaded();
  }

  /**
   * Creates the topic if necessary.
   *
   * @throws {ApiError} COORDINATOR_NOT_AVAILABLE if it cannot be created.
   */
  async ensureTopic(): Promise<void> {
    // The topic exists if what shards need is being loaded.
    if (this.#preparing !== undefined) await this.loaded();
    if (this.#led.length > 0) return;
    this.#creating ??= this.#create().finally(() => this.#creating = undefined);
    await this.#creating;
  }

  /**
   * Creates the topic if necessary.
   *
   * @returns The partition that an id belongs to.
   * @throws {ApiError} COORDINATOR_NOT_AVAILABLE if the topic cannot be created or the partition
   * cannot be read.
   */
  async findPartition(id: string): Promise<number> {
    await this.ensureTopic();
    const index = partitionOf(id, this.#topic.partitionCount);
    this.at(index)?.ensureNotFailed();
    return index;
  }

  /**
   * The shard of an id.
   *
   * @throws {ApiError} NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE while
   *   closing, or if another broker may have been elected.
   */
  of(id: string): S {
    const count = this.#led.length;
    return this.activeAt(count === 0 ? 0 : partitionOf(id, count));
  }

  /**
   * The shard of a partition.
   *
   * @throws {ApiError} As `of`.
   */
  activeAt(index: number): S {
    if (this.isClosed) throw new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    const shard = this.at(index);
    if (shard === undefined) {
      throw new ApiError(
        this.#preparing === undefined
          ? ErrorCode.NOT_COORDINATOR
          : ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
      );
    }
    if (!this.#topic.isServed(index)) throw new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    shard.ensureActive();
    return shard;
  }

  async #create(): Promise<void> {
    try {
      await this.#topic.create();
    } catch (error) {
      this.#options.logger.warn(`Cannot create ${this.#topic.name}`, { error });
      throw new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE, undefined, { cause: error });
    }
    this.#followLeaders();
    await this.loaded();
  }

  /** Loads the shards of partitions that this broker has come to lead, and closes others. */
  #followLeaders(): void {
    if (this.isClosed) return;
    const before = this.#led;
    const { partitionCount } = this.#topic;
    if (partitionCount > 0 && !this.#isPrepared()) return;
    for (const led of before.slice(partitionCount)) led?.shard.close();
    this.#led = Array.from({ length: partitionCount }, (_, index) => {
      const led = before[index];
      const leaderEpoch = this.#topic.leaderEpoch(index);
      if (led !== undefined && led.leaderEpoch === leaderEpoch) return led;
      led?.shard.close();
      const log = this.#topic.log(index);
      if (leaderEpoch === undefined || log === undefined) return undefined;
      return { leaderEpoch, shard: this.#open(index, log, leaderEpoch) };
    });
  }

  /** Whether shards can be opened. If not, they are once what they need is loaded. */
  #isPrepared(): boolean {
    if (this.#preparing !== undefined) return false;
    const preparing = this.#options.prepare?.();
    if (preparing === undefined) return true;
    this.#preparing = preparing;
    const load = this.#follow(preparing).finally(() => this.#loads.delete(load));
    this.#loads.add(load);
    return false;
  }

  async #follow(preparing: Promise<void>): Promise<void> {
    const { logger } = this.#options;
    try {
      await preparing;
    } catch (error) {
      logger.error(`Cannot load what coordinates ${this.#topic.name}`, { error });
      return;
    } finally {
      this.#preparing = undefined;
    }
    this.#followLeaders();
  }

  #open(index: number, log: L, leaderEpoch: number): S {
    const shard = this.#options.open(index, log, leaderEpoch);
    const load = this.#load(shard).finally(() => this.#loads.delete(load));
    this.#loads.add(load);
    return shard;
  }

  async #load(shard: S): Promise<void> {
    try {
      await shard.load(this.#closing.signal);
      if (shard.isActive) this.#options.onLoaded(shard);
    } catch (error) {
      if (!this.isClosed) shard.fail(error);
    }
  }
}
