/**
 * Quantiles of the durations between two looks at a histogram.
 *
 * @module
 */

import type { DurationHistogram } from "../../../metrics/histogram.ts";

/** Bounds of the buckets, as powers of two of a microsecond. */
const BOUNDS = 26;

/** Looks at histograms again and again. */
export class IntervalQuantile {
  readonly #histograms: () => Iterable<DurationHistogram>;
  #before: Float64Array;

  /** @param histograms Gives the histograms, whose durations count together. */
  constructor(histograms: () => Iterable<DurationHistogram>) {
    this.#histograms = histograms;
    this.#before = this.#counts();
  }

  /** The quantile of the durations since the last look, in milliseconds; NaN if there were none. */
  next(quantile: number): number {
    const before = this.#before;
    const now = this.#before = this.#counts();
    const total = now[BOUNDS - 1]! - before[BOUNDS - 1]!;
    if (total === 0) return NaN;
    const rank = quantile * total;
    const at = now.findIndex((count, i) => count - before[i]! >= rank);
    const below = at === 0 ? 0 : now[at - 1]! - before[at - 1]!;
    const inBucket = now[at]! - before[at]! - below;
    const from = at === 0 ? 0 : 2 ** (at - 1);
    return (from + (2 ** at - from) * (rank - below) / inBucket) / 1000;
  }

  /** For each bound, the number of durations below it; the last one has all. */
  #counts(): Float64Array {
    const counts = new Float64Array(BOUNDS);
    for (const histogram of this.#histograms()) {
      for (let i = 0; i < BOUNDS; i++) counts[i]! += histogram.countBelow(i);
    }
    return counts;
  }
}
