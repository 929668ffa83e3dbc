/**
 * What of a partition can be read: its log start offset and its high watermark as readers see them,
 * and who waits for them to change. A deletion is shown once it is on disk.
 *
 * @module
 */

import { OffsetOutOfRangeError } from "../../storage/errors.ts";

type Callback = () => void;

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

  constructor(startOffset: number, highWatermark: number) {
    this.#startOffset = startOffset;
    this.#highWatermark = highWatermark;
  }

  /** The first readable offset. The deletion of records before it is on disk. */
  get startOffset(): number {
    return this.#startOffset;
  }

  /** The first uncommitted offset. */
  get highWatermark(): number {
    return this.#highWatermark;
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
    this.notify();
  }

  /** Takes both offsets back to where the log is cut, if they are larger. */
  cut(offset: number): void {
    this.#startOffset = Math.min(this.#startOffset, offset);
    this.#highWatermark = Math.min(this.#highWatermark, offset);
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
