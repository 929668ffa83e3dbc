/**
 * The batches of one partition and their order.
 *
 * `pending` are batches not sent yet, the last of which may be filling; `unconfirmed` those that were
 * sent, in the order of their sequence numbers, be they in flight or waiting to be sent again. Invariants:
 *
 * - While a batch waits to be sent again, only the oldest unconfirmed batch is sent, and no new one. So
 *   records never overtake each other, with or without idempotence.
 * - A batch keeps its sequence numbers when it is sent again, by which the broker recognizes it.
 * - Sequence numbers change only while nothing of the partition is in flight.
 * - The first batch under an identity is alone until it is confirmed: a broker that does not know a
 *   producer yet takes whatever sequence number comes first, so it would not notice if the batch it
 *   refused a moment ago were missing.
 *
 * When a batch is given up, the broker will not accept those after it: their sequence numbers do not
 * follow the last it has (a gap), unless it had written the batch after all. The oldest batch left is then
 * sent as it is. If the broker takes it, there was no gap. If the broker finds it out of order, nothing
 * after the gap can have been written, and it is safe to start anew: the epoch is raised and the batches
 * left are numbered from 0 (KIP-360). Brokers keep sequence numbers per partition, so an epoch is raised
 * for one partition alone.
 *
 * @module
 */

import { addSequence, type ProducerBatch } from "./producer_batch.ts";
import { MAX_UNCONFIRMED_BATCHES } from "./producer_options.ts";

/** What the broker knows an idempotent producer by. */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** An epoch is an int16. */
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
  /** The ordinal of the last batch given up, behind which there may be a gap; −1 if there is none. */
  #gapOrdinal = -1;
  #mustRaiseEpoch = false;
  /** Whether the broker has confirmed a batch under this identity. */
  #isKnown = false;

  constructor(topic: string, partition: number, isIdempotent: boolean) {
    this.topic = topic;
    this.partition = partition;
    this.#isIdempotent = isIdempotent;
  }

  /** Whether there is nothing to send or to wait for. */
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

  /** The batch that records go to, if it is still open. */
  get filling(): ProducerBatch | undefined {
    const last = this.#pending[this.#pending.length - 1];
    return last === undefined || last.isClosed ? undefined : last;
  }

  /** The size that the last batch has come to, 0 if there was none. */
  get lastSizeInBytes(): number {
    return this.#pending[this.#pending.length - 1]?.sizeInBytes ?? this.#lastSizeInBytes;
  }

  /** Adds a batch behind all others. */
  add(batch: ProducerBatch): void {
    this.#pending.push(batch);
  }

  /**
   * The batch that may be sent next, were its time to come. Undefined while order forbids to send any.
   */
  next(): ProducerBatch | undefined {
    if (this.#mustRaiseEpoch) return undefined;
    const oldest = this.#unconfirmed[0];
    if (oldest !== undefined) {
      if (this.#unconfirmed.some((batch) => !batch.isInFlight)) {
        return oldest.isInFlight ? undefined : oldest;
      }
      if (this.#gapOrdinal >= 0) return undefined;
      // Counted from the oldest on, confirmed or not: it is by the last five written that the broker
      // would recognize it, should it have been written without our knowing.
      const limit = this.#isKnown ? MAX_UNCONFIRMED_BATCHES : 1;
      if (this.#isIdempotent && this.#nextOrdinal - oldest.ordinal >= limit) return undefined;
    }
    return this.#pending[0];
  }

  /**
   * Makes sure that batches can be numbered: takes the identity over if there is none yet, and raises
   * the epoch if that has to be and nothing is in flight.
   *
   * @returns Whether they can. If not, a new producer id is needed, for the epoch cannot be raised.
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

  /** Notes that the batch, one that `next()` has named, is sent now. */
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

  /** Notes that the broker has written the batch. */
  succeeded(batch: ProducerBatch): void {
    this.#remove(batch);
    this.#isKnown = true;
    if (batch.ordinal > this.#gapOrdinal) this.#gapOrdinal = -1;
    this.#closeGap();
  }

  /** Notes that the batch is to be sent again, not before `retryAt`. */
  retry(batch: ProducerBatch, retryAt: number): void {
    batch.isInFlight = false;
    batch.retryAt = retryAt;
  }

  /** Notes that the broker did not write the batch because it does not follow what it has. */
  outOfOrder(batch: ProducerBatch): void {
    batch.isInFlight = false;
    // Any other has found its place taken by the gap that an older one leaves, which will be sent again.
    if (batch === this.#unconfirmed[0]) this.#mustRaiseEpoch = true;
  }

  /** Notes that the batch is given up, written or not. */
  gaveUp(batch: ProducerBatch): void {
    const wasSent = this.#remove(batch);
    if (!wasSent || this.#identity === undefined) return;
    this.#gapOrdinal = Math.max(this.#gapOrdinal, batch.ordinal);
    this.#closeGap();
  }

  /** Puts two batches in the place of one that was sent. */
  replace(batch: ProducerBatch, parts: readonly ProducerBatch[]): void {
    for (const part of parts) part.ordinal = batch.ordinal;
    this.#unconfirmed.splice(this.#unconfirmed.indexOf(batch), 1, ...parts);
  }

  /** Takes out all batches, in their order. */
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

  /** With nothing left that could tell whether there is a gap, there is taken to be one. */
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
