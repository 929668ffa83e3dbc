/**
 * Prints latencies: percentiles, and their distribution.
 *
 * @module
 */

import type { Json } from "../../records/json.ts";
import type { Output } from "../../terminal/output.ts";
import { formatTable } from "../../terminal/table.ts";
import type { Histogram } from "./histogram.ts";

const PERCENTILES = [50, 75, 90, 95, 99, 99.9, 99.99, 100];
const BAR_WIDTH = 40;

/** Prints the percentiles as a table, followed on a terminal by a bar chart of the distribution. */
export function printLatencies(output: Output, latencies: Histogram): void {
  const rows = PERCENTILES.map((percent) => ({
    percent: percent === 100 ? "max" : `p${percent}`,
    latency: msText(latencies.percentileMs(percent)),
  }));
  output.write(formatTable(
    [
      { heading: "LATENCY", cell: ({ percent }) => percent },
      { heading: "MS", cell: ({ latency }) => latency, align: "right" },
    ],
    rows,
    output,
  ));
  if (output.isTerminal) printBars(output, latencies);
}

/** Prints the percentiles as comma-separated values. */
export function printLatenciesCsv(output: Output, latencies: Histogram): void {
  output.line("percentile,latency_ms,count");
  for (const percent of PERCENTILES) {
    const ms = latencies.percentileMs(percent);
    output.line(`${percent},${msText(ms)},${latencies.countUpTo(ms)}`);
  }
}

/** The percentiles as JSON, in milliseconds. */
export function latenciesToJson(latencies: Histogram): Json {
  const percentiles = PERCENTILES.map((percent) => {
    const name = percent === 100 ? "max" : `p${percent}`;
    return [name, Number(msText(latencies.percentileMs(percent)))];
  });
  return { mean: Number(msText(latencies.meanMs)), ...Object.fromEntries(percentiles) };
}

/** Each bar is for twice the latency of the previous one. */
function printBars(output: Output, latencies: Histogram): void {
  const bars: { upTo: string; count: number }[] = [];
  let from = 0;
  let upTo = 0.0625;
  while (from < latencies.count) {
    const until = latencies.countUpTo(upTo);
    if (until > 0) bars.push({ upTo: String(upTo), count: until - from });
    from = until;
    upTo *= 2;
  }
  const most = Math.max(...bars.map(({ count }) => count));
  output.line();
  output.write(formatTable(
    [
      { heading: "UP TO MS", cell: ({ upTo }) => upTo, align: "right" },
      { heading: "MESSAGES", cell: ({ count }) => count },
      {
        heading: "",
        cell: ({ count }) => "#".repeat(Math.ceil(count / most * BAR_WIDTH)) || " ",
        paint: ({ cyan }) => cyan,
      },
    ],
    bars,
    output,
  ));
}

/** At least three significant digits, never in exponential notation. */
function msText(ms: number): string {
  return ms.toFixed(ms < 10 ? 3 : ms < 100 ? 2 : 1);
}
