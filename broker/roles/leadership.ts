/**
 * What the leader of a replicated partition knows in one epoch: how far its followers are, which
 * ISRs the store may have accepted, and who waits for the high watermark.
 *
 * A record commits when every in-sync replica has it on disk. Nothing is carried over from an
 * earlier epoch: a follower counts from its first fetch in this one.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { Acks } from "../../protocol/messages/records/produce.ts";
import type { Log } from "../../storage/log.ts";
import { ApiError } from "../api_error.ts";
import type { PartitionState } from "../cluster/topic_state.ts";
import { turnEnd } from "../time/turn_end.ts";
import type { Commits } from "./commits.ts";
import { nextHighWatermark } from "./high_watermark.ts";
import { type InSyncChange, nextInSync } from "./isr.ts";

/** The partition that is led. */
export interface LedPartition {
  readonly log: Log;
  highWatermark(): number;
  /** Fewest in-sync replicas for a commit. */
  minInSync(): number;
  /** Called with the new high watermark. */
  advance(offset: number): void;
  /** Called when a flush has failed. */
  onFailure(): void;
  /** Called when the ISR may have to change. */
  onInSyncDue(): void;
  toString(): string;
}

/** A follower's fetch that its leader answers with records. */
export interface FollowerFetch {
  readonly replicaId: number;
  /** The registration of the follower that sent it. */
  readonly brokerEpoch: number;
  /** The end of what the follower has on disk. */
  readonly fetchOffset: number;
  readonly logStartOffset: number;
  /** As of `Clock.monotonic()`. */
  readonly nowMs: number;
}

/** The brokers of the cluster, as far as the ISR depends on them. */
export interface LiveBrokers {
  /** The current registration of a broker; undefined if it is not registered. */
  epochOf(broker: number): number | undefined;
  /** Whether a broker is about to stop. */
  isStopping(broker: number): boolean;
  /** Whether a broker has not fetched anything from this one for some time. */
  isSilent(broker: number): boolean;
}

/** How long a follower may take to its first fetch in an epoch. */
const UNHEARD_MS = 1250;

interface Follower {
  brokerEpoch: number;
  /** The end of what it has on disk; undefined before its first fetch of this epoch. */
  endOffset: number | undefined;
  logStartOffset: number;
  /** When it last had all that the leader had. */
  caughtUpMs: number;
  /** When it last fetched, and the leader's log end then. */
  fetchedMs: number;
  fetchedEndOffset: number;
}

interface Waiter extends PromiseWithResolvers<void> {
  readonly endOffset: number;
  /** Whether it waits even while too few replicas are in sync. */
  readonly isPatient: boolean;
}

/** One broker's leadership of one partition in one epoch. */
export class Leadership implements Commits {
  /** Where the log ended when the epoch began: all before it may have been committed. */
  readonly startOffset: number;
  readonly #partition: LedPartition;
  readonly #beganMs: number;
  readonly #followers: Map<number, Follower> = new Map();
  /** Appends that wait for the high watermark, in the order of their offsets. */
  #waiters: Waiter[] = [];
  #state: PartitionState;
  /** Members of the ISRs asked for since the partition's key last changed. */
  #pending: ReadonlySet<number> = new Set();
  /** Resolves when a follower's log start, or who is in sync, has changed. */
  #started: PromiseWithResolvers<void> | undefined;
  #isFlushing = false;
  #isFlushDue = false;
  #isEnded = false;

  /** @param nowMs As of `Clock.monotonic()`. */
  constructor(partition: LedPartition, state: PartitionState, nowMs: number) {
    this.#partition = partition;
    this.#state = state;
    this.#beganMs = nowMs;
    this.startOffset = partition.log.logEndOffset;
    this.#flushSoon();
  }

  /** Whether this broker does not lead in this epoch any more. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Whether everything that may have been committed earlier is known to be. */
  get isEstablished(): boolean {
    return this.#partition.highWatermark() >= this.startOffset;
  }

  /** The members of ISRs that the store may have accepted. */
  get pending(): ReadonlySet<number> {
    return this.#pending;
  }

  /** The other replicas that may be elected without loss, whatever the store has accepted. */
  get successors(): ReadonlySet<number> {
    const { leaderId, isr, elr } = this.#state;
    const successors = new Set([...isr, ...elr, ...this.#pending]);
    successors.delete(leaderId);
    return successors;
  }

  /** The end of what a follower has on disk; undefined if unknown. */
  endOf(replica: number): number | undefined {
    return this.#followers.get(replica)?.endOffset;
  }

  /** The registration that a follower last fetched with. */
  brokerEpochOf(replica: number): number | undefined {
    return this.#followers.get(replica)?.brokerEpoch;
  }

  /**
   * Resolves when the logs of all replicas that can lead next start at an offset or later.
   *
   * @throws {ApiError} NOT_LEADER_OR_FOLLOWER when this broker does not lead any more.
   */
  async whenStarted(offset: number): Promise<void> {
    while (this.#leastLogStartOffset < offset) {
      this.#started ??= Promise.withResolvers();
      this.#started.promise.catch(() => {});
      await this.#started.promise;
    }
  }

  get #leastLogStartOffset(): number {
    let least = Infinity;
    for (const id of this.successors) {
      least = Math.min(least, this.#followers.get(id)?.logStartOffset ?? -1);
    }
    return least;
  }

  #noteStart(): void {
    this.#started?.resolve();
    this.#started = undefined;
  }

  commit(
    _firstOffset: number,
    endOffset: number,
    acks: Acks,
    isPatient: boolean,
  ): Promise<void> | undefined {
    // What no follower waits for is flushed when one is ahead.
    if (acks === Acks.all || this.#isAlone) this.#flushSoon();
    if (acks !== Acks.all || endOffset <= this.#partition.highWatermark()) return undefined;
    const waiter = { endOffset, isPatient, ...Promise.withResolvers<void>() };
    waiter.promise.catch(() => {});
    // The end of a duplicate is that of an earlier append.
    const at = this.#waiters.findLastIndex((other) => other.endOffset <= endOffset);
    this.#waiters.splice(at + 1, 0, waiter);
    return waiter.promise;
  }

  end(error: unknown): void {
    this.#isEnded = true;
    this.#started?.reject(error);
    this.#rejectAll(error);
  }

  /** Applies a state of the same epoch. */
  update(state: PartitionState): void {
    const isSettled = state.revision !== this.#state.revision;
    this.#state = state;
    if (isSettled) this.#pending = new Set();
    this.#noteStart();
    this.#settingsChanged();
  }

  /** Applies a changed `min.insync.replicas`. */
  settingsChanged(): void {
    this.#settingsChanged();
    this.#partition.onInSyncDue();
  }

  #settingsChanged(): void {
    this.#advance();
    const minInSync = this.#partition.minInSync();
    const { length } = this.#state.isr;
    if (this.#waiters.length === 0 || length >= minInSync) return;
    const error = new ApiError(
      ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
      `Append to "${this.#partition}" is not on enough replicas: ${length} are in sync, ` +
        `min.insync.replicas is ${minInSync}`,
    );
    const impatient = this.#waiters.filter((waiter) => !waiter.isPatient);
    this.#waiters = this.#waiters.filter((waiter) => waiter.isPatient);
    for (const { reject } of impatient) reject(error);
  }

  /** Notes how far a follower is, which the offset of its fetch says. */
  fetched({ replicaId, brokerEpoch, fetchOffset, logStartOffset, nowMs }: FollowerFetch): void {
    if (this.#isEnded) return;
    const { log } = this.#partition;
    const { logEndOffset } = log;
    const follower = this.#follower(replicaId);
    if (brokerEpoch < follower.brokerEpoch) return;
    follower.brokerEpoch = brokerEpoch;
    if (fetchOffset >= logEndOffset) follower.caughtUpMs = nowMs;
    else if (fetchOffset >= follower.fetchedEndOffset) {
      follower.caughtUpMs = Math.max(follower.caughtUpMs, follower.fetchedMs);
    }
    follower.fetchedMs = nowMs;
    follower.fetchedEndOffset = logEndOffset;
    follower.endOffset = Math.min(fetchOffset, logEndOffset);
    if (follower.logStartOffset !== logStartOffset) {
      follower.logStartOffset = logStartOffset;
      this.#noteStart();
    }
    if (follower.endOffset > log.flushedOffset) this.#flushSoon();
    this.#advance();
    const isMember = this.#state.isr.includes(replicaId);
    const isCommitted = follower.endOffset >= this.#partition.highWatermark();
    if (isMember !== isCommitted) this.#partition.onInSyncDue();
  }

  /** The ISR to ask for; undefined if the current one is right. */
  nextInSync(brokers: LiveBrokers, maxLagMs: number, nowMs: number): InSyncChange | undefined {
    if (this.#isEnded) return undefined;
    const minInSync = this.#partition.minInSync();
    const { leaderId, isr } = this.#state;
    const unheard = isr.filter((id) => id !== leaderId && this.#isUnheard(id, brokers, nowMs));
    // Who hears of nobody is more likely cut off itself.
    const mayDrop = isr.length - unheard.length >= Math.max(2, minInSync);
    return nextInSync(this.#state, {
      minInSync,
      mustLeave: (id) =>
        mayDrop && unheard.includes(id) || this.#mustLeave(id, brokers, maxLagMs, nowMs),
      mayJoin: (id) => this.#mayJoin(id, brokers),
    });
  }

  /** Notes that the store may accept an ISR from now on. */
  ask(isr: readonly number[]): void {
    this.#pending = this.#pending.union(new Set(isr));
  }

  /** Notes that the store has accepted none of the ISRs asked for, and will not. */
  withdraw(): void {
    this.#pending = new Set();
    this.#noteStart();
    this.#advance();
  }

  #mustLeave(id: number, brokers: LiveBrokers, maxLagMs: number, nowMs: number): boolean {
    if (brokers.epochOf(id) === undefined || brokers.isStopping(id)) return true;
    const { log } = this.#partition;
    const highWatermark = this.#partition.highWatermark();
    const follower = this.#follower(id);
    const { endOffset } = follower;
    if (endOffset !== undefined && endOffset < highWatermark) return true;
    if (endOffset !== undefined && endOffset >= log.logEndOffset) follower.caughtUpMs = nowMs;
    return nowMs - follower.caughtUpMs > maxLagMs;
  }

  /** Whether appends wait for a follower that does not fetch. */
  #isUnheard(id: number, brokers: LiveBrokers, nowMs: number): boolean {
    if (!brokers.isSilent(id)) return false;
    const { endOffset, fetchedMs } = this.#follower(id);
    if (endOffset !== undefined && endOffset >= this.#partition.log.logEndOffset) return false;
    return nowMs - fetchedMs > UNHEARD_MS;
  }

  #mayJoin(id: number, brokers: LiveBrokers): boolean {
    const { endOffset, brokerEpoch, logStartOffset = -1 } = this.#followers.get(id) ?? {};
    if (endOffset === undefined || brokers.epochOf(id) !== brokerEpoch) return false;
    // Records that were deleted must not return when it leads.
    if (logStartOffset < this.#partition.log.logStartOffset) return false;
    return endOffset >= this.#partition.highWatermark() && endOffset >= this.startOffset &&
      !brokers.isStopping(id) && !brokers.isSilent(id);
  }

  #follower(id: number): Follower {
    let follower = this.#followers.get(id);
    if (follower === undefined) {
      follower = {
        brokerEpoch: 0,
        endOffset: undefined,
        logStartOffset: -1,
        caughtUpMs: this.#beganMs,
        fetchedMs: this.#beganMs,
        fetchedEndOffset: Infinity,
      };
      this.#followers.set(id, follower);
    }
    return follower;
  }

  /** Whether no follower counts. */
  get #isAlone(): boolean {
    return this.#state.isr.length <= 1 && this.#pending.size <= 1;
  }

  #flushSoon(): void {
    const { log } = this.#partition;
    if (this.#isFlushDue || log.flushedOffset >= log.logEndOffset) return;
    this.#isFlushDue = true;
    if (!this.#isFlushing) turnEnd().then(() => this.#flush());
  }

  async #flush(): Promise<void> {
    if (this.#isFlushing || !this.#isFlushDue || this.#isEnded) return;
    this.#isFlushDue = false;
    this.#isFlushing = true;
    try {
      await this.#partition.log.flush();
    } catch (error) {
      if (this.#isEnded) return;
      this.#rejectAll(error);
      this.#partition.onFailure();
      return;
    } finally {
      this.#isFlushing = false;
    }
    this.#advance();
    // Acknowledged clients may send more, in time for the next flush.
    if (this.#isFlushDue) turnEnd().then(() => this.#flush());
  }

  #advance(): void {
    if (this.#isEnded) return;
    const { log } = this.#partition;
    const highWatermark = this.#partition.highWatermark();
    const minInSync = this.#partition.minInSync();
    const offset = nextHighWatermark(highWatermark, {
      state: this.#state,
      pending: this.#pending,
      minInSync,
      flushedOffset: log.flushedOffset,
      endOf: (id) => this.endOf(id),
    });
    if (offset <= highWatermark) return;
    this.#partition.advance(offset);
    let count = 0;
    while (count < this.#waiters.length && this.#waiters[count]!.endOffset <= offset) count++;
    for (const waiter of this.#waiters.splice(0, count)) waiter.resolve();
  }

  #rejectAll(error: unknown): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { reject } of waiters) reject(error);
  }
}
