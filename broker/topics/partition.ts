/**
 * A partition on this broker: its log, its leader, and its high watermark.
 *
 * Records below the high watermark are committed and visible. With a single replica and
 * `flush=commit`, an append with acks=all commits when it is on disk, so that a crash never takes
 * back records that were visible. Appends with acks=0 or 1 make no such promise and are visible
 * immediately, unless they follow one with acks=all that is not on disk yet: offsets become visible
 * in order. With `flush=interval` and `flush=os` every append is visible immediately. All records
 * found when a log is opened are committed.
 *
 * Appends with acks=all in the same turn of the event loop, or during a flush, share the next flush
 * (group commit).
 *
 * Code that waits for data or state changes subscribes to the partition.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { INT64_MAX } from "../../protocol/primitives/int64.ts";
import { IsolationLevel } from "../../protocol/messages/records/fetch.ts";
import { Acks } from "../../protocol/messages/records/produce.ts";
import type { RecordBatch } from "../../protocol/records/mod.ts";
import { OffsetOutOfRangeError } from "../../storage/errors.ts";
import type { Log } from "../../storage/log.ts";
import type { LogRead } from "../../storage/log/log_read.ts";
import type { TimestampAndOffset } from "../../storage/log/log_reader.ts";
import { validateBatch } from "../../storage/validation/validate_batch.ts";
import { ApiError } from "../api_error.ts";
import type { BatchValidations } from "../validation/batch_validations.ts";
import type { PartitionState } from "../cluster/cluster_state.ts";
import { checkClientBatch } from "../validation/produced_batch.ts";
import { PartitionTraffic } from "../metrics/broker_counters.ts";
import { turnEnd } from "../time/turn_end.ts";
import type { TopicConfig } from "./topic_config.ts";

/** Options of an append. */
export interface AppendOptions {
  /** The requested acknowledgements. */
  readonly acks: Acks;
  readonly nowMs: number;
  /** Whether the broker itself appends, which may write internal topics and control batches. */
  readonly isInternal?: boolean;
}

/** Options of a client's append. */
export interface ProduceOptions extends AppendOptions {
  /** Validates batches that take long. */
  readonly validations: BatchValidations;
  /** Whether to use `validations` in any case, because the request has used up its time slice. */
  readonly isLate: boolean;
}

/** The result of an append. */
export interface AppendResult {
  /** Offset of the batch's first record; for a duplicate, that of the original append. */
  readonly baseOffset: number;
  /** The timestamp assigned to the records, -1 if they keep their own. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  /**
   * Resolves when an append with acks=all can be acknowledged; `undefined` if it already can.
   * Rejects if it did not become durable or the partition was deleted.
   */
  readonly committed: Promise<void> | undefined;
}

/** Options of a read. */
export interface ReadOptions {
  /** Maximum bytes to return, except for the first batch with `minOneBatch`. */
  readonly maxBytes: number;
  readonly minOneBatch: boolean;
  /** 0 reads up to the high watermark, 1 up to the last stable offset. */
  readonly isolationLevel: number;
}

/** The end offset of an epoch; both -1 if unknown. */
export interface EpochEndOffset {
  readonly epoch: number;
  readonly endOffset: number;
}

/** Options of a partition. */
export interface PartitionOptions {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  readonly isInternal: boolean;
  readonly nodeId: number;
  readonly log: Log;
  readonly state: PartitionState;
  readonly config: TopicConfig;
  readonly logManager: PartitionLogManager;
  /** Says when the broker must not act as leader. Default: never. */
  readonly fence?: Fence;
}

/** Whether this broker may have been replaced without knowing. */
export interface Fence {
  readonly isFenced: boolean;
}

/** The log maintenance that a partition requests from its broker. */
export interface PartitionLogManager {
  /** Resolves when log start offsets are on disk. */
  writeLogStarts(): Promise<void>;
  /** Flushes a log within `delayMs`. */
  requestFlush(log: Log, delayMs: number): void;
}

/** The value of `flush.ms` without a limit. */
const NO_LIMIT = INT64_MAX;
/** The interval of `flush=interval` without a limit. */
const DEFAULT_INTERVAL_MS = 1000;
const UNKNOWN: EpochEndOffset = { epoch: -1, endOffset: -1 };
const HIGH_WATERMARK = -1;

/** Appends that become visible and are acknowledged with the same flush. */
interface CommitGroup extends PromiseWithResolvers<void> {
  /** The offset of the first of them. */
  readonly firstOffset: number;
}

/** A partition that has a replica on this broker. */
export class Partition {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  readonly log: Log;
  /** Whether the topic is internal. */
  readonly isInternal: boolean;
  /** What clients have written and read. */
  readonly traffic: PartitionTraffic = new PartitionTraffic();
  readonly #nodeId: number;
  readonly #logManager: PartitionLogManager;
  readonly #fence: Fence | undefined;
  readonly #waiters: Set<() => void> = new Set();
  #state: PartitionState;
  #config: TopicConfig;
  #highWatermark: number;
  #logStartOffset: number;
  /** Settles when the log start offset of all running deletions is shown. */
  #trimming: Promise<unknown> | undefined;
  #flushing: CommitGroup | undefined;
  #queued: CommitGroup | undefined;
  #isDeleted = false;
  /** Resolves when the last batch being validated was appended or rejected. */
  #produced: Promise<void> | undefined;

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
    this.#highWatermark = options.log.logEndOffset;
    this.#logStartOffset = options.log.logStartOffset;
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

  /** Whether this broker is the leader. */
  get isLeader(): boolean {
    return this.#state.leaderId === this.#nodeId && !this.#isDeleted;
  }

  /** Whether clients are served here: this broker leads the partition, and is sure of it. */
  get isServed(): boolean {
    return this.isLeader && this.#fence?.isFenced !== true;
  }

  /** Whether a disk error occurred. The partition accepts no appends until the broker restarts. */
  get isOffline(): boolean {
    return this.log.offlineError !== undefined;
  }

  get config(): TopicConfig {
    return this.#config;
  }

  /** The first uncommitted offset. */
  get highWatermark(): number {
    return this.#highWatermark;
  }

  /** The first offset of an open transaction, or the high watermark. */
  get lastStableOffset(): number {
    return this.#highWatermark;
  }

  /** The first readable offset. The deletion of records before it is on disk. */
  get logStartOffset(): number {
    return this.#logStartOffset;
  }

  /** The next offset to be assigned. */
  get logEndOffset(): number {
    return this.log.logEndOffset;
  }

  /**
   * Calls `callback` when more records are readable, the log start offset or leader changes, or the
   * partition fails or is deleted.
   *
   * @returns A function that removes the subscription.
   */
  subscribe(callback: () => void): () => void {
    this.#waiters.add(callback);
    return () => this.#waiters.delete(callback);
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
    if (this.#produced !== undefined || options.isLate) return this.#produceLater(batch, options);
    const valid = validateBatch(this.log.name, batch, this.#config.logConfig, options.nowMs);
    return valid === undefined
      ? this.#produceLater(batch, options)
      : this.#append(valid, options, "client");
  }

  #produceLater(batch: RecordBatch, options: ProduceOptions): Promise<AppendResult> {
    const { validations, nowMs } = options;
    const validated = validations.validate(this.log.name, batch, this.#config.logConfig, nowMs);
    const result = this.#appendAfter(this.#produced, validated, options);
    const produced = result.then(() => {}, () => {}).then(() => {
      if (this.#produced === produced) this.#produced = undefined;
    });
    this.#produced = produced;
    return result;
  }

  async #appendAfter(
    before: Promise<void> | undefined,
    validated: Promise<RecordBatch>,
    options: ProduceOptions,
  ): Promise<AppendResult> {
    const [outcome] = await Promise.allSettled([validated, before]);
    if (outcome.status === "rejected") throw outcome.reason;
    // The state may have changed during validation.
    this.#ensureAppendable(options);
    return this.#append(outcome.value, options, "client");
  }

  #append(
    batch: RecordBatch,
    { acks, nowMs }: AppendOptions,
    origin: "client" | "coordinator",
  ): AppendResult {
    const appended = this.log.append(batch, { leaderEpoch: this.leaderEpoch, nowMs, origin });
    return {
      baseOffset: appended.firstOffset,
      logAppendTimeMs: appended.logAppendTimeMs,
      logStartOffset: this.#logStartOffset,
      committed: this.#commit(appended.firstOffset, appended.lastOffset + 1, acks),
    };
  }

  /**
   * Reads whole batches starting with the one that contains `offset`, up to the last fetchable
   * offset; empty if the offset is not yet readable.
   *
   * @throws {ApiError} NOT_LEADER_OR_FOLLOWER.
   * @throws {OffsetOutOfRangeError} If `offset` is outside the log. {@linkcode logStartOffset} says
   * so then, too: a client that looks up where to continue must not be sent back to this offset.
   */
  read(offset: number, options: ReadOptions): LogRead | Promise<LogRead> {
    this.#ensureLeader();
    const { maxBytes, minOneBatch, isolationLevel } = options;
    const maxOffset = this.lastFetchableOffset(isolationLevel);
    let read: LogRead | Promise<LogRead>;
    try {
      read = this.log.read(offset, { maxBytes, maxOffset, minOneBatch });
    } catch (error) {
      if (this.#trimming === undefined) throw error;
      return this.#throwAfterTrim(offset, error);
    }
    return read instanceof Promise
      ? read.catch((error) => this.#throwAfterTrim(offset, error))
      : read;
  }

  async #throwAfterTrim(offset: number, error: unknown): Promise<never> {
    if (error instanceof OffsetOutOfRangeError && offset >= this.#logStartOffset) {
      await this.#trimming;
    }
    throw error;
  }

  /** The offset up to which consumers with an isolation level can read. */
  lastFetchableOffset(isolationLevel: number): number {
    return isolationLevel === IsolationLevel.readCommitted
      ? this.lastStableOffset
      : this.#highWatermark;
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
    this.#ensureLeader();
    const { latestEpoch, logEndOffset } = this.log;
    if (epoch === this.leaderEpoch) return { epoch, endOffset: logEndOffset };
    if (epoch < 0 || epoch > this.leaderEpoch) return UNKNOWN;
    if (epoch > latestEpoch) {
      return latestEpoch < 0 ? UNKNOWN : { epoch: latestEpoch, endOffset: logEndOffset };
    }
    const end = this.log.endOffsetForEpoch(epoch);
    return end === undefined ? UNKNOWN : { epoch: end.leaderEpoch, endOffset: end.offset };
  }

  /** The epoch of the first record, or of the next one if the log is empty. */
  get firstEpoch(): number {
    const { logStartOffset, logEndOffset, latestEpoch } = this.log;
    if (logStartOffset === logEndOffset) return this.leaderEpoch;
    let low = 0;
    let high = latestEpoch;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const end = this.log.endOffsetForEpoch(middle);
      if (end !== undefined && end.offset > logStartOffset) high = middle;
      else low = middle + 1;
    }
    return high;
  }

  /**
   * Deletes records before an offset. The deletion is on disk when the promise resolves.
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
    this.#ensureDeletable();
    const target = offset === HIGH_WATERMARK ? this.#highWatermark : offset;
    if (target < 0 || target > this.#highWatermark) {
      throw new ApiError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `Cannot delete records of "${this}" before ${target}: ` +
          `the high watermark is ${this.#highWatermark}`,
      );
    }
    if (target > this.#logStartOffset) {
      await this.#trim(async () => {
        this.log.deleteRecordsBefore(target);
        await this.#logManager.writeLogStarts();
        this.#advanceStart(target);
      });
    }
    return this.#logStartOffset;
  }

  #ensureDeletable(): void {
    if (this.isInternal) {
      throw new ApiError(
        ErrorCode.INVALID_TOPIC_EXCEPTION,
        `Cannot delete records of "${this}": the topic is internal`,
      );
    }
    const policy = this.#config.get("cleanup.policy");
    if (policy.includes("delete") || !policy.includes("compact")) return;
    throw new ApiError(
      ErrorCode.POLICY_VIOLATION,
      `Cannot delete records of "${this}": cleanup.policy is ${policy.join(",")}, without delete`,
    );
  }

  /** Deletes segments past their retention. Returns their number. */
  applyRetention(nowMs: number): Promise<number> {
    return this.#trim(async () => {
      const count = await this.log.applyRetention(nowMs, this.#highWatermark);
      this.#advanceStart(this.log.firstSegmentOffset);
      return count;
    });
  }

  /** Runs work that moves the log start offset, which readers learn when it has ended. */
  async #trim<T>(work: () => Promise<T>): Promise<T> {
    const trimmed = work();
    const trimming = Promise.allSettled([this.#trimming, trimmed]);
    this.#trimming = trimming;
    try {
      return await trimmed;
    } finally {
      if (this.#trimming === trimming) this.#trimming = undefined;
    }
  }

  #advanceStart(offset: number): void {
    if (offset <= this.#logStartOffset) return;
    this.#logStartOffset = offset;
    this.#notify();
  }

  /** Applies a new partition state. */
  updateState(state: PartitionState): void {
    const { leaderId, leaderEpoch } = this.#state;
    this.#state = state;
    if (state.leaderId !== leaderId || state.leaderEpoch !== leaderEpoch) this.#notify();
  }

  /** Applies new settings. */
  updateConfig(config: TopicConfig): void {
    this.#config = config;
    this.log.updateConfig(config.logConfig);
  }

  /** Marks the topic as deleted: the partition can no longer be read or written. */
  markDeleted(): void {
    if (this.#isDeleted) return;
    this.#isDeleted = true;
    this.#rejectWaiting(new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION));
  }

  toString(): string {
    return `${this.topic}-${this.index}`;
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
    if (acks !== Acks.all) return;
    const minIsr = Math.min(this.#config.get("min.insync.replicas"), this.#state.replicas.length);
    if (this.isr.length >= minIsr) return;
    throw new ApiError(
      ErrorCode.NOT_ENOUGH_REPLICAS,
      `Cannot append to "${this}": ${this.isr.length} replicas are in sync, ` +
        `min.insync.replicas is ${minIsr}`,
    );
  }

  /** Makes an append visible, immediately or when the returned promise resolves. */
  #commit(firstOffset: number, endOffset: number, acks: Acks): Promise<void> | undefined {
    const { flushedOffset } = this.log;
    const { flushMessages, flushMs } = this.#config.logConfig;
    const flush = this.#config.get("flush");
    if (endOffset > flushedOffset) {
      const isCommit = flush === "commit" && acks === Acks.all;
      if (isCommit || endOffset - flushedOffset >= flushMessages) {
        return this.#joinFlush(firstOffset);
      }
      if (flushMs < NO_LIMIT) this.#logManager.requestFlush(this.log, flushMs);
      else if (flush === "interval") this.#logManager.requestFlush(this.log, DEFAULT_INTERVAL_MS);
    }
    if (this.#flushing === undefined && this.#queued === undefined) {
      this.#advance(this.log.logEndOffset);
    }
    return undefined;
  }

  #joinFlush(firstOffset: number): Promise<void> {
    if (this.#queued === undefined) {
      this.#queued = newGroup(firstOffset);
      if (this.#flushing === undefined) turnEnd().then(() => this.#flush());
    }
    return this.#queued.promise;
  }

  #flush(): void {
    const group = this.#queued;
    if (group === undefined || this.#flushing !== undefined) return;
    this.#queued = undefined;
    this.#flushing = group;
    this.log.flush().then(() => this.#flushed(group), (error) => this.#rejectWaiting(error));
  }

  #flushed(group: CommitGroup): void {
    if (this.#flushing !== group) return;
    this.#flushing = undefined;
    const next = this.#queued;
    this.#advance(next === undefined ? this.log.logEndOffset : next.firstOffset);
    group.resolve();
    // Acknowledged clients may send more, in time for the next flush.
    if (next !== undefined) turnEnd().then(() => this.#flush());
  }

  /** Fails everything that waits for a flush or for data. */
  #rejectWaiting(error: unknown): void {
    this.#flushing?.reject(error);
    this.#queued?.reject(error);
    this.#flushing = this.#queued = undefined;
    this.#notify();
  }

  #advance(offset: number): void {
    if (offset <= this.#highWatermark) return;
    this.#highWatermark = offset;
    this.#notify();
  }

  #notify(): void {
    if (this.#waiters.size === 0) return;
    for (const callback of [...this.#waiters]) callback();
  }
}

function newGroup(firstOffset: number): CommitGroup {
  const group = { firstOffset, ...Promise.withResolvers<void>() };
  // The rejection is also handled here, in case nothing waits for the promise.
  group.promise.catch(() => {});
  return group;
}
