/**
 * Where metrics go: into the text of `GET /metrics`, or to OpenTelemetry.
 *
 * @module
 */

import type { DurationHistogram } from "../../metrics/histogram.ts";
import type { Metric } from "./metric.ts";

/** Takes the series of metrics. */
export interface MetricSink {
  /** Whether `count` more series fit. */
  hasRoomFor(count: number): boolean;
  /** Counts a series that is left out. */
  drop(metric: Metric): void;
  /**
   * Adds a series.
   *
   * @param labels Its labels as text from `labelsOf()`; empty for none.
   */
  add(metric: Metric, labels: string, value: number): void;
  /** Adds the series of a histogram, in seconds. */
  addHistogram(metric: Metric, labels: string, histogram: DurationHistogram): void;
}
