/**
 * A histogram of durations, accurate to 1 %, with constant memory.
 *
 * Values are whole tenths of a microsecond. Values up to 256 have a bucket each. Above that each
 * power of two is divided into 128 buckets, so a bucket is never wider than 1/128 of its values.
 *
 * @module
 */

const UNITS_PER_MS = 10_000;
const EXACT_BITS = 8;
const EXACT_COUNT = 1 << EXACT_BITS;
const HALF_COUNT = EXACT_COUNT / 2;
/** 2^42 tenths of a microsecond are five days. */
const MAX_BITS = 42;
const BUCKET_COUNT = EXACT_COUNT + (MAX_BITS - EXACT_BITS) * HALF_COUNT;
const MAX_VALUE = 2 ** MAX_BITS - 1;

/** A histogram of durations. */
export class Histogram {
  readonly #counts = new Float64Array(BUCKET_COUNT);
  #count = 0;
  #sum = 0;
  #max = 0;
  #min = Infinity;

  /** Number of recorded durations. */
  get count(): number {
    return this.#count;
  }

  /** Mean in milliseconds, 0 if empty. */
  get meanMs(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** Exact maximum in milliseconds. */
  get maxMs(): number {
    return this.#max;
  }

  /** Exact minimum in milliseconds, 0 if empty. */
  get minMs(): number {
    return this.#count === 0 ? 0 : this.#min;
  }

  /** Records a duration `count` times. A negative one, caused by a clock set back, counts as 0. */
  record(ms: number, count = 1): void {
    const value = Math.max(0, ms);
    this.#counts[bucketOf(Math.min(MAX_VALUE, Math.round(value * UNITS_PER_MS)))]! += count;
    this.#count += count;
    this.#sum += value * count;
    if (value > this.#max) this.#max = value;
    if (value < this.#min) this.#min = value;
  }

  /**
   * The duration in milliseconds that `percent` of all durations do not exceed, 0 if empty.
   *
   * @param percent From 0 to 100.
   */
  percentileMs(percent: number): number {
    // 99.9 % of 1000 is 998.9999999999999 in binary floating point.
    const rank = Math.max(1, Math.ceil(this.#count * percent / 100 - 1e-6));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) {
        return Math.min(this.#max, Math.max(this.#min, highestOf(bucket) / UNITS_PER_MS));
      }
    }
    return this.#max;
  }

  /** Number of recorded durations of at most `ms`, within the accuracy of the buckets. */
  countUpTo(ms: number): number {
    const last = bucketOf(Math.min(MAX_VALUE, Math.round(ms * UNITS_PER_MS)));
    let count = 0;
    for (let bucket = 0; bucket <= last; bucket++) count += this.#counts[bucket]!;
    return count;
  }
}

function bucketOf(value: number): number {
  if (value < EXACT_COUNT) return value;
  const bits = Math.floor(Math.log2(value)) + 1;
  const shift = bits - EXACT_BITS;
  const mantissa = Math.floor(value / 2 ** shift) - HALF_COUNT;
  return EXACT_COUNT + (shift - 1) * HALF_COUNT + mantissa;
}

/** The largest value of a bucket. */
function highestOf(bucket: number): number {
  if (bucket < EXACT_COUNT) return bucket;
  const above = bucket - EXACT_COUNT;
  const shift = Math.floor(above / HALF_COUNT) + 1;
  const mantissa = above % HALF_COUNT + HALF_COUNT;
  return (mantissa + 1) * 2 ** shift - 1;
}
