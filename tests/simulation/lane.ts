/**
 * What a producer keeps of the batches that it sends to one partition.
 *
 * @module
 */

import type { ModelBatch } from "./model.ts";
import type { ProducerIdentity } from "./record_book.ts";
import { check } from "./violation.ts";

const MAX_IN_FLIGHT = 5;

/** A batch in flight. */
export interface Sending {
  readonly batch: ModelBatch;
  readonly identity: ProducerIdentity | undefined;
}

/** A producer's batches to one partition. */
export class Lane<Partition> {
  readonly partition: Partition;
  /** Batches that are not acknowledged, in order. */
  readonly unresolved: Sending[] = [];
  inFlight = 0;
  /** Whether a batch failed, so that all unresolved ones are sent again once none is in flight. */
  mustResend = false;
  /** The last batch that was acknowledged. */
  acknowledged: { readonly sending: Sending; readonly baseOffset: number } | undefined;
  /** Whether the broker may have forgotten earlier batches. */
  hasGap = false;
  #nextSequence = 0;

  constructor(partition: Partition) {
    this.partition = partition;
  }

  /** Whether another batch may be sent. */
  get hasRoom(): boolean {
    // The broker has no state of the producer until its first batch is appended.
    return this.unresolved.length < (this.acknowledged === undefined ? 1 : MAX_IN_FLIGHT);
  }

  /** A batch that comes after those so far. */
  next(batch: ModelBatch, producerId: number): Sending {
    const identity = batch.isIdempotent
      ? { producerId, producerEpoch: 0, baseSequence: this.#nextSequence }
      : undefined;
    this.#nextSequence += batch.records.length;
    return { batch, identity };
  }

  /** A batch was acknowledged. */
  acknowledge(sending: Sending, baseOffset: number): void {
    const slot = this.unresolved.indexOf(sending);
    if (slot >= 0) this.unresolved.splice(slot, 1);
    this.acknowledged = { sending, baseOffset };
  }
}

/** A producer's batches, by partition. */
export class Lanes<Partition> extends Map<Partition, Lane<Partition>> {
  /** The batches to a partition. */
  of(partition: Partition): Lane<Partition> {
    let lane = this.get(partition);
    if (lane === undefined) this.set(partition, lane = new Lane(partition));
    return lane;
  }
}

/** The producer ids that were ever given. */
export class ProducerIds {
  readonly #given: Set<number> = new Set();

  /** Fails if an id was given before. */
  add(producerId: number): void {
    check(!this.#given.has(producerId), () => `Producer id ${producerId} was given twice`);
    this.#given.add(producerId);
  }
}
