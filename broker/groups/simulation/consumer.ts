/**
 * The common part of simulated consumers: reading, committing, hanging, dying.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import { DiskFullError } from "../../../storage/errors.ts";
import { ApiError } from "../../api_error.ts";
import type { ManualClock } from "../../time/clock.ts";
import type { GroupShard } from "../group_shard.ts";
import { commit, fetch } from "../offsets/requests.ts";
import type { Random } from "../../../protocol/random_testing.ts";
import type { Ledger } from "./ledger.ts";

export const TOPIC = "t";
export const SESSION_TIMEOUT_MS = 10_000;
export const REBALANCE_TIMEOUT_MS = 20_000;
const HEARTBEAT_INTERVAL_MS = 3000;

/** The environment of consumers. */
export interface World {
  readonly clock: ManualClock;
  readonly random: Random;
  /** The shard of a group, if it is available. */
  shard(groupId: string): GroupShard | undefined;
  /** Resolves to the promise's value if it only waits for writes; `undefined` if it fails. */
  settle<T>(promise: Promise<T>): Promise<T | undefined>;
}

/** A commit that was sent. */
interface PastCommit {
  readonly partition: number;
  readonly offset: number;
  readonly memberId: string;
  readonly generation: number;
}

/** A simulated consumer. */
export abstract class Consumer {
  readonly name: string;
  readonly groupId: string;
  protected readonly world: World;
  protected readonly ledger: Ledger;
  protected readonly instanceId: string | null;
  isHanging = false;
  /** Whether it is running. A consumer that died or left may return. */
  isRunning = false;
  /** Next offsets to read by partition; `undefined` while it has no assignment. */
  positions: Map<number, number> | undefined;
  #lastHeartbeatMs = 0;
  readonly #last: Map<number, PastCommit> = new Map();

  constructor(
    world: World,
    groupId: string,
    ledger: Ledger,
    name: string,
    instanceId: string | null,
  ) {
    this.world = world;
    this.groupId = groupId;
    this.ledger = ledger;
    this.name = name;
    this.instanceId = instanceId;
  }

  /** Its current or last member id. */
  abstract get memberId(): string;
  /** Its generation or member epoch. */
  abstract get generation(): number;
  /** Whether it is running, waits for no response and has nothing to do. */
  abstract get isSettled(): boolean;
  /** The version of OffsetCommit that it uses. */
  protected abstract readonly commitVersion: number;
  /** Performs the next step of the protocol. */
  protected abstract step(shard: GroupShard): void | Promise<void>;
  protected abstract beat(shard: GroupShard): void;
  protected abstract sendLeave(shard: GroupShard): void;
  /** Clears the membership. */
  protected abstract forget(): void;
  protected abstract actOn(errorCode: number): void;
  /** Handles the loss of the coordinator. */
  abstract disconnect(): void;

  /** Its identity, independent of its member id. */
  protected get owner(): string {
    return this.instanceId ?? this.memberId;
  }

  start(): void {
    this.isRunning = true;
  }

  /** Dies without leaving, and loses its state. */
  die(): void {
    this.isRunning = this.isHanging = false;
    this.forget();
  }

  async act(): Promise<void> {
    const shard = this.world.shard(this.groupId);
    if (this.isRunning && !this.isHanging && shard !== undefined) await this.step(shard);
  }

  leave(): void {
    const shard = this.world.shard(this.groupId);
    if (!this.isRunning || this.isHanging || shard === undefined) return;
    this.sendLeave(shard);
    this.die();
  }

  /** Sends a heartbeat that is due. */
  keepAlive(): void {
    const shard = this.world.shard(this.groupId);
    if (!this.isRunning || this.isHanging || !this.isSettled || shard === undefined) return;
    const nowMs = this.world.clock.now();
    if (nowMs - this.#lastHeartbeatMs < HEARTBEAT_INTERVAL_MS) return;
    this.#lastHeartbeatMs = nowMs;
    this.beat(shard);
  }

  /** Reads and commits some records, even if it should know better. */
  work(): void {
    if (!this.isRunning || !this.positions?.size) return;
    const partition = this.world.random.pick([...this.positions.keys()]);
    const offset = this.positions.get(partition)! + this.world.random.below(5);
    this.positions.set(partition, offset);
    const commit = { partition, offset, memberId: this.memberId, generation: this.generation };
    this.#last.set(partition, commit);
    const errorCode = this.#commit(commit);
    if (!this.isHanging) this.actOn(errorCode);
  }

  /** Sends its last commit of a partition again, whatever happened since. */
  workLate(): void {
    if (this.#last.size === 0) return;
    const late = this.world.random.pick([...this.#last.values()]);
    const isCurrent = late.memberId === this.memberId && late.generation === this.generation;
    // If it owns the partition in this generation, it would undo its own work.
    if (!isCurrent || !this.positions?.has(late.partition)) this.#commit(late);
  }

  #commit({ partition, offset, memberId, generation }: PastCommit): number {
    const shard = this.world.shard(this.groupId);
    if (shard === undefined) return ErrorCode.NONE;
    const request = {
      groupId: this.groupId,
      generationIdOrMemberEpoch: generation,
      memberId,
      groupInstanceId: this.instanceId,
      retentionTimeMs: -1,
      topics: [{
        name: TOPIC,
        topicId: ZERO_UUID,
        partitions: [{
          partitionIndex: partition,
          committedOffset: offset,
          committedLeaderEpoch: -1,
          committedMetadata: "",
        }],
      }],
    };
    try {
      // Not awaited: the acknowledgement may come long after a rebalance.
      Promise.resolve(commit(shard, request, this.commitVersion)).then(
        ([topic]) => {
          const { errorCode } = topic!.partitions[0]!;
          if (errorCode === ErrorCode.NONE) this.ledger.acknowledged(partition, offset);
        },
        () => {},
      );
      return ErrorCode.NONE;
    } catch (error) {
      if (error instanceof DiskFullError) return ErrorCode.NONE;
      if (error instanceof ApiError) return error.code;
      throw error;
    }
  }

  /** The group's committed offsets of some partitions; `undefined` if not available now. */
  protected async committed(
    shard: GroupShard,
    partitions: readonly number[],
  ): Promise<Map<number, number> | undefined> {
    const topics = [{ name: TOPIC, topicId: ZERO_UUID, partitionIndexes: [...partitions] }];
    const request = { groupId: this.groupId, memberId: null, memberEpoch: -1, topics };
    const fetched = await this.world.settle(Promise.resolve(fetch(shard, request)));
    if (fetched === undefined) return undefined;
    const offsets = new Map<number, number>();
    for (const { partitionIndex, committedOffset } of fetched[0]!.partitions) {
      this.ledger.read(partitionIndex, committedOffset);
      offsets.set(partitionIndex, Math.max(0, committedOffset));
    }
    return offsets;
  }
}
