import { assert, assertEquals } from "@std/assert";
import { Histogram } from "./histogram.ts";

Deno.test("Histogram.percentileMs() is accurate to 1 %", () => {
  const histogram = new Histogram();
  for (let i = 1; i <= 100_000; i++) histogram.record(i / 100);
  for (const percent of [1, 25, 50, 90, 99, 99.9, 99.99]) {
    const exact = percent * 10;
    const found = histogram.percentileMs(percent);
    assert(found >= exact && found <= exact * 1.008, `p${percent}: ${found}, exact is ${exact}`);
  }
  assertEquals(histogram.percentileMs(100), 1000);
  assertEquals(histogram.percentileMs(0), 0.01);
  assertEquals(histogram.count, 100_000);
  assertEquals(histogram.maxMs, 1000);
  assertEquals(histogram.minMs, 0.01);
  assertEquals(Math.round(histogram.meanMs), 500);
});

Deno.test("Histogram is exact for a few small values", () => {
  const histogram = new Histogram();
  histogram.record(0.005, 998);
  histogram.record(2, 2);
  assertEquals(histogram.percentileMs(50), 0.005);
  assertEquals(histogram.percentileMs(99.8), 0.005);
  assertEquals(histogram.percentileMs(99.9), 2);
  assertEquals(histogram.countUpTo(1), 998);
  assertEquals(histogram.countUpTo(2), 1000);
});

Deno.test("Histogram.record() accepts any duration", () => {
  const histogram = new Histogram();
  assertEquals(histogram.percentileMs(99), 0);
  assertEquals(histogram.minMs, 0);
  histogram.record(-5);
  histogram.record(1e15);
  assertEquals(histogram.minMs, 0);
  assertEquals(histogram.maxMs, 1e15);
  assertEquals(histogram.percentileMs(1), 0);
  assertEquals(histogram.count, 2);
});

Deno.test("Histogram.percentileMs() is monotonic across buckets", () => {
  let last = 0;
  for (let us = 1; us < 10_000_000; us = Math.ceil(us * 1.01)) {
    const one = new Histogram();
    one.record(us / 1000);
    one.record(1e9);
    const found = one.percentileMs(50) * 1000;
    assert(found >= us - 1e-6 && found <= us * 1.008 + 0.1, `${us}: ${found}`);
    assert(found >= last);
    last = found;
  }
});
