import { assertEquals } from "@std/assert";
import { DurationHistogram } from "./histogram.ts";

Deno.test("DurationHistogram counts a duration in every bucket whose bound is above it", () => {
  const histogram = new DurationHistogram();
  for (const ms of [0, 0.001, 0.063, 0.064, 1, 1.5, 20_000]) histogram.observe(ms);
  assertEquals(histogram.countBelow(0), 1, "below 1 µs");
  assertEquals(histogram.countBelow(1), 2, "below 2 µs");
  assertEquals(histogram.countBelow(6), 3, "64 µs is not below 64 µs");
  assertEquals(histogram.countBelow(7), 4);
  assertEquals(histogram.countBelow(10), 5, "1 ms is below 1.024 ms");
  assertEquals(histogram.countBelow(11), 6);
  assertEquals(histogram.countBelow(24), 6, "20 s is above 16.8 s");
  assertEquals(histogram.count, 7);
  assertEquals(histogram.sumMs, 20_002.628);
});

Deno.test("DurationHistogram keeps its sum and count for durations that no clock gives", () => {
  const histogram = new DurationHistogram();
  for (const ms of [-5, 1e12, Number.MAX_SAFE_INTEGER]) histogram.observe(ms);
  assertEquals(histogram.count, 3);
  assertEquals(histogram.countBelow(0), 1, "a negative one counts as 0");
  assertEquals(histogram.countBelow(24), 1);
  assertEquals(histogram.countBelow(25), 3);
  assertEquals(histogram.sumMs, 1e12 + Number.MAX_SAFE_INTEGER);
});
