/**
 * The batches of one partition, in order.
 *
 * `pending` are batches not sent yet, of which the last may be open; `unconfirmed` are batches that
 * were sent, in the order of their sequence numbers, in flight or waiting for a retry. Invariants:
 *
 * - While a batch waits for a retry, only the oldest unconfirmed batch is sent, and no new one. So
 *   records are never reordered, with or without idempotence.
 * - A retried batch keeps its sequence numbers, by which the broker detects duplicates.
 * - Sequence numbers change only while no batch of the partition is in flight.
 * - The first batch under an identity is sent alone until it is confirmed: a broker accepts any
 *   first sequence number of an unknown producer, so it would not notice that the batch it refused
 *   just before is missing.
 *
 * After a batch has failed, the broker rejects later ones: their sequence numbers leave a gap,
 * unless the failed batch was written after all. The oldest remaining batch is then sent unchanged.
 * If the broker accepts it, there was no gap. If the broker returns OUT_OF_ORDER_SEQUENCE_NUMBER,
 * nothing after the gap can have been written, and it is safe to bump the epoch and renumber the
 * remaining batches from 0 (KIP-360). Brokers track sequence numbers per partition, so the epoch is
 * bumped for one partition only.
 *
 * @module
 */

import { addSequence, type ProducerBatch } from "./producer_batch.ts";
import { MAX_UNCONFIRMED_BATCHES } from "./producer_options.ts";
import type { ProducerIdentity } from "../transactions/producer_identity.ts";

/** The highest epoch: it is an int16. */
const MAX_EPOCH = 0x7fff;

/** The batches of one partition. */
export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  readonly #isIdempotent: boolean;
  readonly #pending: ProducerBatch[] = [];
  readonly #unconfirmed: ProducerBatch[] = [];
  #identity: ProducerIdentity | undefined;
  #nextSequence = 0;
  #nextOrdinal = 0;
  #lastSizeInBytes = 0;
  /** The ordinal of the last failed batch, after which there may be a gap; −1 if there is none. */
  #gapOrdinal = -1;
  #mustRaiseEpoch = false;
  /** Whether the broker has confirmed a batch under this identity. */
  #isKnown = false;

  constructor(topic: string, partition: number, isIdempotent: boolean) {
    this.topic = topic;
    this.partition = partition;
    this.#isIdempotent = isIdempotent;
  }

  /** Whether it has no batches. */
  get isEmpty(): boolean {
    return this.#pending.length === 0 && this.#unconfirmed.length === 0;
  }

  /** The batches not sent yet, oldest first. */
  get pending(): readonly ProducerBatch[] {
    return this.#pending;
  }

  /** The batches sent and not confirmed, oldest first. */
  get unconfirmed(): readonly ProducerBatch[] {
    return this.#unconfirmed;
  }

  /** The batch that records are appended to, if one is open. */
  get filling(): ProducerBatch | undefined {
    const last = this.#pending[this.#pending.length - 1];
    return last === undefined || last.isClosed ? undefined : last;
  }

  /** The size of the last batch; 0 if there was none. */
  get lastSizeInBytes(): number {
    return this.#pending[this.#pending.length - 1]?.sizeInBytes ?? this.#lastSizeInBytes;
  }

  /** Adds a batch at the end. */
  add(batch: ProducerBatch): void {
    this.#pending.push(batch);
  }

  /** The next batch to send, regardless of its time. Undefined while ordering allows none. */
  next(): ProducerBatch | undefined {
    if (this.#mustRaiseEpoch) return undefined;
    const oldest = this.#unconfirmed[0];
    if (oldest !== undefined) {
      if (this.#unconfirmed.some((batch) => !batch.isInFlight)) {
        return oldest.isInFlight ? undefined : oldest;
      }
      if (this.#gapOrdinal >= 0) return undefined;
      // Counted from the oldest batch on, confirmed or not: a broker detects duplicates among the
      // last five it has written, and the oldest may have been written without our knowledge.
      const limit = this.#isKnown ? MAX_UNCONFIRMED_BATCHES : 1;
      if (this.#isIdempotent && this.#nextOrdinal - oldest.ordinal >= limit) return undefined;
    }
    return this.#pending[0];
  }

  /**
   * Makes sure that batches can be numbered: adopts the identity if there is none yet, and bumps
   * the epoch if that is necessary and nothing is in flight.
   *
   * @returns Whether they can. If not, a new producer id is needed since the epoch is exhausted.
   */
  prepare(identity: ProducerIdentity): boolean {
    const own = this.#identity;
    if (own === undefined) {
      this.#start(identity);
    } else if (this.#mustRaiseEpoch && !this.#unconfirmed.some((batch) => batch.isInFlight)) {
      if (identity.producerId !== own.producerId) this.#start(identity);
      else if (own.producerEpoch >= MAX_EPOCH) return false;
      else this.#start({ ...own, producerEpoch: own.producerEpoch + 1 });
    }
    return true;
  }

  /**
   * Adopts the identity of a transaction. Its epoch is the coordinator's to bump, and with each the
   * sequence starts at 0: the queue is empty then.
   *
   * @param isVerified Whether the broker refuses a first batch that is not the first of its epoch.
   */
  adopt({ producerId, producerEpoch }: ProducerIdentity, isVerified: boolean): void {
    const own = this.#identity;
    if (own?.producerId === producerId && own.producerEpoch === producerEpoch) return;
    this.#start({ producerId, producerEpoch });
    this.#isKnown = isVerified;
  }

  /** Records that the batch returned by `next()` is being sent. */
  sent(batch: ProducerBatch): void {
    if (batch === this.#pending[0]) {
      this.#pending.shift();
      this.#unconfirmed.push(batch);
      batch.ordinal = this.#nextOrdinal++;
      this.#lastSizeInBytes = batch.sizeInBytes;
      if (this.#identity !== undefined) this.#number(batch, this.#identity);
    }
    batch.isInFlight = true;
    batch.attempts++;
  }

  /** Records that the broker has written the batch. */
  succeeded(batch: ProducerBatch): void {
    this.#remove(batch);
    this.#isKnown = true;
    if (batch.ordinal > this.#gapOrdinal) this.#gapOrdinal = -1;
    this.#closeGap();
  }

  /** Schedules a retry of the batch, not before `retryAt`. */
  retry(batch: ProducerBatch, retryAt: number): void {
    batch.isInFlight = false;
    batch.retryAt = retryAt;
  }

  /** Records that the broker rejected the batch as out of order. */
  outOfOrder(batch: ProducerBatch): void {
    batch.isInFlight = false;
    // A later batch was rejected because of the gap that an older one leaves, which will be
    // retried.
    if (batch === this.#unconfirmed[0]) this.#mustRaiseEpoch = true;
  }

  /** Removes a batch that failed, whether written or not. */
  gaveUp(batch: ProducerBatch): void {
    const wasSent = this.#remove(batch);
    if (!wasSent || this.#identity === undefined) return;
    this.#gapOrdinal = Math.max(this.#gapOrdinal, batch.ordinal);
    this.#closeGap();
  }

  /** Replaces a batch that was sent by its two halves. */
  replace(batch: ProducerBatch, parts: readonly ProducerBatch[]): void {
    for (const part of parts) part.ordinal = batch.ordinal;
    this.#unconfirmed.splice(this.#unconfirmed.indexOf(batch), 1, ...parts);
  }

  /** Removes and returns all batches, in order. */
  clear(): ProducerBatch[] {
    return [...this.#unconfirmed.splice(0), ...this.#pending.splice(0)];
  }

  #remove(batch: ProducerBatch): boolean {
    batch.isInFlight = false;
    const sentAt = this.#unconfirmed.indexOf(batch);
    if (sentAt >= 0) this.#unconfirmed.splice(sentAt, 1);
    const pendingAt = sentAt >= 0 ? -1 : this.#pending.indexOf(batch);
    if (pendingAt >= 0) this.#pending.splice(pendingAt, 1);
    return sentAt >= 0;
  }

  /** With no batch left to reveal a gap, one is assumed. */
  #closeGap(): void {
    if (this.#gapOrdinal >= 0 && this.#unconfirmed.length === 0) this.#mustRaiseEpoch = true;
  }

  #start(identity: ProducerIdentity): void {
    this.#identity = identity;
    this.#isKnown = false;
    this.#nextSequence = 0;
    this.#mustRaiseEpoch = false;
    this.#gapOrdinal = -1;
    for (const batch of this.#unconfirmed) this.#number(batch, identity);
  }

  #number(batch: ProducerBatch, { producerId, producerEpoch }: ProducerIdentity): void {
    batch.setProducerState(producerId, producerEpoch, this.#nextSequence);
    this.#nextSequence = addSequence(this.#nextSequence, batch.recordCount);
  }
}
