/**
 * The groups stored in one partition of `__consumer_offsets`: their state, how it is loaded from
 * the log, and how changes are written.
 *
 * The state is defined by the log, except for sessions and rebalances in progress of classic
 * groups. A change is appended first; if that fails, nothing changes. Then it is applied, and
 * acknowledged when it is durable. A response therefore never contains state that a crash could
 * undo, and reads wait for earlier appends of their group.
 *
 * If appended records do not become durable, the state is ahead of the log and not usable: the
 * shard fails until it is loaded again.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ZERO_UUID } from "../../protocol/primitives/uuid.ts";
import type { Verification } from "../../storage/log/producers/mod.ts";
import { coordinatorErrorCode, Shard } from "../coordinators/shard.ts";
import { ClassicGroup } from "./classic/classic_group.ts";
import { groupFromRecord } from "./classic/load.ts";
import { ConsumerGroup, type ConsumerGroupRecord } from "./consumer/consumer_group.ts";
import type { GroupEnvironment } from "./environment.ts";
import {
  type GroupLog,
  type GroupTransaction,
  NO_PRODUCER,
  type RecordPlace,
} from "./group_log.ts";
import { offsetFromRecord, OffsetStore } from "./offsets/offset_store.ts";
import { OFFSETS_TOPIC } from "./offsets_topic.ts";
import { PendingOffsets } from "./offsets/pending_offsets.ts";
import type { GroupRecord, RecordOf } from "./records/group_record.ts";

/** Options shared by all shards of a coordinator. */
export type ShardOptions = Omit<GroupEnvironment, "write">;

/** Defaults of fields missing in the oldest version of a committed offset. */
const LEGACY_DEFAULTS = { leaderEpoch: -1, expireTimestamp: -1, topicId: ZERO_UUID };

/** A group, narrowed by its `type` where the protocols differ. */
export type AnyGroup = ClassicGroup | ConsumerGroup;

/** The groups of one partition. */
export class GroupShard extends Shard {
  readonly offsets: OffsetStore = new OffsetStore();
  /** Offsets committed in open transactions. */
  readonly pending: PendingOffsets = new PendingOffsets();
  /** The environment of the groups. */
  readonly environment: GroupEnvironment;
  readonly #log: GroupLog;
  readonly #groups: Map<string, AnyGroup> = new Map();
  /** When the last append of each group becomes durable. */
  readonly #unstable: Map<string, Promise<void>> = new Map();

  constructor(index: number, log: GroupLog, options: ShardOptions) {
    super({ index, topic: OFFSETS_TOPIC, what: "groups", logger: options.logger });
    this.#log = log;
    this.environment = {
      ...options,
      write: (groupId, records, done) => this.#write(groupId, records, done),
    };
  }

  /** All groups. */
  get groups(): Iterable<AnyGroup> {
    return this.#groups.values();
  }

  group(groupId: string): AnyGroup | undefined {
    return this.#groups.get(groupId);
  }

  /** The KIP-848 group, if it exists. */
  consumerGroup(groupId: string): ConsumerGroup | undefined {
    const group = this.#groups.get(groupId);
    return group?.type === "consumer" ? group : undefined;
  }

  /** Creates an empty classic group, not yet written. */
  createClassicGroup(groupId: string): ClassicGroup {
    const group = new ClassicGroup({ groupId, nowMs: this.environment.clock.now() });
    this.#groups.set(groupId, group);
    return group;
  }

  /** The caller starts the members' sessions. */
  protected override async replay(signal: AbortSignal): Promise<void> {
    await this.#log.replay({
      record: (record, place) => this.#apply(record, place),
      endTransaction: (producerId, isCommit) => this.#endTransaction(producerId, isCommit),
    }, signal);
  }

  protected override stop(): void {
    for (const groupId of [...this.#groups.keys()]) {
      this.#drop(groupId, ErrorCode.NOT_COORDINATOR);
    }
    this.#unstable.clear();
  }

  /**
   * Appends and applies records. Returns a promise that resolves when they are durable, or
   * `undefined` if they already are. Offsets committed in a transaction are pending until it ends.
   *
   * @throws {Error} If they could not be appended; nothing has changed then.
   */
  commit(
    groupId: string,
    records: readonly GroupRecord[],
    atomic: boolean,
    transaction?: GroupTransaction,
  ): Promise<void> | undefined {
    if (records.length === 0) return this.stable(groupId);
    const nowMs = this.environment.clock.now();
    const { firstOffset, committed } = this.#log.append(records, { nowMs, atomic, transaction });
    const producerId = transaction?.producerId ?? NO_PRODUCER;
    for (let i = 0; i < records.length; i++) {
      this.#apply(records[i]!, { offset: firstOffset + i, producerId });
    }
    if (committed !== undefined) this.#await(groupId, committed);
    return committed;
  }

  /**
   * Announces a commit in a transaction before its coordinator is asked.
   *
   * @returns `undefined` if the transaction is open in the log, so that nothing need be asked.
   */
  startVerification(producerId: number, producerEpoch: number): Verification | undefined {
    return this.#log.startVerification(producerId, producerEpoch);
  }

  /**
   * Ends a producer's transaction, whose marker in the log is committed: its pending offsets become
   * the committed ones, or are dropped. A shard that is being loaded finds the marker in its log.
   */
  endTransaction(producerId: number, isCommit: boolean): void {
    if (this.isActive) this.#endTransaction(producerId, isCommit);
  }

  #endTransaction(producerId: number, isCommit: boolean): void {
    for (const { groupId, topic, partition, committed } of this.pending.take(producerId)) {
      if (!isCommit) continue;
      // Compaction keeps the last record, whether the transaction ended before or after it.
      const existing = this.offsets.get(groupId, topic, partition);
      if (existing !== undefined && existing.recordOffset > committed.recordOffset) continue;
      this.offsets.set(groupId, topic, partition, committed);
    }
  }

  /** Resolves when all appends of a group are durable; `undefined` if they already are. */
  stable(groupId: string): Promise<void> | undefined {
    return this.#unstable.get(groupId);
  }

  #write(
    groupId: string,
    records: readonly GroupRecord[],
    done: (errorCode: number) => void,
  ): void {
    const { clock, logger } = this.environment;
    let durable: Promise<void> | undefined;
    try {
      durable = this.#log.append(records, { nowMs: clock.now(), atomic: true }).committed;
    } catch (error) {
      return done(coordinatorErrorCode(error, logger));
    }
    if (durable === undefined) return done(ErrorCode.NONE);
    this.#await(groupId, durable);
    durable.then(() => done(ErrorCode.NONE), () => {}).catch((error) => {
      logger.error("Group failed unexpectedly", { group: groupId, error });
    });
  }

  #await(groupId: string, durable: Promise<void>): void {
    this.#unstable.set(groupId, durable);
    const settle = () => {
      if (this.#unstable.get(groupId) === durable) this.#unstable.delete(groupId);
    };
    durable.then(settle, (error) => {
      settle();
      this.fail(error);
    });
  }

  #apply(record: GroupRecord, place: RecordPlace): void {
    switch (record.kind) {
      case "legacyOffsetCommit":
      case "offsetCommit":
        return this.#applyOffset(record, place);
      case "classicGroup":
        return this.#applyClassicGroup(record);
      default:
        return this.#applyConsumerGroup(record);
    }
  }

  #applyOffset(
    { key, value }: RecordOf<"legacyOffsetCommit"> | RecordOf<"offsetCommit">,
    { offset, producerId }: RecordPlace,
  ): void {
    const { group, topic, partition } = key;
    if (value === null) {
      this.offsets.delete(group, topic, partition);
      this.pending.delete(group, topic, partition);
      return;
    }
    // Offsets committed without a group create one, so that they can be found.
    if (!this.#groups.has(group)) this.createClassicGroup(group);
    const committed = offsetFromRecord({ ...LEGACY_DEFAULTS, ...value }, offset);
    if (producerId === NO_PRODUCER) this.offsets.set(group, topic, partition, committed);
    else this.pending.set(producerId, group, topic, partition, committed);
  }

  #applyClassicGroup({ key, value }: RecordOf<"classicGroup">): void {
    this.#drop(key.group, ErrorCode.REBALANCE_IN_PROGRESS);
    if (value === null) return;
    this.#groups.set(key.group, groupFromRecord(this.environment, key.group, value));
  }

  #applyConsumerGroup(record: ConsumerGroupRecord): void {
    const { groupId } = record.key;
    let group = this.consumerGroup(groupId);
    if (group === undefined) {
      // The last tombstone of a deleted group.
      if (record.value === null) return;
      this.#drop(groupId, ErrorCode.REBALANCE_IN_PROGRESS);
      this.#groups.set(groupId, group = new ConsumerGroup(groupId));
    }
    group.apply(record);
    if (record.kind === "consumerGroup" && record.value === null) {
      this.#drop(groupId, ErrorCode.REBALANCE_IN_PROGRESS);
    }
  }

  /** Removes a group; its waiting requests get an error. */
  #drop(groupId: string, errorCode: number): void {
    this.#groups.get(groupId)?.shutDown(errorCode, this.environment.clock.now());
    this.#groups.delete(groupId);
  }
}
