/**
 * Who hears what became of messages.
 *
 * A batch keeps a list of deliveries, each standing for one or more of its records in a row: be it that
 * each has a promise, be it that a `sendBatch()` waits for all of them, with no promise per message.
 *
 * @module
 */

import { DqueueError } from "../errors.ts";
import type { RecordMetadata } from "./producer_options.ts";

/** Where a batch was written. */
export interface BatchResult {
  readonly topic: string;
  readonly partition: number;
  /** The offset of the first record, −1 if not known. */
  readonly baseOffset: number;
  /** The time the broker gave all records, −1 if they keep their own. */
  readonly logAppendTimeMs: number;
}

/** Why the record at a place of its batch was not written. */
export type RecordFailure = (place: number) => DqueueError;

/** Some records in a row, and who waits for them. */
export interface Delivery {
  /** How many records. */
  readonly count: number;
  /** @param first The place in the batch of the first of them. */
  delivered(batch: BatchResult, first: number): void;
  /** @param first The place in the batch of the first of them. */
  failed(errorOf: RecordFailure, first: number): void;
  /** The same as two: for the first `count` records, and for the others. */
  split(count: number): [Delivery, Delivery];
}

/** Tells where the record at a place was written, or throws why it was not. */
type Outcome = (place: number, timestamp: number) => RecordMetadata;

/**
 * Records in a row, each with a promise of its own, derived from one promise that all share: that costs
 * less for each than a promise with its two functions to settle it. Nor has each a function that knows
 * its place: what waits for one promise is called in the order in which it came to wait.
 */
export class PromisedDelivery implements Delivery {
  readonly #outcome = Promise.withResolvers<Outcome>();
  readonly #timestamps: number[] = [];
  #count = 0;
  #settledCount = 0;
  readonly #settle = (outcome: Outcome): RecordMetadata => {
    const place = this.#settledCount++;
    return outcome(place, this.#timestamps[place]!);
  };

  get count(): number {
    return this.#count;
  }

  /** Counts one more record, which will have `timestamp` unless the broker sets another. */
  add(timestamp: number): Promise<RecordMetadata> {
    this.#count++;
    this.#timestamps.push(timestamp);
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

/** What a list of messages comes to, in the order of the list. */
export class DeliveryGroup {
  readonly #count: number;
  /**
   * Undefined as long as nothing was written: made early it would have grown old by the time it is
   * filled, and whatever old memory points to is collected late.
   */
  #results: (RecordMetadata | undefined)[] | undefined;
  /** Undefined as long as none has failed. */
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

  /** Where the messages of the list were written; whoever fills some in then calls `succeed()`. */
  get results(): (RecordMetadata | undefined)[] {
    return this.#results ??= new Array(this.#count).fill(undefined);
  }

  /** Notes that so many more were written. */
  succeed(count: number): void {
    this.#remaining -= count;
    if (this.#remaining === 0) this.#settle();
  }

  /** Notes that the message at `index` of the list was not written. */
  fail(index: number, error: DqueueError): void {
    this.#errors ??= new Array(this.#count).fill(undefined);
    this.#errors[index] = error;
    this.#failed++;
    if (--this.#remaining === 0) this.#settle();
  }

  #settle(): void {
    const { results } = this;
    // What is given away is not held on to by what may be old itself.
    this.#results = undefined;
    if (this.#errors === undefined) this.#resolve(results as RecordMetadata[]);
    else this.#reject(new SendBatchError(results, this.#errors, this.#failed));
  }
}

/** Messages of a list that are in one batch. */
export class GroupDelivery implements Delivery {
  readonly #group: DeliveryGroup;
  /** The place in the list of the first. */
  readonly #start: number;
  readonly #timestamp: number;
  /** The places of all of them, if they do not follow each other in the list. */
  #places: number[] | undefined;
  #count: number;

  /** For `count` messages from the place `start` on, which will have `timestamp`. */
  constructor(group: DeliveryGroup, start: number, count: number, timestamp: number) {
    this.#group = group;
    this.#start = start;
    this.#count = count;
    this.#timestamp = timestamp;
  }

  get count(): number {
    return this.#count;
  }

  /** Takes in `count` messages from `place` on, if they are of the same list and have its timestamp. */
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

/** Records that only are counted, for a stream that wants to know when all are written. */
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

  /** Counts one more, if it is for the same listener. */
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

/** Some messages of a `sendBatch()` were not written. Its code is that of the first of the failures. */
export class SendBatchError extends DqueueError {
  /** The name of the class. */
  override name = "SendBatchError";
  /** Where each message was written, in the order of the call; undefined for those that failed. */
  readonly results: readonly (RecordMetadata | undefined)[];
  /** Why each message failed, in the order of the call; undefined for those that were written. */
  readonly errors: readonly (DqueueError | undefined)[];

  /** Makes an error of a list of which `failed` messages failed. */
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
