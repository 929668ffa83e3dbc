/**
 * What of a partition can be read: its log start offset, its high watermark and its last stable offset
 * as readers see them, and who waits for them to change. A deletion is shown once it is on disk.
 *
 * The last stable offset is the first offset of the oldest transaction that is not known to have
 * ended, or the high watermark. A transaction has ended when its marker is committed, so that the last
 * stable offset moves only when the high watermark does.
 *
 * @module
 */

import { OffsetOutOfRangeError } from "../../storage/errors.ts";

type Callback = () => void;

/** The transactions of a log. */
export interface Transactions {
  /**
   * The first offset of the oldest transaction that is open, or that a marker at or above the high
   * watermark has ended.
   */
  firstUnstableOffset(highWatermark: number): number | undefined;
}

const NO_TRANSACTIONS: Transactions = { firstUnstableOffset: () => undefined };

/** The readable part of one log. */
export class ReadableRange {
  #startOffset: number;
  #highWatermark: number;
  /** Settles when the start offset of all running deletions is shown. */
  #trimming: Promise<unknown> | undefined;
  // Made when first needed: a broker may have thousands of partitions that nobody waits for.
  #waiters: Set<Callback> | undefined;
  /** Those who also wait for records that are not committed. */
  #replicaWaiters: Set<Callback> | undefined;
  /** Those who only wait for records below the last stable offset. */
  #stableWaiters: Set<Callback> | undefined;
  /** The last stable offset that they know. */
  #shownStable = -1;
  readonly #transactions: Transactions;

  constructor(
    startOffset: number,
    highWatermark: number,
    transactions: Transactions = NO_TRANSACTIONS,
  ) {
    this.#startOffset = startOffset;
    this.#highWatermark = highWatermark;
    this.#transactions = transactions;
  }

  /** The first readable offset. The deletion of records before it is on disk. */
  get startOffset(): number {
    return this.#startOffset;
  }

  /** The first uncommitted offset. */
  get highWatermark(): number {
    return this.#highWatermark;
  }

  /**
   * The first offset of the oldest transaction whose end is not committed, or the high watermark.
   * Not before the start offset, though the transaction may be older.
   */
  get lastStableOffset(): number {
    const unstable = this.#transactions.firstUnstableOffset(this.#highWatermark);
    if (unstable === undefined || unstable >= this.#highWatermark) return this.#highWatermark;
    return Math.max(unstable, this.#startOffset);
  }

  /** Shows a later start offset. */
  advanceStart(offset: number): void {
    if (offset <= this.#startOffset) return;
    this.#startOffset = offset;
    this.notify();
  }

  /** Shows a larger high watermark. */
  advance(highWatermark: number): void {
    if (highWatermark <= this.#highWatermark) return;
    this.#highWatermark = highWatermark;
    callAll(this.#waiters);
    if (this.#stableWaiters === undefined || this.#stableWaiters.size === 0) return;
    const { lastStableOffset } = this;
    if (lastStableOffset <= this.#shownStable) return;
    this.#shownStable = lastStableOffset;
    callAll(this.#stableWaiters);
  }

  /** Takes both offsets back to where the log is cut, if they are larger. */
  cut(offset: number): void {
    this.#startOffset = Math.min(this.#startOffset, offset);
    this.#highWatermark = Math.min(this.#highWatermark, offset);
    this.#shownStable = Math.min(this.#shownStable, offset);
  }

  /** Shows that the log begins again at `offset`: nothing before it can be read. */
  restart(offset: number): void {
    this.#highWatermark = Math.max(this.#highWatermark, offset);
    this.advanceStart(offset);
  }

  /** Whether a deletion is running. */
  get isTrimming(): boolean {
    return this.#trimming !== undefined;
  }

  /** Runs work that moves the start offset, which readers learn when it has ended. */
  async trim<T>(work: () => Promise<T>): Promise<T> {
    const trimmed = work();
    const trimming = Promise.allSettled([this.#trimming, trimmed]);
    this.#trimming = trimming;
    try {
      return await trimmed;
    } finally {
      if (this.#trimming === trimming) this.#trimming = undefined;
    }
  }

  /** Throws the error of a read from an offset, after deletions that it may be due to. */
  async throwAfterTrim(offset: number, error: unknown): Promise<never> {
    if (error instanceof OffsetOutOfRangeError && offset >= this.#startOffset) await this.#trimming;
    throw error;
  }

  /** Calls `callback` at each `notify`, until the returned function is called. */
  subscribe(callback: Callback): () => void {
    const waiters = this.#waiters ??= new Set();
    waiters.add(callback);
    return () => waiters.delete(callback);
  }

  /** As {@linkcode subscribe}, but not for records at or above the last stable offset. */
  subscribeStable(callback: Callback): () => void {
    const waiters = this.#stableWaiters ??= new Set();
    // Those that wait already know it: they are called whenever it moves.
    this.#shownStable = this.lastStableOffset;
    waiters.add(callback);
    return () => waiters.delete(callback);
  }

  /** As {@linkcode subscribe}, and at each `notifyReplicas`. */
  subscribeReplica(callback: Callback): () => void {
    const unsubscribe = this.subscribe(callback);
    const waiters = this.#replicaWaiters ??= new Set();
    waiters.add(callback);
    return () => {
      unsubscribe();
      waiters.delete(callback);
    };
  }

  /** Wakes everyone: the range has changed, or who may read it. */
  notify(): void {
    callAll(this.#waiters);
    callAll(this.#stableWaiters);
  }

  /** Wakes those who also wait for records that are not committed. */
  notifyReplicas(): void {
    callAll(this.#replicaWaiters);
  }
}

function callAll(waiters: Set<Callback> | undefined): void {
  if (waiters === undefined || waiters.size === 0) return;
  for (const callback of [...waiters]) callback();
}
