/**
 * What readers of either isolation see of one partition, which must be the same whenever they read it.
 *
 * What lies before a last stable offset is decided: a reader with `read_committed` sees the records of
 * committed transactions and plain records, each once, in order, and never anything else.
 *
 * @module
 */

import type { WrittenRecord } from "./transaction_model.ts";
import { check } from "../violation.ts";

/** A record as a reader found it. */
export interface SeenRecord {
  readonly offset: number;
  readonly record: WrittenRecord;
}

/** A read of the offsets from `from` up to `next`, with all records found there. */
export interface View {
  readonly from: number;
  readonly next: number;
  readonly seen: readonly SeenRecord[];
}

/** The offsets that the broker tells. */
export interface StableBounds {
  readonly lastStableOffset: number;
  readonly highWatermark: number;
}

/** One partition, as its readers see it. */
export class PartitionView {
  readonly name: string;
  /** Whether compaction may remove a record once a later one of the same key is committed. */
  readonly isCompacted: boolean;
  /** All records whose place is known. */
  readonly #located: Map<number, WrittenRecord> = new Map();
  /** Those of them that a transaction without a known outcome wrote. */
  readonly #undecided: Set<WrittenRecord> = new Set();
  /** What a reader with `read_committed` sees below `#decidedEnd`. */
  readonly #visible: Map<number, WrittenRecord> = new Map();
  /** What of it compaction has removed. */
  readonly #gone: Set<number> = new Set();
  #decidedEnd = 0;
  #bounds: StableBounds = { lastStableOffset: 0, highWatermark: 0 };

  constructor(name: string, isCompacted: boolean = false) {
    this.name = name;
    this.isCompacted = isCompacted;
  }

  /** The bounds that clients saw last. */
  get bounds(): StableBounds {
    return this.#bounds;
  }

  /** The records that a reader with `read_committed` has seen, in order. */
  get visible(): readonly SeenRecord[] {
    return Array.from(this.#visible, ([offset, record]) => ({ offset, record }))
      .sort((a, b) => a.offset - b.offset);
  }

  /** A batch was acknowledged. */
  acknowledge(records: readonly WrittenRecord[], baseOffset: number): void {
    records.forEach((record, i) => this.#locate(record, baseOffset + i));
  }

  /**
   * Records bounds that the broker told.
   *
   * @param before The known bounds at the time of the request.
   */
  tell({ lastStableOffset, highWatermark }: StableBounds, before: StableBounds): void {
    check(
      highWatermark >= before.highWatermark,
      () =>
        `The high watermark of ${this} went back from ${before.highWatermark} to ${highWatermark}`,
    );
    check(
      lastStableOffset >= before.lastStableOffset,
      () =>
        `The last stable offset of ${this} went back from ${before.lastStableOffset} to ${lastStableOffset}`,
    );
    check(
      lastStableOffset <= highWatermark,
      () =>
        `The last stable offset of ${this} is ${lastStableOffset}, its high watermark ${highWatermark}`,
    );
    this.#bounds = {
      lastStableOffset: Math.max(lastStableOffset, this.#bounds.lastStableOffset),
      highWatermark: Math.max(highWatermark, this.#bounds.highWatermark),
    };
    for (const record of this.#undecided) {
      const transaction = record.transaction!;
      if (transaction.outcome !== undefined) this.#undecided.delete(record);
      else if (record.offset! < lastStableOffset && !transaction.mayCommit) {
        transaction.decide(
          "aborted",
          `the last stable offset of ${this} is ${lastStableOffset}, after offset ${record.offset}`,
        );
      }
    }
  }

  /** Records a last stable offset that was told alone. */
  tellStable(lastStableOffset: number, before: StableBounds): void {
    const highWatermark = Math.max(lastStableOffset, this.#bounds.highWatermark);
    this.tell({ lastStableOffset, highWatermark }, before);
  }

  /** Records what a reader with `read_uncommitted` saw. */
  showUncommitted({ from, next, seen }: View): void {
    this.#checkOrder(from, next, seen);
    for (const { offset, record } of seen) this.#locate(record, offset);
    if (this.isCompacted) return;
    const offsets = new Set(seen.map(({ offset }) => offset));
    for (const [offset, record] of this.#located) {
      check(
        offset < from || offset >= next || offsets.has(offset),
        () => `Record ${record.id} at offset ${offset} of ${this} is gone`,
      );
    }
  }

  /** Records what a reader with `read_committed` saw. */
  showCommitted({ from, next, seen }: View): void {
    this.#checkOrder(from, next, seen);
    for (const { offset, record } of seen) {
      this.#locate(record, offset, true);
      record.transaction?.decide(
        "committed",
        `record ${record.id} is visible at offset ${offset} of ${this}`,
      );
    }
    this.#compare({ from, next, seen });
    if (from <= this.#decidedEnd && next > this.#decidedEnd) {
      for (const { offset, record } of seen) this.#visible.set(offset, record);
      this.#decidedEnd = next;
    }
    if (!this.isCompacted) this.#findMissing({ from, next, seen });
  }

  #checkOrder(from: number, next: number, seen: readonly SeenRecord[]): void {
    let least = from;
    for (const { offset } of seen) {
      check(
        offset >= least && offset < next,
        () => `A read of ${this} from ${from} to ${next} has offset ${offset} after ${least - 1}`,
      );
      least = offset + 1;
    }
  }

  #locate(record: WrittenRecord, offset: number, isVisible: boolean = false): void {
    const { id } = record;
    check(
      record.partition === this.name,
      () => `Record ${id} was sent to ${record.partition}, and is in ${this}`,
    );
    check(
      (record.offset ?? offset) === offset,
      () => `Record ${id} is twice in ${this}, at ${record.offset} and ${offset}`,
    );
    const there = this.#located.get(offset);
    check(
      there === undefined || there === record,
      () => `Offset ${offset} of ${this} had record ${there!.id}, and has ${id}`,
    );
    if (there !== undefined) return;
    record.offset = offset;
    this.#located.set(offset, record);
    if (record.transaction !== undefined) this.#undecided.add(record);
    const isHidden = offset < this.#decidedEnd && !this.#visible.has(offset);
    if (!isVisible && isHidden && !this.isCompacted) this.#miss(record, "was not visible");
  }

  /** Compares a read with what was visible there before. */
  #compare({ from, next, seen }: View): void {
    const end = Math.min(next, this.#decidedEnd);
    const found = new Set<number>();
    for (const { offset, record } of seen) {
      found.add(offset);
      this.#gone.delete(offset);
      // A read that began before a pass of compaction has records that later ones lack.
      check(
        offset >= end || this.#visible.has(offset) || this.isCompacted,
        () => `Record ${record.id} at offset ${offset} of ${this} was not visible, and is now`,
      );
    }
    for (const [offset, record] of this.#visible) {
      if (offset < from || offset >= end || found.has(offset)) continue;
      check(
        this.isCompacted,
        () => `Record ${record.id} at offset ${offset} of ${this} was visible, and is no more`,
      );
      this.#gone.add(offset);
    }
  }

  /** Whether compaction may have removed a record: a later one of its key is visible. */
  #isSuperseded(offset: number, { key }: WrittenRecord): boolean {
    return this.isCompacted &&
      Array.from(this.#visible).some(([other, record]) =>
        other > offset && record.key === key && !this.#gone.has(other)
      );
  }

  /** Concludes from what a reader did not see. */
  #findMissing({ from, next, seen }: View): void {
    const found = new Set(seen.map(({ offset }) => offset));
    for (const [offset, record] of this.#located) {
      if (offset >= from && offset < next && !found.has(offset)) {
        this.#miss(record, "is not visible");
      }
    }
  }

  #miss({ id, offset, transaction }: WrittenRecord, isMissing: string): void {
    const evidence = `record ${id} at offset ${offset} of ${this} ${isMissing}`;
    check(transaction !== undefined, () => `Plain ${evidence}`);
    transaction.decide("aborted", evidence);
  }

  /**
   * Checks what must hold once the whole partition was read with `read_committed`, and no transaction is open.
   *
   * @param written All records that were sent to it.
   */
  checkSettled(written: readonly WrittenRecord[]): void {
    const latest = new Map<string, WrittenRecord>();
    for (const { record } of this.visible) {
      const before = latest.get(record.writer);
      check(
        before === undefined || before.id < record.id,
        () => `${this} has record ${record.id} of ${record.writer} after ${before!.id}`,
      );
      latest.set(record.writer, record);
    }
    for (const offset of this.#gone) {
      const record = this.#visible.get(offset)!;
      check(
        this.#isSuperseded(offset, record),
        () => `Record ${record.id} at offset ${offset} of ${this} was visible, and is no more`,
      );
    }
    for (const record of written) {
      const { id, offset, transaction } = record;
      if (transaction?.outcome !== "committed") continue;
      check(
        offset !== undefined && (this.#visible.has(offset) || this.#isSuperseded(offset, record)),
        () => `${transaction} is committed, and its record ${id} is not in ${this}`,
      );
    }
  }

  toString(): string {
    return this.name;
  }
}
