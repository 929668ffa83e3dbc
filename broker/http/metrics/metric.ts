/**
 * A metric: its name, type and documentation.
 *
 * @module
 */

/** A family of time series with one name. */
export interface Metric {
  /** The name, without the suffixes of a histogram's series. */
  readonly name: string;
  /**
   * Its type; untyped for those whose name, which others chose, ends as only a histogram's series should.
   */
  readonly type: "counter" | "gauge" | "histogram" | "untyped";
  readonly help: string;
}

/** Declares a metric that only rises, except at a restart. Its name ends in `_total`. */
export function counter(name: string, help: string): Metric {
  return { name, type: "counter", help };
}

/** Declares a metric that rises and falls. */
export function gauge(name: string, help: string): Metric {
  return { name, type: "gauge", help };
}

/** Declares a metric that rises and falls, with a name that ends in `_sum`. */
export function untyped(name: string, help: string): Metric {
  return { name, type: "untyped", help };
}

/** Declares a histogram of durations. */
export function histogram(name: string, help: string): Metric {
  return { name, type: "histogram", help };
}
