/**
 * A replica that copies its leader's log, in one epoch.
 *
 * What its fetches say it has, it has on disk: it flushes before its first fetch of an epoch, and
 * whatever it appended before the next one. Records that its disk lost it fetches again.
 *
 * @module
 */

import { RecordBatch } from "../../protocol/records/mod.ts";
import type { Log } from "../../storage/log.ts";
import type { PartitionState } from "../cluster/topic_state.ts";
import { type EpochEnd, mayCut, truncationOffset } from "./divergence.ts";
import { followerHighWatermark } from "./high_watermark.ts";

/** The partition that follows. */
export interface FollowingPartition {
  readonly topicId: string;
  readonly index: number;
  readonly log: Log;
  highWatermark(): number;
  /** Called with the new high watermark. */
  advance(offset: number): void;
  /** Called with the end of a log that was cut, before it is. */
  lower(offset: number): Promise<void>;
  /**
   * Called when the log has all that is committed, though it may have lost what was committed once;
   * undefined if it has not.
   */
  settle(): Promise<void> | undefined;
  /** Runs a truncation; nothing may be appended before it has ended. */
  cut(work: () => Promise<unknown>): Promise<void>;
  /** Whether this replica counts as one that has all committed records. */
  isInSync(): boolean;
  /** Whether the rate at which one side copies limits it. */
  isThrottled(side: "leader" | "follower"): boolean;
  /** Resolves when truncations under way, perhaps of an earlier epoch, have ended. */
  whenCut(): Promise<void>;
  /** The first readable offset. The deletion of records before it is on disk. */
  logStartOffset(): number;
  /** Deletes the records before an offset, as the leader did; resolves when that is on disk. */
  advanceStart(offset: number): Promise<void>;
  /** Called when the log begins again at an offset. */
  restarted(offset: number): void;
  toString(): string;
}

/** Where a follower is. */
export interface FollowerPosition {
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
}

/** A leader asks a follower to remove committed records. */
export class CommittedRecordsError extends Error {
  override name = "CommittedRecordsError";
}

/** A replica that follows a leader. */
export class Following {
  readonly partition: FollowingPartition;
  readonly state: PartitionState;
  #isEnded = false;

  constructor(partition: FollowingPartition, state: PartitionState) {
    this.partition = partition;
    this.state = state;
  }

  /** Whether the epoch is over: nothing must be changed any more. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Ends it. */
  end(): void {
    this.#isEnded = true;
  }

  /** Where the log ends. All of it is on disk. */
  get position(): FollowerPosition {
    const { log } = this.partition;
    const highWatermark = this.partition.highWatermark();
    const { logEndOffset, latestEpoch } = log;
    return {
      fetchOffset: logEndOffset,
      lastFetchedEpoch: logEndOffset === 0 ? -1 : latestEpoch,
      logStartOffset: this.partition.logStartOffset(),
      highWatermark,
    };
  }

  /**
   * Cuts the log where records were found to be lost or damaged when it was opened: the leader has them.
   * Only while this replica is not in sync: who counts on it must not lose what it has.
   */
  async dropDamaged(nowMs: number): Promise<void> {
    const { partition } = this;
    await partition.whenCut();
    const offset = partition.log.firstLostOffset;
    if (offset === undefined || this.#isEnded || partition.isInSync()) return;
    if (offset < partition.highWatermark()) await partition.lower(offset);
    await partition.cut(() => partition.log.truncateTo(offset, nowMs, () => !this.#isEnded));
  }

  /** Flushes all of the log. */
  async flush(): Promise<void> {
    await this.partition.whenCut();
    await this.partition.log.flush();
  }

  /**
   * Appends what the leader returned; not on disk until `Log.flush`.
   *
   * @param logStartOffset The leader's.
   */
  async append(records: Uint8Array, logStartOffset: number, nowMs: number): Promise<void> {
    const { log } = this.partition;
    const { leaderEpoch } = this.state;
    const { baseOffset } = new RecordBatch(records);
    // The leader's log starts within this batch, and all that this one has is deleted there.
    const isWithin = baseOffset < log.logEndOffset && log.logEndOffset <= logStartOffset;
    if (isWithin) await this.#restartAt(baseOffset, nowMs);
    if (!this.#isEnded) log.appendReplicated(records, { leaderEpoch, nowMs });
  }

  /** Applies the leader's high watermark and log start, after a flush. */
  async follow(
    leader: { readonly highWatermark: number; readonly logStartOffset: number },
  ): Promise<void> {
    if (this.#isEnded) return;
    const { partition } = this;
    const { log } = partition;
    const { flushedOffset } = log;
    const current = partition.highWatermark();
    partition.advance(followerHighWatermark(current, leader.highWatermark, flushedOffset));
    const start = Math.min(leader.logStartOffset, partition.highWatermark());
    if (start > partition.logStartOffset()) await partition.advanceStart(start);
    // Before a fetch tells the leader that this replica lacks nothing.
    if (flushedOffset >= leader.highWatermark) await partition.settle();
  }

  /**
   * Cuts the log where it parts from the leader's.
   *
   * @throws {CommittedRecordsError} If that would remove committed records.
   */
  async cut(diverging: EpochEnd, nowMs: number): Promise<void> {
    const { partition, state: { uncleanEpoch, leaderId } } = this;
    const { log } = partition;
    const highWatermark = partition.highWatermark();
    const own = log.endOffsetForEpoch(diverging.epoch)?.offset ??
      (diverging.epoch < 0 ? 0 : log.logEndOffset);
    const offset = truncationOffset(diverging, own);
    const { latestEpoch } = log;
    if (!mayCut({ offset, highWatermark, latestEpoch, uncleanEpoch })) {
      throw new CommittedRecordsError(
        `Cannot follow broker ${leaderId} in "${partition}": its log parts from this one at offset ` +
          `${offset}, and this replica has committed records up to ${highWatermark}`,
      );
    }
    if (offset < highWatermark) await partition.lower(offset);
    // The leader never had what was deleted here: its records after this offset are others.
    if (offset < log.logStartOffset) await this.#restartAt(offset, nowMs);
    else await partition.cut(() => log.truncateTo(offset, nowMs, () => !this.#isEnded));
  }

  /** Starts again at the leader's first record, which is after this log's end. */
  async restart(logStartOffset: number, nowMs: number): Promise<void> {
    const { log } = this.partition;
    if (logStartOffset <= log.logEndOffset) return;
    await this.#restartAt(logStartOffset, nowMs);
  }

  async #restartAt(offset: number, nowMs: number): Promise<void> {
    const { log } = this.partition;
    await this.partition.cut(async () => {
      const isDone = await log.truncateFullyAndStartAt(offset, nowMs, () => !this.#isEnded);
      if (isDone) this.partition.restarted(offset);
    });
  }
}
