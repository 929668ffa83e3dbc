/**
 * The transactions of a log that bound its last stable offset: those that are open, and those whose
 * marker may still be lost. Kafka: `ProducerStateManager.firstUnstableOffset`.
 *
 * A marker at or above the high watermark decides nothing yet: another replica may become the leader
 * without it. So a transaction is left out only when the high watermark is past its marker.
 *
 * After a restart only those markers are known that come after the snapshot of the producers. If the high
 * watermark is lower than that, the others must be found first (`knownFrom`, `addEarlier`).
 *
 * Nothing here costs an append without a transaction anything.
 *
 * @module
 */

/** A transaction that a marker ended. */
interface EndedTransaction {
  firstOffset: number;
  /** Offset of the marker. */
  lastOffset: number;
}

const NONE: EndedTransaction[] = [];

/**
 * How many ended transactions are kept. With more than that above the high watermark, neighbours are
 * taken as one, which may only make the last stable offset lower than it could be.
 */
const MAX_ENDED = 4096;

/** Open and undecided transactions of one log. */
export class UnstableTransactions {
  /** Ids of producers with an open transaction, by its first offset, ascending. */
  readonly #open = new Map<number, number>();
  /**
   * Ended transactions from `#first` on, ascending in both offsets: one that began before others and
   * ended after them stands for them.
   */
  #ended = NONE;
  #first = 0;
  #knownFrom = 0;

  /** All transactions that ended at this offset or later are known. */
  get knownFrom(): number {
    return this.#knownFrom;
  }

  /** The oldest open transaction: its first offset and the producer. */
  get oldestOpen(): readonly [firstOffset: number, producerId: number] | undefined {
    return this.#open.entries().next().value;
  }

  /** First offset of the oldest open transaction. */
  get firstOpenOffset(): number | undefined {
    return this.#open.keys().next().value;
  }

  /** Adds an open transaction, which began after all others. */
  begin(firstOffset: number, producerId: number): void {
    this.#open.set(firstOffset, producerId);
  }

  /** Ends the open transaction with this first offset, with a marker after all earlier ones. */
  end(firstOffset: number, markerOffset: number): void {
    this.#open.delete(firstOffset);
    this.#add(firstOffset, markerOffset);
  }

  #add(firstOffset: number, lastOffset: number): void {
    if (this.#ended === NONE) this.#ended = [];
    const ended = this.#ended;
    while (ended.length > this.#first && ended[ended.length - 1]!.firstOffset > firstOffset) {
      ended.pop();
    }
    ended.push({ firstOffset, lastOffset });
    if (ended.length - this.#first > MAX_ENDED) this.#merge();
  }

  /** Takes every two neighbours as one. */
  #merge(): void {
    const merged: EndedTransaction[] = [];
    for (let i = this.#first; i < this.#ended.length; i += 2) {
      const [{ firstOffset }, last] = [this.#ended[i]!, this.#ended[i + 1] ?? this.#ended[i]!];
      merged.push({ firstOffset, lastOffset: last.lastOffset });
    }
    this.#ended = merged;
    this.#first = 0;
  }

  /**
   * First offset of the oldest transaction that is open, or has its marker at the high watermark or
   * later. Those with an earlier marker are forgotten.
   */
  firstUnstableOffset(highWatermark: number): number | undefined {
    const open = this.firstOpenOffset;
    const ended = this.#ended;
    while (this.#first < ended.length && ended[this.#first]!.lastOffset < highWatermark) {
      this.#knownFrom = ended[this.#first++]!.lastOffset + 1;
    }
    if (this.#first === ended.length) {
      if (ended.length > 0) ended.length = this.#first = 0;
      return open;
    }
    if (this.#first > 64 && this.#first * 2 > ended.length) {
      ended.splice(0, this.#first);
      this.#first = 0;
    }
    const undecided = ended[this.#first]!.firstOffset;
    return open === undefined ? undecided : Math.min(open, undecided);
  }

  /** Removes all. Later ones are known from an offset on. */
  clear(knownFrom: number): void {
    this.#open.clear();
    this.#ended = NONE;
    this.#first = 0;
    this.#knownFrom = knownFrom;
  }

  /** Adds what is known of transactions that ended before `knownFrom`. */
  addEarlier(earlier: UnstableTransactions): void {
    const later = this.#ended.slice(this.#first);
    this.#ended = earlier.#ended.slice(earlier.#first);
    this.#first = 0;
    for (const { firstOffset, lastOffset } of later) this.#add(firstOffset, lastOffset);
    this.#knownFrom = earlier.#knownFrom;
  }

  /** Sets from where on ended transactions are known: 0 if there are none before. */
  knowFrom(offset: number): void {
    this.#knownFrom = offset;
  }
}
