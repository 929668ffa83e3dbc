/**
 * Counts of durations in powers of two, cheap enough for every request.
 *
 * @module
 */

/** Number of buckets. The last one has everything from 2^(`BUCKETS` - 2) µs. */
const BUCKETS = 26;
/** Longer durations count as this one: the largest whose microseconds are an unsigned 32-bit integer. */
const MAX_US = 2 ** 32 - 1;

/** A histogram of durations. */
export class DurationHistogram {
  /** Counts by bucket; bucket n has durations below 2^n µs that are not in an earlier one. */
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sumMs = 0;

  /** Number of durations. */
  get count(): number {
    return this.#count;
  }

  /** Sum of all durations, in milliseconds. */
  get sumMs(): number {
    return this.#sumMs;
  }

  /** Counts a duration in milliseconds; a negative one as 0. */
  observe(ms: number): void {
    const us = ms <= 0 ? 0 : Math.min(ms * 1000, MAX_US) >>> 0;
    const bucket = 32 - Math.clz32(us);
    this.#counts[bucket < BUCKETS ? bucket : BUCKETS - 1]! += 1;
    this.#count++;
    this.#sumMs += ms > 0 ? ms : 0;
  }

  /** Number of durations below 2^`exponent` µs. */
  countBelow(exponent: number): number {
    let count = 0;
    for (let i = 0; i <= exponent && i < BUCKETS; i++) count += this.#counts[i]!;
    return count;
  }
}
