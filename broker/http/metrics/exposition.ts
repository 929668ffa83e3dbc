/**
 * Writes metrics as text in Prometheus's format 0.0.4.
 *
 * The number of series is bounded. What would exceed it is left out and counted, by metric.
 *
 * @module
 */

import type { DurationHistogram } from "../../metrics/histogram.ts";
import type { Metric } from "./metric.ts";
import type { MetricSink } from "./metric_sink.ts";

/** Media type of the text. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Bounds of histograms, as powers of two of a microsecond: 64 µs to 16.8 s. */
const FIRST_BOUND = 6;
const LAST_BOUND = 24;
const BOUNDS: readonly string[] = Array.from(
  { length: LAST_BOUND - FIRST_BOUND + 1 },
  (_, i) => String(2 ** (FIRST_BOUND + i) / 1e6),
);
/** Series of one histogram: its buckets with the infinite one, sum and count. */
const HISTOGRAM_SERIES = BOUNDS.length + 3;

/** Labels of a series, by name. */
export type Labels = Readonly<Record<string, string | number>>;

/** The text of metrics, in the order of their first series. */
export class Exposition implements MetricSink {
  readonly #limit: number;
  readonly #lines: Map<Metric, string[]> = new Map();
  readonly #dropped: Map<Metric, number> = new Map();
  #count = 0;

  /** @param limit Maximum number of series. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Number of series so far. */
  get seriesCount(): number {
    return this.#count;
  }

  /** Number of series left out, by metric. */
  get dropped(): ReadonlyMap<Metric, number> {
    return this.#dropped;
  }

  /** Whether `count` more series fit. */
  hasRoomFor(count: number): boolean {
    return this.#count + count <= this.#limit;
  }

  /** Counts a series that is left out. */
  drop(metric: Metric): void {
    this.#dropped.set(metric, (this.#dropped.get(metric) ?? 0) + 1);
  }

  /**
   * Adds a series.
   *
   * @param labels Its labels as text from {@linkcode labelsOf}; empty for none.
   */
  add(metric: Metric, labels: string, value: number): void {
    if (!this.hasRoomFor(1)) return this.drop(metric);
    this.#count++;
    const braces = labels === "" ? "" : `{${labels}}`;
    this.#linesOf(metric).push(`${metric.name}${braces} ${formatValue(value)}`);
  }

  /** Adds the series of a histogram, in seconds. */
  addHistogram(metric: Metric, labels: string, histogram: DurationHistogram): void {
    if (!this.hasRoomFor(HISTOGRAM_SERIES)) return this.drop(metric);
    this.#count += HISTOGRAM_SERIES;
    const { name } = metric;
    const lines = this.#linesOf(metric);
    const before = labels === "" ? "" : `${labels},`;
    for (const [bound, count] of bucketsOf(histogram)) {
      lines.push(`${name}_bucket{${before}le="${bound}"} ${count}`);
    }
    const braces = labels === "" ? "" : `{${labels}}`;
    lines.push(
      `${name}_sum${braces} ${formatValue(histogram.sumMs / 1000)}`,
      `${name}_count${braces} ${histogram.count}`,
    );
  }

  /** The text of all metrics, one part for each. */
  *text(): Iterable<string> {
    for (const [{ name, type, help }, lines] of this.#lines) {
      yield `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines.join("\n")}\n`;
    }
  }

  #linesOf(metric: Metric): string[] {
    let lines = this.#lines.get(metric);
    if (lines === undefined) this.#lines.set(metric, lines = []);
    return lines;
  }
}

/** The buckets of a histogram: their bounds in seconds as text, and how many durations are below. */
export function bucketsOf(histogram: DurationHistogram): [bound: string, count: number][] {
  const buckets = BOUNDS.map((bound, i): [string, number] => [
    bound,
    histogram.countBelow(FIRST_BOUND + i),
  ]);
  buckets.push(["+Inf", histogram.count]);
  return buckets;
}

/** Formats labels, without braces. */
export function labelsOf(labels: Labels): string {
  let text = "";
  for (const name in labels) {
    const value = labels[name]!;
    const escaped = typeof value === "number" ? String(value) : escapeLabel(value);
    text += `${text === "" ? "" : ","}${name}="${escaped}"`;
  }
  return text;
}

/** What in the value of a label must be escaped. */
const SPECIAL = /[\\"\n]/;

function escapeLabel(value: string): string {
  const text = value.isWellFormed() ? value : value.toWellFormed();
  if (!SPECIAL.test(text)) return text;
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function escapeHelp(help: string): string {
  return help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function formatValue(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}
