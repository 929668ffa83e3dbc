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
import { ApiError, errorCodeOf } from "../api_error.ts";
import type { Logger } from "../logger.ts";
import { ClassicGroup } from "./classic/classic_group.ts";
import { groupFromRecord } from "./classic/load.ts";
import { ConsumerGroup, type ConsumerGroupRecord } from "./consumer/consumer_group.ts";
import type { GroupEnvironment } from "./environment.ts";
import type { GroupLog } from "./group_log.ts";
import { offsetFromRecord, OffsetStore } from "./offsets/offset_store.ts";
import type { GroupRecord, RecordOf } from "./records/group_record.ts";

/** Options shared by all shards of a coordinator. */
export type ShardOptions = Omit<GroupEnvironment, "write">;

/** Defaults of fields missing in the oldest version of a committed offset. */
const LEGACY_DEFAULTS = { leaderEpoch: -1, expireTimestamp: -1, topicId: ZERO_UUID };

/** A group, narrowed by its `type` where the protocols differ. */
export type AnyGroup = ClassicGroup | ConsumerGroup;

type ShardState = "loading" | "active" | "failed" | "closed";

/** The groups of one partition. */
export class GroupShard {
  readonly index: number;
  readonly offsets: OffsetStore = new OffsetStore();
  /** The environment of the groups. */
  readonly environment: GroupEnvironment;
  readonly #log: GroupLog;
  readonly #groups: Map<string, AnyGroup> = new Map();
  /** When the last append of each group becomes durable. */
  readonly #unstable: Map<string, Promise<void>> = new Map();
  #state: ShardState = "loading";
  #failure: string | undefined;

  constructor(index: number, log: GroupLog, options: ShardOptions) {
    this.index = index;
    this.#log = log;
    this.environment = {
      ...options,
      write: (groupId, records, done) => this.#write(groupId, records, done),
    };
  }

  /** Whether requests are served. */
  get isActive(): boolean {
    return this.#state === "active";
  }

  /** Whether the log has failed. */
  get hasFailed(): boolean {
    return this.#state === "failed";
  }

  /** @throws {ApiError} COORDINATOR_NOT_AVAILABLE with the reason, if the log has failed. */
  ensureNotFailed(): void {
    if (this.#state !== "failed") return;
    throw new ApiError(
      ErrorCode.COORDINATOR_NOT_AVAILABLE,
      `Groups of partition ${this.index} of __consumer_offsets are not coordinated: ${this.#failure}`,
    );
  }

  /** All groups. */
  get groups(): Iterable<AnyGroup> {
    return this.#groups.values();
  }

  /** @throws {ApiError} COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR. */
  ensureActive(): void {
    if (this.#state === "active") return;
    throw new ApiError(
      this.#state === "loading"
        ? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        : ErrorCode.NOT_COORDINATOR,
    );
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

  /**
   * Loads the log and starts serving. The caller starts the members' sessions.
   *
   * @throws {Error} If the log cannot be read, or the signal's reason.
   */
  async load(signal: AbortSignal): Promise<void> {
    await this.#log.replay((record) => this.#apply(record), signal);
    if (this.#state !== "loading") return;
    this.#state = "active";
  }

  /** Stops serving; waiting requests get NOT_COORDINATOR. */
  close(): void {
    if (this.#state === "closed") return;
    this.#stop("closed");
  }

  /** Stops serving because the log has failed. */
  fail(error: unknown): void {
    if (this.#state === "closed" || this.#state === "failed") return;
    this.#failure = error instanceof Error ? error.message : String(error);
    this.environment.logger.error(
      "Stopped coordinating groups because their log failed. If it is damaged, stop the broker and " +
        'restore it from a copy, or give up what is lost with "dqueue log repair"',
      { partition: this.index, error },
    );
    this.#stop("failed");
  }

  #stop(state: ShardState): void {
    this.#state = state;
    for (const groupId of [...this.#groups.keys()]) {
      this.#drop(groupId, ErrorCode.NOT_COORDINATOR);
    }
    this.#unstable.clear();
  }

  /**
   * Appends and applies records. Returns a promise that resolves when they are durable, or
   * `undefined` if they already are.
   *
   * @throws {Error} If they could not be appended; nothing has changed then.
   */
  commit(
    groupId: string,
    records: readonly GroupRecord[],
    atomic: boolean,
  ): Promise<void> | undefined {
    if (records.length === 0) return this.stable(groupId);
    const nowMs = this.environment.clock.now();
    const durable = this.#log.append(records, { nowMs, atomic });
    for (const record of records) this.#apply(record);
    if (durable !== undefined) this.#await(groupId, durable);
    return durable;
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
      durable = this.#log.append(records, { nowMs: clock.now(), atomic: true });
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

  #apply(record: GroupRecord): void {
    switch (record.kind) {
      case "legacyOffsetCommit":
      case "offsetCommit":
        return this.#applyOffset(record);
      case "classicGroup":
        return this.#applyClassicGroup(record);
      default:
        return this.#applyConsumerGroup(record);
    }
  }

  #applyOffset({ key, value }: RecordOf<"legacyOffsetCommit"> | RecordOf<"offsetCommit">): void {
    const { group, topic, partition } = key;
    if (value === null) return this.offsets.delete(group, topic, partition);
    // Offsets committed without a group create one, so that they can be found.
    if (!this.#groups.has(group)) this.createClassicGroup(group);
    this.offsets.set(group, topic, partition, offsetFromRecord({ ...LEGACY_DEFAULTS, ...value }));
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

/** The error code for a failed write. */
export function coordinatorErrorCode(error: unknown, logger: Logger): number {
  const code = errorCodeOf(error, logger);
  switch (code) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.REQUEST_TIMED_OUT:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return ErrorCode.NOT_COORDINATOR;
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
      return ErrorCode.UNKNOWN_SERVER_ERROR;
    default:
      return code;
  }
}
