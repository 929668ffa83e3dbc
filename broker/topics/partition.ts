/**
 * One partition on this broker: its log, who leads it, and how far consumers may read.
 *
 * The high watermark is the offset up to which records are committed, and thus visible. With one
 * replica and `flush=commit`, an append with acks=all commits once it is on disk, so nothing is ever
 * seen that a crash could take back after somebody acted on it. An append with acks=0 or 1 makes no
 * such promise and is visible at once, unless it lies behind one with acks=all that is not yet on
 * disk: offsets become visible in order. With `flush=interval` and `flush=os` everything is visible
 * as soon as it is written. What a log holds when it is opened is all committed.
 *
 * Appends with acks=all that come in one turn of the event loop, or while a flush is under way, share
 * the next flush (group commit).
 *
 * Whoever waits for something here subscribes; what changes the partition wakes them.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { INT64_MAX } from "../../protocol/primitives/int64.ts";
import { IsolationLevel } from "../../protocol/messages/records/fetch.ts";
import { Acks } from "../../protocol/messages/records/produce.ts";
import type { RecordBatch } from "../../protocol/records/mod.ts";
import type { Log } from "../../storage/log.ts";
import type { LogRead, TimestampAndOffset } from "../../storage/log/log_reader.ts";
import { validateBatch } from "../../storage/validation/validate_batch.ts";
import { ApiError } from "../api_error.ts";
import type { BatchValidations } from "../batch_validations.ts";
import type { PartitionState } from "../cluster/cluster_state.ts";
import { turnEnd } from "../time/turn_end.ts";
import type { TopicConfig } from "./topic_config.ts";

/** How an append is to be made. */
export interface AppendOptions {
  /** Who must have it before it may be answered: all replicas (-1), the leader (1), nobody (0). */
  readonly acks: Acks;
  readonly nowMs: number;
  /** Whether it comes from the broker itself, which may write internal topics and control batches. */
  readonly isInternal?: boolean;
}

/** How a client's batch is to be appended. */
export interface ProduceOptions extends AppendOptions {
  /** Where it is validated if that takes long. */
  readonly validations: BatchValidations;
  /** Whether to validate it there in any case, because the request has had its time. */
  readonly isLate: boolean;
}

/** What became of an append. */
export interface AppendResult {
  /** Offset of the batch's first record; of a duplicate, where it was appended the first time. */
  readonly baseOffset: number;
  /** The timestamp that the records were given, -1 if they keep their own. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  /**
   * Resolves when an append with acks=all may be answered; `undefined` if that is at once. Rejects
   * if it could not be made durable, or the partition was deleted.
   */
  readonly committed: Promise<void> | undefined;
}

/** How to read. */
export interface ReadOptions {
  /** Bytes to return at most, except for the first batch if `minOneBatch`. */
  readonly maxBytes: number;
  readonly minOneBatch: boolean;
  /** 0 up to the high watermark, 1 up to the last stable offset. */
  readonly isolationLevel: number;
}

/** Where an epoch ended; both -1 if that is not known. */
export interface EpochEndOffset {
  readonly epoch: number;
  readonly endOffset: number;
}

/** What a partition is made of. */
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
}

/** What a partition asks of its broker. */
export interface PartitionLogManager {
  /** Resolves when it is on disk where logs start. */
  writeLogStarts(): Promise<void>;
  /** Flushes a log within `delayMs`. */
  requestFlush(log: Log, delayMs: number): void;
}

/** What `flush.ms` is where nobody gave it a limit. */
const NO_LIMIT = INT64_MAX;
/** What `flush=interval` means without a limit. */
const DEFAULT_INTERVAL_MS = 1000;
const UNKNOWN: EpochEndOffset = { epoch: -1, endOffset: -1 };
const HIGH_WATERMARK = -1;

/** Appends that become visible, and may be answered, with one flush. */
interface CommitGroup extends PromiseWithResolvers<void> {
  /** Where the first of them begins. */
  readonly firstOffset: number;
}

/** A partition that this broker has a replica of. */
export class Partition {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  readonly log: Log;
  readonly #isInternal: boolean;
  readonly #nodeId: number;
  readonly #logManager: PartitionLogManager;
  readonly #waiters: Set<() => void> = new Set();
  #state: PartitionState;
  #config: TopicConfig;
  #highWatermark: number;
  #logStartOffset: number;
  #flushing: CommitGroup | undefined;
  #queued: CommitGroup | undefined;
  #isDeleted = false;
  /** Resolves when the last of the batches that are being validated was appended, or refused. */
  #produced: Promise<void> | undefined;

  constructor(options: PartitionOptions) {
    this.topic = options.topic;
    this.topicId = options.topicId;
    this.index = options.index;
    this.log = options.log;
    this.#isInternal = options.isInternal;
    this.#nodeId = options.nodeId;
    this.#logManager = options.logManager;
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

  /** Whether this broker leads the partition. */
  get isLeader(): boolean {
    return this.#state.leaderId === this.#nodeId && !this.#isDeleted;
  }

  /** Whether the disk failed under it: it takes no appends until the broker starts anew. */
  get isOffline(): boolean {
    return this.log.offlineError !== undefined;
  }

  get config(): TopicConfig {
    return this.#config;
  }

  /** The first offset that is not committed. */
  get highWatermark(): number {
    return this.#highWatermark;
  }

  /** The first offset that may belong to an open transaction, or the high watermark. */
  get lastStableOffset(): number {
    return this.#highWatermark;
  }

  /** The first offset that may be read. Records before it are deleted, and that they are is on disk. */
  get logStartOffset(): number {
    return this.#logStartOffset;
  }

  /** The next offset to be assigned. */
  get logEndOffset(): number {
    return this.log.logEndOffset;
  }

  /**
   * Calls `callback` whenever more can be read, the log's start moves, the leader changes, or the
   * partition fails or is deleted.
   *
   * @returns What ends that.
   */
  subscribe(callback: () => void): () => void {
    this.#waiters.add(callback);
    return () => this.#waiters.delete(callback);
  }

  /**
   * Appends a batch, whose bytes the log changes, and does not look at any more when this returns.
   *
   * @throws {ApiError} NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS, INVALID_TOPIC_EXCEPTION,
   *   INVALID_RECORD, INVALID_TXN_STATE; INVALID_REQUEST for a client's batch that takes long to
   *   validate, which `produce` is for.
   * @throws {Error} What `validateBatch` and `Log.append` throw.
   */
  append(batch: RecordBatch, options: AppendOptions): AppendResult {
    this.#ensureAppendable(options.acks);
    if (options.isInternal === true) return this.#append(batch, options, "coordinator");
    this.#ensureClients(batch);
    const valid = validateBatch(this.log.name, batch, this.#config.logConfig, options.nowMs);
    if (valid === undefined) {
      throw new ApiError(
        ErrorCode.INVALID_REQUEST,
        `Cannot append to "${this}": the batch takes too long to validate at once`,
      );
    }
    return this.#append(valid, options, "client");
  }

  /**
   * Appends a client's batch, at once if it takes no longer than milliseconds to validate. Batches are
   * appended in the order of the calls, so that one that is slow holds up those after it. The bytes
   * must not be changed until the result is there.
   *
   * @throws {Error} What `append` throws, or rejects with it.
   */
  produce(batch: RecordBatch, options: ProduceOptions): AppendResult | Promise<AppendResult> {
    this.#ensureAppendable(options.acks);
    this.#ensureClients(batch);
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
    // Much may have happened since.
    this.#ensureAppendable(options.acks);
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
   * Reads whole batches from the one that holds `offset`, up to what is committed; nothing if that
   * is not yet there.
   *
   * @throws {ApiError} NOT_LEADER_OR_FOLLOWER.
   * @throws {OffsetOutOfRangeError} If the log does not reach from or to `offset`.
   */
  read(offset: number, options: ReadOptions): LogRead | Promise<LogRead> {
    this.#ensureLeader();
    const { maxBytes, minOneBatch, isolationLevel } = options;
    const maxOffset = this.lastFetchableOffset(isolationLevel);
    return this.log.read(offset, { maxBytes, maxOffset, minOneBatch });
  }

  /** The offset before which consumers of an isolation level may read. */
  lastFetchableOffset(isolationLevel: number): number {
    return isolationLevel === IsolationLevel.readCommitted
      ? this.lastStableOffset
      : this.#highWatermark;
  }

  /** The first record with this timestamp or a later one, in milliseconds since 1970. */
  offsetForTimestamp(timestamp: number): Promise<TimestampAndOffset | undefined> {
    return this.log.offsetForTimestamp(timestamp);
  }

  /** The first of the records with the largest timestamp (KIP-734). */
  maxTimestampOffset(): Promise<TimestampAndOffset | undefined> {
    return this.log.maxTimestampOffset();
  }

  /** Where the records of an epoch end, or those of the last one before it that has any (KIP-320). */
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

  /** The epoch that the first record was written in, or the next one will be. */
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
   * Deletes records before an offset. That they are gone is on disk when this resolves.
   *
   * @param offset -1 for the high watermark.
   * @returns The log start offset.
   * @throws {ApiError} OFFSET_OUT_OF_RANGE if it is beyond the high watermark;
   *   INVALID_TOPIC_EXCEPTION if the topic is the broker's own; POLICY_VIOLATION if compaction alone
   *   removes its records; NOT_LEADER_OR_FOLLOWER.
   * @throws {StorageError} If that could not be written.
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
      this.log.deleteRecordsBefore(target);
      await this.#logManager.writeLogStarts();
      this.#advanceStart(target);
    }
    return this.#logStartOffset;
  }

  #ensureDeletable(): void {
    if (this.#isInternal) {
      throw new ApiError(
        ErrorCode.INVALID_TOPIC_EXCEPTION,
        `Cannot delete records of "${this}": the topic is the broker's own`,
      );
    }
    const policy = this.#config.get("cleanup.policy");
    if (policy.includes("delete") || !policy.includes("compact")) return;
    throw new ApiError(
      ErrorCode.POLICY_VIOLATION,
      `Cannot delete records of "${this}": cleanup.policy is ${policy.join(",")}, without delete`,
    );
  }

  /** Deletes segments that retention no longer keeps. Returns how many. */
  async applyRetention(nowMs: number): Promise<number> {
    const count = await this.log.applyRetention(nowMs, this.#highWatermark);
    this.#advanceStart(this.log.firstSegmentOffset);
    return count;
  }

  #advanceStart(offset: number): void {
    if (offset <= this.#logStartOffset) return;
    this.#logStartOffset = offset;
    this.#notify();
  }

  /** Takes over who leads the partition now. */
  updateState(state: PartitionState): void {
    const { leaderId, leaderEpoch } = this.#state;
    this.#state = state;
    if (state.leaderId !== leaderId || state.leaderEpoch !== leaderEpoch) this.#notify();
  }

  /** Takes over settings. They act from now on. */
  updateConfig(config: TopicConfig): void {
    this.#config = config;
    this.log.updateConfig(config.logConfig);
  }

  /** Says that the topic was deleted: nothing can be written or read from now on. */
  markDeleted(): void {
    if (this.#isDeleted) return;
    this.#isDeleted = true;
    this.#rejectWaiting(new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION));
  }

  toString(): string {
    return `${this.topic}-${this.index}`;
  }

  #ensureLeader(): void {
    if (!this.isLeader) throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  }

  /** More replicas than the partition has are not asked for, as in Kafka from 4.0 on (KIP-966). */
  #ensureAppendable(acks: number): void {
    this.#ensureLeader();
    if (acks !== Acks.all) return;
    const minIsr = Math.min(this.#config.get("min.insync.replicas"), this.#state.replicas.length);
    if (this.isr.length >= minIsr) return;
    throw new ApiError(
      ErrorCode.NOT_ENOUGH_REPLICAS,
      `Cannot append to "${this}": ${this.isr.length} replicas are in sync, ` +
        `min.insync.replicas is ${minIsr}`,
    );
  }

  /** Refuses what only the broker itself may write. */
  #ensureClients(batch: RecordBatch): void {
    if (this.#isInternal) {
      throw new ApiError(
        ErrorCode.INVALID_TOPIC_EXCEPTION,
        `Cannot append to "${this}": the topic is the broker's own`,
      );
    }
    if (batch.isTransactional) {
      throw new ApiError(
        ErrorCode.INVALID_TXN_STATE,
        `Cannot append to "${this}": this broker has no transactions`,
      );
    }
    if (batch.baseOffset !== 0) {
      throw new ApiError(
        ErrorCode.INVALID_RECORD,
        `Cannot append to "${this}": base offset is ${batch.baseOffset}, a producer's must be 0`,
      );
    }
  }

  /** Makes an append visible, now or with the flush that the returned promise stands for. */
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
    // Answers let clients send again, which may still be in time for the next.
    if (next !== undefined) turnEnd().then(() => this.#flush());
  }

  /** Answers everyone who waits for a flush, or for data, that there will be none. */
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
  // The client that waited may be gone when it fails.
  group.promise.catch(() => {});
  return group;
}
