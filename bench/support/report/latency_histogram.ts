/**
 * A histogram of latencies, whose memory does not depend on their number.
 *
 * The width of a bucket is 1/128 of its value, which is the error of a percentile.
 *
 * @module
 */

const BUCKETS_PER_DOUBLING = 128;
/** From a tenth of a microsecond to more than a minute. */
const SMALLEST_MS = 1e-4;
const BUCKET_COUNT = 30 * BUCKETS_PER_DOUBLING;

/** Counts latencies. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(BUCKET_COUNT);
  #count = 0;
  #max = 0;

  /** Latencies counted. */
  get count(): number {
    return this.#count;
  }

  /** The largest, in milliseconds. */
  get max(): number {
    return this.#max;
  }

  /** Counts a latency, in milliseconds. */
  add(latencyMs: number): void {
    const bucket = Math.floor(Math.log2(latencyMs / SMALLEST_MS) * BUCKETS_PER_DOUBLING);
    this.#counts[Math.max(0, Math.min(BUCKET_COUNT - 1, bucket))]!++;
    this.#count++;
    if (latencyMs > this.#max) this.#max = latencyMs;
  }

  /** Returns the latency in milliseconds that a share of all, from 0 to 1, does not exceed. */
  percentile(part: number): number {
    let left = Math.ceil(part * this.#count);
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      left -= this.#counts[bucket]!;
      if (left <= 0) return SMALLEST_MS * 2 ** ((bucket + 0.5) / BUCKETS_PER_DOUBLING);
    }
    return this.#max;
  }
}

/** Formats milliseconds with three significant digits. */
export function formatMs(ms: number): string {
  return `${ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2)} ms`;
}
