import { assert, assertEquals } from "@std/assert";
import { DurationHistogram } from "../../../metrics/histogram.ts";
import { IntervalQuantile } from "./interval_quantile.ts";

Deno.test("IntervalQuantile.next() has the durations since the last look alone", () => {
  const one = new DurationHistogram();
  const two = new DurationHistogram();
  one.observe(900);
  const quantile = new IntervalQuantile(() => [one, two]);
  assertEquals(quantile.next(0.99), NaN, "nothing since the first look");
  for (let i = 0; i < 99; i++) one.observe(1);
  two.observe(100);
  const median = quantile.next(0.5);
  assert(median > 0.5 && median < 1.1, `${median}`);
  for (let i = 0; i < 10; i++) two.observe(100);
  const late = quantile.next(0.99);
  assert(late > 65 && late <= 131.1, `${late}`);
  assertEquals(quantile.next(0.99), NaN);
});

Deno.test("IntervalQuantile.next() is finite for the shortest and the longest durations", () => {
  const histogram = new DurationHistogram();
  const quantile = new IntervalQuantile(() => [histogram]);
  histogram.observe(0);
  assert(quantile.next(0.99) <= 0.001);
  histogram.observe(1e9);
  assert(Number.isFinite(quantile.next(0.99)));
});
