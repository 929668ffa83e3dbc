/**
 * A partition on this broker: its log, its leader, and its high watermark.
 *
 * Records below the high watermark are committed and visible. With one replica, `flush` says when
 * that is (`single_replica_commits.ts`); all records found when the log is opened are committed. With
 * several, a record commits when all in-sync replicas have it on disk (`../replication/`): the broker
 * leads or follows, one epoch after the other, and nothing of an epoch is carried over to the next.
 *
 * Code that waits for data or state changes subscribes to the partition.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { IsolationLevel } from "../../protocol/messages/records/fetch.ts";
import { Acks } from "../../protocol/messages/records/produce.ts";
import { endTransactionMarker, type RecordBatch } from "../../protocol/records/mod.ts";
import type { Log } from "../../storage/log.ts";
import type { LogRead } from "../../storage/log/log_read.ts";
import type { TimestampAndOffset } from "../../storage/log/log_reader.ts";
import { validateBatch } from "../../storage/validation/validate_batch.ts";
import { ApiError } from "../api_error.ts";
import type { PartitionState } from "../cluster/cluster_state.ts";
import { checkClientBatch } from "../validation/produced_batch.ts";
import { PartitionTraffic } from "../metrics/broker_counters.ts";
import { isSameRole, minInSync } from "../cluster/topic_state.ts";
import type { PartitionReplication } from "../roles/replicated_partition.ts";
import { Following, type FollowingPartition } from "../roles/following.ts";
import { Leadership, type LedPartition } from "../roles/leadership.ts";
import { LateAppends } from "./late_appends.ts";
import { LogStart } from "./log_start.ts";
import { checkDeletable } from "./check_deletable.ts";
import { endOffsetForEpoch, firstEpoch } from "./epoch_offsets.ts";
import type { Commits } from "../roles/commits.ts";
import { RefusedBatches } from "./refused_batches.ts";
import { ReadableRange } from "./readable_range.ts";
import { SingleReplicaCommits } from "./single_replica_commits.ts";
import type {
  AppendOptions,
  AppendResult,
  EpochEndOffset,
  Fence,
  MarkerOptions,
  PartitionLogManager,
  PartitionOptions,
  ProduceOptions,
  ReadOptions,
} from "./partition_options.ts";
import { isThrottled } from "./throttled_replicas.ts";
import { Truncations } from "./truncations.ts";
import type { TopicConfig } from "./topic_config.ts";

export type * from "./partition_options.ts";

const HIGH_WATERMARK = -1;

/** A partition that has a replica on this broker. */
export class Partition {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  readonly log: Log;
  /** Whether the topic is internal. */
  readonly isInternal: boolean;
  readonly #nodeId: number;
  readonly #logManager: PartitionLogManager;
  readonly #fence: Fence | undefined;
  readonly #incarnation: string | undefined;
  readonly #replication: PartitionReplication | undefined;
  readonly #range: ReadableRange;
  #state: PartitionState;
  #config: TopicConfig;
  #traffic: PartitionTraffic | undefined;
  #refusedBatches: RefusedBatches | undefined;
  /** Set while this broker leads. */
  #commits: Commits | undefined;
  #leadership: Leadership | undefined;
  #following: Following | undefined;
  #logStart: LogStart | undefined;
  #truncations: Truncations | undefined;
  #isDeleted = false;
  #late: LateAppends | undefined;

  constructor(options: PartitionOptions) {
    this.topic = options.topic;
    this.topicId = options.topicId;
    this.index = options.index;
    this.log = options.log;
    this.isInternal = options.isInternal;
    this.#nodeId = options.nodeId;
    this.#logManager = options.logManager;
    this.#fence = options.fence;
    this.#state = options.state;
    this.#config = options.config;
    this.#incarnation = options.incarnation;
    this.#replication = options.replication;
    const { logEndOffset, logStartOffset } = options.log;
    const isReplicated = options.state.replicas.length > 1;
    const highWatermark = isReplicated
      ? Math.max(logStartOffset, Math.min(options.highWatermark ?? 0, logEndOffset))
      : logEndOffset;
    this.#range = new ReadableRange(logStartOffset, highWatermark, options.log);
    this.#beginRole();
  }

  get leaderId(): number {
    return this.#state.leaderId;
  }

  get leaderEpoch(): number {
    return this.#state.leaderEpoch;
  }

  get replicas(): readonly number[] {
    return this.#state.replicas;
  }

  get isr(): readonly number[] {
    return this.#state.isr;
  }

  /** The state in the cluster's metadata. */
  get state(): PartitionState {
    return this.#state;
  }

  /** Whether this broker is the leader. */
  get isLeader(): boolean {
    return this.#commits !== undefined && !this.#isDeleted;
  }

  /** What this broker knows as the leader of a replicated partition; undefined if it is not. */
  get leadership(): Leadership | undefined {
    return this.#leadership;
  }

  /** How this broker follows the leader; undefined if it does not. */
  get following(): Following | undefined {
    return this.#following;
  }

  /** Whether the partition has several replicas. */
  get isReplicated(): boolean {
    return this.#state.replicas.length > 1;
  }

  /**
   * Whether what an earlier leader committed is known to be committed. Until then the high watermark
   * may be less than what clients have seen (KIP-207).
   */
  get isEstablished(): boolean {
    return this.#leadership?.isEstablished ?? true;
  }

  /** Whether clients are served here: this broker leads the partition, and is sure of it. */
  get isServed(): boolean {
    if (!this.isLeader) return false;
    return this.#fence?.isFenced !== true || this.#fence.isFollowed(this);
  }

  /**
   * Whether this broker certainly was the leader at a time, as of `Clock.monotonic()`, or later, however
   * sure it is of that.
   */
  hasLedSince(ms: number): boolean {
    return this.isLeader && (this.#fence?.isFollowed(this, ms) ?? true);
  }

  /** Whether consumers may read here what is committed: this broker leads the partition, or follows. */
  get isReadable(): boolean {
    return this.isServed || (this.#following !== undefined && this.#fence?.isFenced !== true);
  }

  /** Whether a disk error occurred. The partition accepts no appends until the broker restarts. */
  get isOffline(): boolean {
    return this.log.offlineError !== undefined;
  }

  get config(): TopicConfig {
    return this.#config;
  }

  /** Whether any batch was refused for a moment. */
  get hasRefusedBatches(): boolean {
    return this.#refusedBatches !== undefined;
  }

  /** Batches of producers that were refused for a moment. */
  get refusedBatches(): RefusedBatches {
    return this.#refusedBatches ??= new RefusedBatches();
  }

  /** What clients have written and read. */
  get traffic(): PartitionTraffic {
    return this.#traffic ??= new PartitionTraffic();
  }

  /** The first uncommitted offset. */
  get highWatermark(): number {
    return this.#range.highWatermark;
  }

  /** The first offset of a transaction whose end is not committed, or the high watermark. */
  get lastStableOffset(): number {
    return this.#range.lastStableOffset;
  }

  /** The first readable offset. The deletion of records before it is on disk. */
  get logStartOffset(): number {
    return this.#range.startOffset;
  }

  /** The next offset to be assigned. */
  get logEndOffset(): number {
    return this.log.logEndOffset;
  }

  /**
   * Calls `callback` when more records are readable, the log start offset or leader changes, or the
   * partition fails or is deleted.
   *
   * @param isolationLevel Of the reader. Default: 0, all that is committed is readable.
   * @returns A function that removes the subscription.
   */
  subscribe(callback: () => void, isolationLevel: number = 0): () => void {
    return isolationLevel === IsolationLevel.readCommitted
      ? this.#range.subscribeStable(callback)
      : this.#range.subscribe(callback);
  }

  /** As {@linkcode subscribe}, also for records that are not committed. */
  subscribeReplica(callback: () => void): () => void {
    return this.#range.subscribeReplica(callback);
  }

  /**
   * Appends a batch. The log modifies the batch's bytes, but does not use them after this returns.
   *
   * @throws {ApiError} NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS, INVALID_TOPIC_EXCEPTION,
   * INVALID_RECORD, INVALID_TXN_STATE; INVALID_REQUEST for a client's batch that takes long to
   * validate and requires `produce`.
   * @throws {Error} Whatever `validateBatch` and `Log.append` throw.
   */
  append(batch: RecordBatch, options: AppendOptions): AppendResult {
    this.#ensureAppendable(options);
    if (options.isInternal === true) return this.#append(batch, options, "coordinator");
    checkClientBatch(this, batch);
    const valid = validateBatch(this.log.name, batch, this.#config.logConfig, options.nowMs);
    if (valid === undefined) {
      throw new ApiError(
        ErrorCode.INVALID_REQUEST,
        `Cannot append to "${this}": the batch takes too long to validate synchronously`,
      );
    }
    return this.#append(valid, options, "client");
  }

  /**
   * Appends a client's batch, synchronously unless it takes long to validate. Batches are appended
   * in the order of the calls, so a slow one delays later ones. The bytes must not change until the
   * result is available.
   *
   * @throws {Error} What `append` throws; may also reject with it.
   */
  produce(batch: RecordBatch, options: ProduceOptions): AppendResult | Promise<AppendResult> {
    this.#ensureAppendable(options);
    checkClientBatch(this, batch);
    if (this.#late?.isBusy === true || options.isLate) return this.#produceLater(batch, options);
    const valid = validateBatch(this.log.name, batch, this.#config.logConfig, options.nowMs);
    return valid === undefined
      ? this.#produceLater(batch, options)
      : this.#append(valid, options, "client");
  }

  /**
   * Appends the marker that ends a producer's transaction.
   *
   * @throws {ApiError} NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS.
   * @throws {Error} Whatever `Log.append` throws: the producer or the coordinator may be fenced.
   */
  appendMarker({ nowMs, isTransactionV2, ...marker }: MarkerOptions): AppendResult {
    const batch = endTransactionMarker({ ...marker, timestamp: nowMs });
    return this.append(batch, { acks: Acks.all, nowMs, isInternal: true, isTransactionV2 });
  }

  #produceLater(batch: RecordBatch, options: ProduceOptions): Promise<AppendResult> {
    const { validations, nowMs } = options;
    const validated = validations.validate(this.log.name, batch, this.#config.logConfig, nowMs);
    this.#late ??= new LateAppends();
    return this.#late.add(validated, (valid) => {
      // The state may have changed during validation.
      this.#ensureAppendable(options);
      return this.#append(valid, options, "client");
    });
  }

  #append(
    batch: RecordBatch,
    { acks, nowMs, verification, isTransactionV2 }: AppendOptions,
    origin: "client" | "coordinator",
  ): AppendResult {
    const isPatient = origin === "coordinator";
    const { leaderEpoch } = this;
    const options = { leaderEpoch, nowMs, origin, verification, isTransactionV2 };
    const appended = this.log.append(batch, options);
    this.#range.notifyReplicas();
    return {
      baseOffset: appended.firstOffset,
      logAppendTimeMs: appended.logAppendTimeMs,
      logStartOffset: this.#range.startOffset,
      committed: this.#commits!.commit(
        appended.firstOffset,
        appended.lastOffset + 1,
        acks,
        isPatient,
      ),
    };
  }

  /**
   * Reads whole batches starting with the one that contains `offset`, up to the last fetchable
   * offset; empty if the offset is not yet readable.
   *
   * @throws {ApiError} NOT_LEADER_OR_FOLLOWER; OFFSET_NOT_AVAILABLE if this broker follows, and does not
   *   know that records before `offset` are committed.
   * @throws {OffsetOutOfRangeError} If `offset` is outside the log. {@linkcode logStartOffset} says
   * so then, too: a client that looks up where to continue must not be sent back to this offset.
   */
  read(offset: number, options: ReadOptions): LogRead | Promise<LogRead> {
    this.#ensureReadable(offset);
    const { maxBytes, minOneBatch, isolationLevel } = options;
    const maxOffset = this.lastFetchableOffset(isolationLevel);
    let read: LogRead | Promise<LogRead>;
    try {
      read = this.log.read(offset, { maxBytes, maxOffset, minOneBatch });
    } catch (error) {
      if (!this.#range.isTrimming) throw error;
      return this.#range.throwAfterTrim(offset, error);
    }
    return read instanceof Promise
      ? read.catch((error) => this.#range.throwAfterTrim(offset, error))
      : read;
  }

  /** The offset up to which consumers with an isolation level can read. */
  lastFetchableOffset(isolationLevel: number): number {
    return isolationLevel === IsolationLevel.readCommitted
      ? this.lastStableOffset
      : this.#range.highWatermark;
  }

  /** The first record with this timestamp (milliseconds since the epoch) or a later one. */
  offsetForTimestamp(timestamp: number): Promise<TimestampAndOffset | undefined> {
    return this.log.offsetForTimestamp(timestamp);
  }

  /** The first of the records with the largest timestamp (KIP-734). */
  maxTimestampOffset(): Promise<TimestampAndOffset | undefined> {
    return this.log.maxTimestampOffset();
  }

  /** The end offset of the largest epoch up to `epoch` (KIP-320). */
  endOffsetForEpoch(epoch: number): EpochEndOffset {
    this.#ensureReadable(0);
    return endOffsetForEpoch(this.log, this.leaderEpoch, epoch);
  }

  /** The epoch of the first record, or of the next one if the log is empty. */
  get firstEpoch(): number {
    return firstEpoch(this.log, this.leaderEpoch);
  }

  /**
   * Deletes records before an offset. The deletion is on disk when the promise resolves, and the
   * in-sync replicas have carried it out.
   *
   * @param offset -1 for the high watermark.
   * @returns The log start offset.
   * @throws {ApiError} OFFSET_OUT_OF_RANGE if the offset is above the high watermark;
   * INVALID_TOPIC_EXCEPTION if the topic is internal; POLICY_VIOLATION if records are only removed
   * by compaction; NOT_LEADER_OR_FOLLOWER.
   * @throws {StorageError} If the deletion could not be written.
   */
  async deleteRecordsBefore(offset: number): Promise<number> {
    this.#ensureLeader();
    checkDeletable(this);
    const target = offset === HIGH_WATERMARK ? this.#range.highWatermark : offset;
    if (target < 0 || target > this.#range.highWatermark) {
      throw new ApiError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `Cannot delete records of "${this}" before ${target}: ` +
          `the high watermark is ${this.#range.highWatermark}`,
      );
    }
    if (target > this.#range.startOffset) {
      const leadership = this.#leadership;
      await this.#start.deleteBefore(target);
      if (leadership !== this.#leadership) throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    }
    return this.#range.startOffset;
  }

  /** Deletes segments past their retention. Returns their number. */
  async applyRetention(nowMs: number): Promise<number> {
    return await this.#start.applyRetention(nowMs);
  }

  get #start(): LogStart {
    return this.#logStart ??= new LogStart({
      log: this.log,
      range: this.#range,
      logManager: this.#logManager,
      leadership: () => this.#leadership,
    });
  }

  /** Applies a new partition state. */
  updateState(state: PartitionState): void {
    const before = this.#state;
    this.#state = state;
    if (isSameRole(before, state, this.#nodeId)) {
      this.#leadership?.update(state);
      if (before.isr !== state.isr) this.#range.notify();
      return;
    }
    this.#endRole(new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER));
    this.#beginRole();
    this.#range.notify();
  }

  /** Ends the epoch for this broker: those that wait get the error. */
  #endRole(error: ApiError): void {
    this.#commits?.end(error);
    this.#following?.end();
    this.#commits = this.#leadership = this.#following = undefined;
  }

  #beginRole(): void {
    const state = this.#state;
    const { log, isReplicated } = this;
    const { leaderId, leaderEpoch, leaderIncarnation, replicas } = state;
    if (leaderId === this.#nodeId) {
      // Another process of this broker may have had records that this one lacks.
      if (isReplicated && leaderIncarnation !== this.#incarnation) return;
      // The metadata is older than the log: its store was restored from a backup.
      if (isReplicated && leaderEpoch < log.latestEpoch) return;
      // An initial epoch begins with the first append: no file of epochs is read for it.
      const isLater = leaderEpoch > 0 && leaderEpoch > log.latestEpoch;
      if (isLater && !log.isClosed && !this.isOffline) log.beginEpoch(leaderEpoch);
      if (isReplicated) this.#lead();
      else this.#commits = new SingleReplicaCommits(this, this.#range, this.#logManager);
    } else if (isReplicated && replicas.includes(this.#nodeId) && leaderId >= 0) {
      if (leaderEpoch < log.latestEpoch) return;
      this.#following = new Following(this.#followingPartition(), state);
    }
    if (isReplicated) this.#replication?.onRole(this);
  }

  #lead(): void {
    const { log } = this;
    const partition: LedPartition = {
      log,
      highWatermark: () => this.highWatermark,
      advance: (offset) => this.#range.advance(offset),
      onFailure: () => this.#range.notify(),
      minInSync: () => this.#minInSync,
      onInSyncDue: () => this.#replication?.onInSyncDue(this),
      toString: () => `${this}`,
    };
    this.#commits = this.#leadership = new Leadership(
      partition,
      this.#state,
      this.#replication?.nowMs() ?? 0,
    );
    const { logStartOffset } = log;
    if (logStartOffset > this.#range.startOffset) {
      this.#range.trim(() => this.#start.show(logStartOffset)).catch(() => {});
    }
    const { uncleanEpoch, leaderEpoch } = this.#state;
    // An operator has given up what this replica lacks.
    if (uncleanEpoch === leaderEpoch) this.#settleDoubt()?.catch(() => {});
  }

  get #minInSync(): number {
    return minInSync(this.#config.get("min.insync.replicas"), this.#state);
  }

  #followingPartition(): FollowingPartition {
    return {
      topicId: this.topicId,
      index: this.index,
      log: this.log,
      highWatermark: () => this.#range.highWatermark,
      advance: (offset) => this.#range.advance(offset),
      lower: async (offset) => {
        this.#range.cut(offset);
        await this.#logManager.lowerHighWatermark(this.log, this.highWatermark);
      },
      settle: () => this.#settleDoubt(),
      cut: (work) => (this.#truncations ??= new Truncations()).run(work),
      isInSync: () => [...this.#state.isr, ...this.#state.elr].includes(this.#nodeId),
      isThrottled: (side) => isThrottled(side, this.#nodeId, this.index, this.#state, this.#config),
      whenCut: async () => {
        await this.#truncations?.ended();
      },
      // A log that began again may start before what was shown.
      logStartOffset: () => Math.min(this.logStartOffset, this.log.logStartOffset),
      advanceStart: (offset) => this.#start.deleteBefore(offset),
      restarted: (offset) => this.#range.restart(offset),
      toString: () => `${this}`,
    };
  }

  /** Ends what the noted high watermark makes doubtful: all that is committed is here. */
  #settleDoubt(): Promise<void> | undefined {
    const { log } = this;
    if (this.#logManager.notedHighWatermark(log) <= log.flushedOffset) return undefined;
    return this.#logManager.lowerHighWatermark(log, this.#range.highWatermark);
  }

  /** Applies new settings. */
  updateConfig(config: TopicConfig): void {
    this.#config = config;
    this.log.updateConfig(config.logConfig);
    this.#leadership?.settingsChanged();
  }

  /** Marks the topic as deleted: the partition can no longer be read or written. */
  markDeleted(): void {
    if (this.#isDeleted) return;
    this.#isDeleted = true;
    this.#endRole(new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION));
    if (this.isReplicated) this.#replication?.onRole(this);
    this.#range.notify();
  }

  toString(): string {
    return `${this.topic}-${this.index}`;
  }

  #ensureReadable(offset: number): void {
    if (!this.isReadable) throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    if (this.#following === undefined || offset <= this.#range.highWatermark) return;
    throw new ApiError(ErrorCode.OFFSET_NOT_AVAILABLE);
  }

  #ensureLeader(): void {
    if (!this.isServed) throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  }

  /**
   * At most as many replicas as the partition has are required, as in Kafka since 4.0 (KIP-966).
   */
  #ensureAppendable({ acks, isInternal = false }: AppendOptions): void {
    // The broker's own records are appended even while it is fenced: no client gets an answer by that.
    if (!isInternal) this.#ensureLeader();
    else if (!this.isLeader) throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    // This broker became the leader while it cut its log, which is about to be on disk.
    if (this.#truncations?.areRunning === true) {
      throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    }
    if (acks !== Acks.all) return;
    const minIsr = this.#minInSync;
    if (this.isr.length >= minIsr) return;
    throw new ApiError(
      ErrorCode.NOT_ENOUGH_REPLICAS,
      `Cannot append to "${this}": ${this.isr.length} replicas are in sync, ` +
        `min.insync.replicas is ${minIsr}`,
    );
  }
}
