/**
 * The model of one partition: which record has which offset, and which records must still be there.
 *
 * There are three promises. A record that was acknowledged, or shown to a consumer, survives a kill of the
 * process, and so do all records before it. A record that was acknowledged or shown under acks=all with
 * flush=commit also survives a power failure. The log start offset and the high watermark never move back,
 * except for what a power failure may take.
 *
 * @module
 */

import type { Damage } from "./flipped_bit.ts";
import type { ModelBatch, ModelRecord, TopicModel } from "./model.ts";
import { check } from "./violation.ts";

/** What may be missing after a restart of the broker. */
export type Loss = "none" | "kill" | "power";

/** A record as found in the log. */
export interface FoundRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly record: ModelRecord;
}

/** The offsets that the broker reports for a partition. */
export interface Bounds {
  readonly highWatermark: number;
  readonly logStartOffset: number;
}

interface StoredRecord {
  readonly record: ModelRecord;
  /** Whether compaction has removed it. */
  isCleaned: boolean;
  /** The timestamp in the log, once it is known. */
  timestamp: number | undefined;
}

/** One partition. */
export class PartitionModel {
  readonly topic: TopicModel;
  readonly index: number;
  /** The records known to be in the log, by offset. */
  readonly #stored: Map<number, StoredRecord> = new Map();
  #highWatermark = 0;
  #logStartOffset = 0;
  /** Records before it survive a kill. */
  #killEnd = 0;
  /** Records before it survive a power failure. */
  #powerEnd = 0;
  /** The highest offset before which a client requested records to be deleted. */
  #deleteLimit = 0;
  #loss: Loss = "none";
  readonly #damages: Damage[] = [];

  constructor(topic: TopicModel, index: number) {
    this.topic = topic;
    this.index = index;
  }

  /** The bounds that clients saw last. */
  get bounds(): Bounds {
    return { highWatermark: this.#highWatermark, logStartOffset: this.#logStartOffset };
  }

  /** Records that a batch is damaged on disk: it may be missing from now on, but never be wrong. */
  damage(damage: Damage): void {
    this.#damages.push(damage);
  }

  /** Whether anything was ever damaged. */
  get isDamaged(): boolean {
    return this.#damages.length > 0;
  }

  /** Returns the damaged batch that holds an offset, if there is one. */
  damageAt(offset: number): Damage | undefined {
    return this.#damages.find(({ firstOffset, lastOffset }) =>
      offset >= firstOffset && offset <= lastOffset
    );
  }

  /**
   * Returns where to continue if an offset cannot be read; nothing if no damage explains it. If a damaged
   * batch has gaps beside it, its end is not known.
   */
  nextAfterDamage(offset: number): number | undefined {
    const damage = this.damageAt(offset);
    if (damage !== undefined) return damage.lastOffset + 1;
    return this.topic.hadCompaction && this.isDamaged ? offset + 1 : undefined;
  }

  /** Records that the broker stopped, and what may be lost. */
  mayLose(loss: Loss): void {
    if (this.#loss !== "power" && loss !== "none") this.#loss = loss;
  }

  /** Whether a client requested to delete the record at an offset, so that its producer may be forgotten. */
  mayBeDeleted(offset: number): boolean {
    return offset < this.#deleteLimit;
  }

  /** Records a request to delete the records before `offset`. */
  mayDelete(offset: number): void {
    this.#deleteLimit = Math.max(this.#deleteLimit, offset);
  }

  /** A batch was acknowledged. */
  acknowledge(batch: ModelBatch, baseOffset: number): void {
    batch.records.forEach((record, i) => this.#learn(baseOffset + i, record, undefined));
    this.#promise(batch, baseOffset + batch.records.length);
  }

  /** Records were shown to a consumer. */
  show(records: readonly FoundRecord[]): void {
    for (const { offset, timestamp, record } of records) {
      this.#learn(offset, record, timestamp);
      this.#promise(record.batch, offset + 1);
    }
  }

  #promise({ acks, configVersion }: ModelBatch, endOffset: number): void {
    if (acks !== 0 || endOffset <= this.#highWatermark) {
      this.#killEnd = Math.max(this.#killEnd, endOffset);
    }
    const { topic } = this;
    if (acks !== -1 || configVersion !== topic.configVersion || !topic.flushesBeforeAnswer) return;
    this.#powerEnd = Math.max(this.#powerEnd, endOffset);
  }

  #learn(offset: number, record: ModelRecord, timestamp: number | undefined): void {
    if (offset < this.#logStartOffset) return;
    const stored = this.#stored.get(offset);
    if (stored !== undefined) {
      check(
        stored.record === record,
        () => `Offset ${offset} of ${this} had ${nameOf(stored.record)}, and has ${nameOf(record)}`,
      );
      check(
        timestamp === undefined || timestamp === (stored.timestamp ?? timestamp),
        () => `Offset ${offset} of ${this} had timestamp ${stored.timestamp}, and has ${timestamp}`,
      );
      stored.timestamp ??= timestamp;
      if (timestamp !== undefined) stored.isCleaned = false;
      return;
    }
    this.#stored.set(offset, { record, timestamp, isCleaned: false });
    record.offsets.add(offset);
    const { batch: { isIdempotent, attempts }, offsets } = record;
    // A restarted broker forgets a producer whose records are gone.
    const count = Array.from(offsets).filter((offset) => !this.mayBeDeleted(offset)).length;
    check(
      count <= (isIdempotent ? 1 : attempts),
      () =>
        `${nameOf(record)} was sent ${attempts} times by ${
          isIdempotent ? "an idempotent" : "a plain"
        } producer, and is in ${this} at ${[...offsets].join(", ")}`,
    );
  }

  #forget(offset: number): void {
    this.#stored.get(offset)?.record.offsets.delete(offset);
    this.#stored.delete(offset);
  }

  /**
   * Records the bounds that the broker reported.
   *
   * @param before The known bounds at the time of the request.
   */
  tell(bounds: Bounds, before: Bounds, nowMs: number): void {
    check(
      bounds.highWatermark >= before.highWatermark,
      () =>
        `The high watermark of ${this} went back from ${before.highWatermark} to ${bounds.highWatermark}`,
    );
    check(
      bounds.logStartOffset >= before.logStartOffset,
      () =>
        `The log start offset of ${this} went back from ${before.logStartOffset} to ${bounds.logStartOffset}`,
    );
    check(
      bounds.logStartOffset <= bounds.highWatermark,
      () =>
        `${this} starts at ${bounds.logStartOffset}, after its high watermark ${bounds.highWatermark}`,
    );
    this.#highWatermark = Math.max(this.#highWatermark, bounds.highWatermark);
    this.#killEnd = Math.max(this.#killEnd, bounds.highWatermark);
    this.#advanceStart(bounds.logStartOffset, nowMs);
  }

  #advanceStart(offset: number, nowMs: number): void {
    if (offset <= this.#logStartOffset) return;
    for (let at = this.#logStartOffset; at < offset; at++) {
      if (at >= this.#deleteLimit) this.#checkMayGo(at, nowMs);
      this.#forget(at);
    }
    this.#logStartOffset = offset;
  }

  /** Checks that retention was allowed to delete a record. */
  #checkMayGo(offset: number, nowMs: number): void {
    const { minRetentionMs, hadRetentionBytes } = this.topic;
    const stored = this.#stored.get(offset);
    if (hadRetentionBytes || stored === undefined) return;
    if (this.#loss === "power" && offset >= this.#powerEnd) return stored.record.batch.onLost();
    const timestamp = stored.timestamp ?? stored.record.timestamp;
    check(
      timestamp < nowMs - minRetentionMs,
      () => `Offset ${offset} of ${this} is gone, though nothing allows that`,
    );
  }

  /**
   * Records that the whole partition was read while no other client was active.
   *
   * @param found The records, in the order of the log.
   */
  compare(bounds: Bounds, found: readonly FoundRecord[], nowMs: number): void {
    const { highWatermark, logStartOffset } = bounds;
    const end = this.#loss === "power" ? this.#powerEnd : this.#killEnd;
    check(
      highWatermark >= end,
      () => `${this} ends at ${highWatermark} after ${this.#loss}, ${end} was promised`,
    );
    check(
      logStartOffset >= Math.min(this.#logStartOffset, highWatermark),
      () => `${this} starts at ${logStartOffset}, clients have seen ${this.#logStartOffset}`,
    );
    this.#dropLost(highWatermark);
    this.#advanceStart(logStartOffset, nowMs);
    this.#checkOrder(found, bounds);
    for (const { offset, timestamp, record } of found) this.#learn(offset, record, timestamp);
    this.#checkPresence(found, highWatermark, nowMs);
    this.#highWatermark = highWatermark;
    this.#killEnd = highWatermark;
    // Recovered records are flushed before they are shown.
    if (this.topic.flushesBeforeAnswer && this.#loss !== "none") this.#powerEnd = highWatermark;
    this.#loss = "none";
  }

  /**
   * Records that the partition was read up to an offset while other clients were active.
   *
   * @param found The records, in the order of the log.
   */
  compareLive(endOffset: number, found: readonly FoundRecord[], nowMs: number): void {
    this.show(found);
    // Compaction may be half done while the log is read.
    if (!this.topic.hadCompaction) this.#checkPresence(found, endOffset, nowMs);
  }

  /** Checks that all records before an offset were found, except those that compaction may remove. */
  #checkPresence(found: readonly FoundRecord[], endOffset: number, nowMs: number): void {
    const offsets = new Set(found.map(({ offset }) => offset));
    const latest = new Map<string, number>();
    if (this.topic.hadCompaction) {
      for (const [offset, { record }] of this.#stored) {
        if (offset < endOffset) {
          latest.set(record.key, Math.max(offset, latest.get(record.key) ?? -1));
        }
      }
    }
    for (const [offset, stored] of this.#stored) {
      const { record } = stored;
      if (offset >= endOffset || offsets.has(offset)) continue;
      if (this.damageAt(offset) !== undefined) continue;
      const last = latest.get(record.key) ?? offset;
      check(
        last > offset || this.#mayForget(record, nowMs),
        () => `${nameOf(record)} at offset ${offset} of ${this} is gone`,
      );
      stored.isCleaned = true;
    }
    for (const { offset, record } of found) {
      const last = latest.get(record.key) ?? offset;
      check(
        offset >= last || !this.#stored.get(last)!.isCleaned,
        () => `${nameOf(record)} at offset ${offset} of ${this} is back, its tombstone is gone`,
      );
    }
  }

  /** Whether compaction may remove the last record of a key. */
  #mayForget({ value, madeMs }: ModelRecord, nowMs: number): boolean {
    const { hadCompaction, deleteRetentionMs } = this.topic;
    return hadCompaction && value === null && nowMs >= madeMs + deleteRetentionMs;
  }

  #dropLost(endOffset: number): void {
    for (const [offset, { record }] of this.#stored) {
      if (offset < endOffset) continue;
      record.batch.onLost();
      this.#forget(offset);
    }
    this.#powerEnd = Math.min(this.#powerEnd, endOffset);
    this.#logStartOffset = Math.min(this.#logStartOffset, endOffset);
  }

  #checkOrder(found: readonly FoundRecord[], { logStartOffset, highWatermark }: Bounds): void {
    let next = logStartOffset;
    const skipDamage = (limit: number) => {
      for (let damage = this.damageAt(next); damage !== undefined; damage = this.damageAt(next)) {
        next = Math.min(damage.lastOffset + 1, limit);
        if (next === limit) break;
      }
    };
    for (const { offset } of found) {
      if (offset > next) skipDamage(offset);
      check(
        this.topic.hadCompaction ? offset >= next : offset === next,
        () => `${this} has offset ${offset} where ${next} was due`,
      );
      next = offset + 1;
    }
    if (next < highWatermark) skipDamage(highWatermark);
    check(
      this.topic.hadCompaction ? next <= highWatermark : next === highWatermark,
      () => `${this} has records up to ${next}, its high watermark is ${highWatermark}`,
    );
  }

  toString(): string {
    return `${this.topic}-${this.index}`;
  }
}

function nameOf({ id, key }: ModelRecord): string {
  return `record ${id} (${key})`;
}
