/**
 * Reports the outcome of messages to their callers.
 *
 * A batch keeps a list of deliveries, each for one or more consecutive records: either each record
 * has its own promise, or a `sendBatch()` waits for all of them without a promise per message.
 *
 * @module
 */

import { DqueueError } from "../errors.ts";
import type { RecordMetadata } from "./producer_options.ts";

/** Where a batch was written. */
export interface BatchResult {
  readonly topic: string;
  readonly partition: number;
  /** The offset of the first record; −1 if unknown. */
  readonly baseOffset: number;
  /** The append time set by the broker for all records; −1 if they keep their own timestamps. */
  readonly logAppendTimeMs: number;
}

/** Returns why the record at an index of its batch was not written. */
export type RecordFailure = (place: number) => DqueueError;

/** Consecutive records of a batch, and the caller that waits for them. */
export interface Delivery {
  /** The number of records. */
  readonly count: number;
  /** @param first The index in the batch of the first record. */
  delivered(batch: BatchResult, first: number): void;
  /** @param first The index in the batch of the first record. */
  failed(errorOf: RecordFailure, first: number): void;
  /** Splits the delivery: the first `count` records, and the rest. */
  split(count: number): [Delivery, Delivery];
}

/** Returns where the record at an index was written, or throws why it was not. */
type Outcome = (place: number, timestamp: number) => RecordMetadata;

/**
 * Consecutive records, each with its own promise, derived from a promise they share: that costs
 * less than a promise with its own resolvers each. The records need no index, since reactions to a
 * promise run in the order in which they were registered.
 */
export class PromisedDelivery implements Delivery {
  readonly #outcome = Promise.withResolvers<Outcome>();
  /** The timestamps without consecutive repetitions: most records share their millisecond. */
  readonly #timestamps: number[] = [];
  /** The index of the first record with each timestamp but the first. */
  readonly #changes: number[] = [];
  #lastTimestamp = NaN;
  #count = 0;
  #settledCount = 0;
  #timestampIndex = 0;
  readonly #settle = (outcome: Outcome): RecordMetadata => {
    const place = this.#settledCount++;
    if (place === this.#changes[this.#timestampIndex]) this.#timestampIndex++;
    return outcome(place, this.#timestamps[this.#timestampIndex]!);
  };

  get count(): number {
    return this.#count;
  }

  /** Adds a record with `timestamp`, which applies unless the broker sets another. */
  add(timestamp: number): Promise<RecordMetadata> {
    if (timestamp !== this.#lastTimestamp) {
      if (this.#count > 0) this.#changes.push(this.#count);
      this.#timestamps.push(timestamp);
      this.#lastTimestamp = timestamp;
    }
    this.#count++;
    return this.#outcome.promise.then(this.#settle);
  }

  delivered(batch: BatchResult, first: number): void {
    this.#outcome.resolve((place, timestamp) => recordMetadata(batch, first + place, timestamp));
  }

  failed(errorOf: RecordFailure, first: number): void {
    this.#outcome.resolve((place) => {
      throw errorOf(first + place);
    });
  }

  split(count: number): [Delivery, Delivery] {
    const parts: [PromisedDelivery, PromisedDelivery] = [
      new PromisedDelivery(),
      new PromisedDelivery(),
    ];
    parts[0].#count = count;
    parts[1].#count = this.#count - count;
    this.#outcome.resolve(
      Promise.all(parts.map((part) => part.#outcome.promise)).then(
        ([head, tail]) => (place, timestamp) =>
          place < count ? head!(place, timestamp) : tail!(place - count, timestamp),
      ),
    );
    return parts;
  }
}

/** The results of a list of messages, in the order of the list. */
export class DeliveryGroup {
  readonly #count: number;
  /**
   * Undefined until the first message is written: an array allocated early would be promoted to the
   * old generation, and what old objects point to is collected late.
   */
  #results: (RecordMetadata | undefined)[] | undefined;
  /** Undefined until a message fails. */
  #errors: (DqueueError | undefined)[] | undefined;
  readonly #resolve: (results: readonly RecordMetadata[]) => void;
  readonly #reject: (error: unknown) => void;
  #remaining: number;
  #failed = 0;

  constructor(
    count: number,
    resolve: (results: readonly RecordMetadata[]) => void,
    reject: (error: unknown) => void,
  ) {
    this.#count = count;
    this.#remaining = count;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** The results of the list. The caller fills them in and then calls `succeed()`. */
  get results(): (RecordMetadata | undefined)[] {
    return this.#results ??= new Array(this.#count).fill(undefined);
  }

  /** Counts messages that were written. */
  succeed(count: number): void {
    this.#remaining -= count;
    if (this.#remaining === 0) this.#settle();
  }

  /** Records that the message at `index` of the list failed. */
  fail(index: number, error: DqueueError): void {
    this.#errors ??= new Array(this.#count).fill(undefined);
    this.#errors[index] = error;
    this.#failed++;
    if (--this.#remaining === 0) this.#settle();
  }

  #settle(): void {
    const { results } = this;
    // Drops the references, since this object may be in the old generation.
    this.#results = undefined;
    if (this.#errors === undefined) this.#resolve(results as RecordMetadata[]);
    else this.#reject(new SendBatchError(results, this.#errors, this.#failed));
  }
}

/** Messages of a list that are in one batch. */
export class GroupDelivery implements Delivery {
  readonly #group: DeliveryGroup;
  /** The index in the list of the first message. */
  readonly #start: number;
  readonly #timestamp: number;
  /** The indexes of all messages, unless they are consecutive in the list. */
  #places: number[] | undefined;
  #count: number;

  /** For `count` messages from index `start`, with `timestamp`. */
  constructor(group: DeliveryGroup, start: number, count: number, timestamp: number) {
    this.#group = group;
    this.#start = start;
    this.#count = count;
    this.#timestamp = timestamp;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Adds `count` messages from `place` if they are of the same list and have the same timestamp.
   */
  tryExtend(group: DeliveryGroup, place: number, count: number, timestamp: number): boolean {
    if (group !== this.#group || timestamp !== this.#timestamp) return false;
    if (this.#places === undefined && place !== this.#start + this.#count) {
      this.#places = Array.from({ length: this.#count }, (_, i) => this.#start + i);
    }
    for (let i = 0; this.#places !== undefined && i < count; i++) this.#places.push(place + i);
    this.#count += count;
    return true;
  }

  delivered(batch: BatchResult, first: number): void {
    const { results } = this.#group;
    for (let i = 0; i < this.#count; i++) {
      results[this.#place(i)] = recordMetadata(batch, first + i, this.#timestamp);
    }
    this.#group.succeed(this.#count);
  }

  failed(errorOf: RecordFailure, first: number): void {
    for (let i = 0; i < this.#count; i++) this.#group.fail(this.#place(i), errorOf(first + i));
  }

  split(count: number): [Delivery, Delivery] {
    return [this.#part(0, count), this.#part(count, this.#count)];
  }

  #part(from: number, to: number): GroupDelivery {
    const part = new GroupDelivery(this.#group, this.#place(from), to - from, this.#timestamp);
    part.#places = this.#places?.slice(from, to);
    return part;
  }

  #place(i: number): number {
    return this.#places === undefined ? this.#start + i : this.#places[i]!;
  }
}

/** Records that are only counted, for a stream that waits until all are written. */
export class CountedDelivery implements Delivery {
  readonly #onSettled: (count: number, error?: DqueueError) => void;
  #count: number;

  constructor(onSettled: (count: number, error?: DqueueError) => void, count = 1) {
    this.#onSettled = onSettled;
    this.#count = count;
  }

  get count(): number {
    return this.#count;
  }

  /** Adds a record if it is for the same listener. */
  tryExtend(onSettled: (count: number, error?: DqueueError) => void): boolean {
    if (onSettled !== this.#onSettled) return false;
    this.#count++;
    return true;
  }

  delivered(): void {
    this.#onSettled(this.#count);
  }

  failed(errorOf: RecordFailure, first: number): void {
    this.#onSettled(this.#count, errorOf(first));
  }

  split(count: number): [Delivery, Delivery] {
    return [
      new CountedDelivery(this.#onSettled, count),
      new CountedDelivery(this.#onSettled, this.#count - count),
    ];
  }
}

function recordMetadata(batch: BatchResult, place: number, timestamp: number): RecordMetadata {
  return {
    topic: batch.topic,
    partition: batch.partition,
    offset: batch.baseOffset < 0 ? -1 : batch.baseOffset + place,
    timestamp: batch.logAppendTimeMs < 0 ? timestamp : batch.logAppendTimeMs,
  };
}

/** Some messages of a `sendBatch()` were not written. Its code is that of the first failure. */
export class SendBatchError extends DqueueError {
  /** The name of the class. */
  override name = "SendBatchError";
  /** The result of each message, in the order of the call; undefined for those that failed. */
  readonly results: readonly (RecordMetadata | undefined)[];
  /** The error of each message, in the order of the call; undefined for those that were written. */
  readonly errors: readonly (DqueueError | undefined)[];

  /** Creates an error of a list in which `failed` messages failed. */
  constructor(
    results: readonly (RecordMetadata | undefined)[],
    errors: readonly (DqueueError | undefined)[],
    failed: number,
  ) {
    const first = errors.find((error) => error !== undefined)!;
    super(`Cannot send ${failed} of ${results.length} messages: ${first.message}`, {
      code: first.code,
      retriable: first.retriable,
      advice: first.advice,
      cause: first,
    });
    this.results = results;
    this.errors = errors;
  }
}
