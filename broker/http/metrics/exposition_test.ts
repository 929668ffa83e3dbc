import { assertEquals } from "@std/assert";
import { DurationHistogram } from "../../metrics/histogram.ts";
import { Exposition, labelsOf } from "./exposition.ts";
import { counter, gauge, histogram } from "./metric.ts";

const FREE = gauge("free_bytes", 'A path such as C:\\data,\nand "more"');
const SEEN_TOTAL = counter("seen_total", "Seen");

function textOf(exposition: Exposition): string {
  return [...exposition.text()].join("");
}

Deno.test("Exposition.text() has help and type before the series of each metric, which stay together", () => {
  const exposition = new Exposition(10);
  exposition.add(FREE, "", 1.5);
  exposition.add(SEEN_TOTAL, 'a="b"', 2);
  exposition.add(FREE, 'dir="x"', 2 ** 53);
  assertEquals(
    textOf(exposition),
    `# HELP free_bytes A path such as C:\\\\data,\\nand "more"
# TYPE free_bytes gauge
free_bytes 1.5
free_bytes{dir="x"} 9007199254740992
# HELP seen_total Seen
# TYPE seen_total counter
seen_total{a="b"} 2
`,
  );
});

Deno.test("Exposition.add() writes numbers that are not finite as Prometheus reads them", () => {
  const exposition = new Exposition(10);
  for (const value of [NaN, Infinity, -Infinity, 1e21, 1e-7]) exposition.add(FREE, "", value);
  assertEquals(
    textOf(exposition).split("\n").slice(2, -1).map((line) => line.split(" ")[1]),
    ["NaN", "+Inf", "-Inf", "1e+21", "1e-7"],
  );
});

Deno.test("Exposition.addHistogram() writes cumulative buckets in seconds", () => {
  const durations = new DurationHistogram();
  for (const ms of [0.01, 1, 1, 100_000]) durations.observe(ms);
  const exposition = new Exposition(100);
  exposition.addHistogram(histogram("took_seconds", "Took"), 'api="Fetch"', durations);
  const lines = textOf(exposition).trimEnd().split("\n").slice(2);
  assertEquals(lines.length, exposition.seriesCount);
  assertEquals(lines[0], 'took_seconds_bucket{api="Fetch",le="0.000064"} 1');
  assertEquals(lines[4], 'took_seconds_bucket{api="Fetch",le="0.001024"} 3');
  assertEquals(lines.slice(-4), [
    'took_seconds_bucket{api="Fetch",le="16.777216"} 3',
    'took_seconds_bucket{api="Fetch",le="+Inf"} 4',
    'took_seconds_sum{api="Fetch"} 100.00201',
    'took_seconds_count{api="Fetch"} 4',
  ]);
});

Deno.test("Exposition leaves out what exceeds its limit, and counts it by metric", () => {
  const exposition = new Exposition(2);
  for (let i = 0; i < 5; i++) exposition.add(i % 2 === 0 ? FREE : SEEN_TOTAL, "", i);
  exposition.addHistogram(histogram("took_seconds", "Took"), "", new DurationHistogram());
  assertEquals(exposition.seriesCount, 2);
  assertEquals(
    [...exposition.dropped].map(([{ name }, count]) => [name, count]),
    [["free_bytes", 2], ["seen_total", 1], ["took_seconds", 1]],
  );
});

Deno.test("labelsOf() escapes what a client can put into a name", () => {
  assertEquals(labelsOf({}), "");
  assertEquals(
    labelsOf({ group: 'a"b\\c\nd', partition: 3 }),
    'group="a\\"b\\\\c\\nd",partition="3"',
  );
  assertEquals(labelsOf({ group: "\ud800" }), 'group="\ufffd"');
});
