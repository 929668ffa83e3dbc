/**
 * What clients of a simulated cluster may rely on.
 *
 * A record that was acknowledged under acks=all, or shown to a consumer, is at its offset for ever, until
 * a client deletes it. The high watermark that the leader of an epoch tells is never lower than one that
 * was told before in that epoch or an earlier one.
 *
 * @module
 */

import type { ModelBatch, ModelRecord } from "../model.ts";
import type { FoundRecord } from "../partition_model.ts";
import { check } from "../violation.ts";

/** How certain the existence of a topic is. */
export type TopicState = "creating" | "live" | "deleting" | "deleted";

/** A topic. */
export class ClusterTopic {
  readonly name: string;
  id = "";
  state: TopicState = "creating";
  readonly replicationFactor: number;
  readonly partitions: ClusterPartition[] = [];
  /** The most partitions it may have: a request to add some may be unanswered. */
  partitionLimit: number;
  /** Settings that may apply: more than one set while a change is unanswered. */
  possibleConfigs: ReadonlyMap<string, string>[];
  /** Whether a change of it is in flight or uncertain. */
  isChanging = false;
  /** Called when more records of a partition are promised than before. */
  readonly onPromise: (partition: ClusterPartition) => void;

  constructor(
    name: string,
    partitionCount: number,
    replicationFactor: number,
    configs: ReadonlyMap<string, string>,
    onPromise: (partition: ClusterPartition) => void,
  ) {
    this.name = name;
    this.onPromise = onPromise;
    this.replicationFactor = replicationFactor;
    this.partitionLimit = partitionCount;
    this.possibleConfigs = [configs];
    this.grow(partitionCount);
  }

  /** Adds partitions, so that it has `count`. */
  grow(count: number): void {
    while (this.partitions.length < count) {
      this.partitions.push(new ClusterPartition(this, this.partitions.length));
    }
  }

  toString(): string {
    return this.name;
  }
}

/** What the leader of an epoch said. */
export interface Told {
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
}

/** One partition. */
export class ClusterPartition {
  readonly topic: ClusterTopic;
  readonly index: number;
  readonly #records: Map<number, ModelRecord> = new Map();
  /** Records before it are promised. */
  #promisedEnd = 0;
  /** The highest bounds by leader epoch. */
  readonly #told: Map<number, { highWatermark: number; logStartOffset: number }> = new Map();
  /** The highest offset before which a client requested records to be deleted. */
  #deleteLimit = 0;
  /** The highest offsets before which records were deleted, as leaders answered, by leader epoch. */
  readonly #deleted: Map<number, number> = new Map();

  constructor(topic: ClusterTopic, index: number) {
    this.topic = topic;
    this.index = index;
  }

  /** Records before it are in the log for ever. */
  get promisedEnd(): number {
    return this.#promisedEnd;
  }

  /** The highest offset before which records may be deleted. */
  get deleteLimit(): number {
    return this.#deleteLimit;
  }

  /** The highest log start offset that was told. */
  get logStartOffset(): number {
    let highest = 0;
    for (const told of this.#told.values()) highest = Math.max(highest, told.logStartOffset);
    return highest;
  }

  /** Records a request to delete the records before `offset`. */
  mayDelete(offset: number): void {
    this.#deleteLimit = Math.max(this.#deleteLimit, offset);
  }

  /** A leader answered that the records before `offset` are deleted. */
  deleted(offset: number): void {
    // The answer does not name the epoch.
    const leaderEpoch = Math.max(0, ...this.#told.keys());
    this.#deleted.set(leaderEpoch, Math.max(this.#deleted.get(leaderEpoch) ?? 0, offset));
  }

  /** A batch was acknowledged under acks=all. */
  acknowledge(batch: ModelBatch, baseOffset: number): void {
    batch.records.forEach((record, i) => this.#learn(baseOffset + i, record));
    this.#promise(baseOffset + batch.records.length);
  }

  /** Records were shown to a consumer. */
  show(records: readonly FoundRecord[]): void {
    for (const { offset, record } of records) this.#learn(offset, record);
    if (records.length > 0) this.#promise(records.at(-1)!.offset + 1);
  }

  #promise(end: number): void {
    if (end <= this.#promisedEnd) return;
    this.#promisedEnd = end;
    this.topic.onPromise(this);
  }

  #learn(offset: number, record: ModelRecord): void {
    const known = this.#records.get(offset);
    check(
      known === undefined || known === record,
      () => `Offset ${offset} of ${this} had record ${known?.id}, and has ${record.id}`,
    );
    this.#records.set(offset, record);
    record.offsets.add(offset);
    const count = Array.from(record.offsets).filter((offset) => offset >= this.#deleteLimit).length;
    check(
      count <= (record.batch.isIdempotent ? 1 : record.batch.attempts),
      () =>
        `Record ${record.id} was sent ${record.batch.attempts} times by ${
          record.batch.isIdempotent ? "an idempotent" : "a plain"
        } producer, and is in ${this} at ${[...record.offsets].join(", ")}`,
    );
  }

  /**
   * What leaders told before, as far as one of a later epoch must know it. A start that an earlier one told
   * may be that of a deletion that was never answered, which need not last.
   */
  before(leaderEpoch: number): Told {
    let highWatermark = 0;
    let logStartOffset = this.#told.get(leaderEpoch)?.logStartOffset ?? 0;
    for (const [epoch, told] of this.#told) {
      if (epoch <= leaderEpoch) highWatermark = Math.max(highWatermark, told.highWatermark);
    }
    for (const [epoch, offset] of this.#deleted) {
      if (epoch <= leaderEpoch) logStartOffset = Math.max(logStartOffset, offset);
    }
    return { leaderEpoch, highWatermark, logStartOffset };
  }

  /**
   * Records the bounds that the leader of an epoch told.
   *
   * @param before What it had to know when it was asked.
   */
  tell({ leaderEpoch, highWatermark, logStartOffset }: Told, before: Told): void {
    check(
      highWatermark >= before.highWatermark,
      () =>
        `The high watermark of ${this} went back from ${before.highWatermark} to ${highWatermark} in ` +
        `epoch ${leaderEpoch}`,
    );
    check(
      logStartOffset < 0 || logStartOffset >= before.logStartOffset,
      () =>
        `The log start offset of ${this} went back from ${before.logStartOffset} to ${logStartOffset}`,
    );
    check(
      logStartOffset <= Math.max(this.#deleteLimit, 0),
      () => `${this} starts at ${logStartOffset}, deleted were records before ${this.#deleteLimit}`,
    );
    const told = this.#told.get(leaderEpoch) ?? { highWatermark: 0, logStartOffset: 0 };
    told.highWatermark = Math.max(told.highWatermark, highWatermark);
    told.logStartOffset = Math.max(told.logStartOffset, logStartOffset);
    this.#told.set(leaderEpoch, told);
  }

  /** Records that the whole log was read. */
  compare(found: readonly FoundRecord[], told: Told): void {
    this.tell(told, this.before(told.leaderEpoch));
    check(
      told.highWatermark >= this.#promisedEnd,
      () => `${this} ends at ${told.highWatermark}, ${this.#promisedEnd} was promised`,
    );
    let next = told.logStartOffset;
    for (const { offset } of found) {
      check(offset === next, () => `${this} has offset ${offset} where ${next} was due`);
      next = offset + 1;
    }
    check(
      next === told.highWatermark,
      () => `${this} has records up to ${next}, its high watermark is ${told.highWatermark}`,
    );
    this.show(found);
    this.#checkOrder(found);
  }

  /** An idempotent producer's batches are in the order in which it sent them. */
  #checkOrder(found: readonly FoundRecord[]): void {
    const last = new Map<unknown, number>();
    for (const { offset, record } of found) {
      const { producer } = record.batch;
      if (!record.batch.isIdempotent) continue;
      check(
        record.id > (last.get(producer) ?? -1),
        () => `Record ${record.id} at ${offset} of ${this} comes after ${last.get(producer)}`,
      );
      last.set(producer, record.id);
    }
  }

  toString(): string {
    return `${this.topic}-${this.index}`;
  }
}
