import { assertEquals, assertThrows } from "@std/assert";
import { formatDuration, parseDuration } from "./duration.ts";

Deno.test("parseDuration() parses units, sums of units and fractions", () => {
  assertEquals(parseDuration("5s"), 5000);
  assertEquals(parseDuration("100ms"), 100);
  assertEquals(parseDuration("1h30m"), 5_400_000);
  assertEquals(parseDuration("1.5h"), 5_400_000);
  assertEquals(parseDuration("1.1s"), 1100);
  assertEquals(parseDuration("7d"), 604_800_000);
  assertEquals(parseDuration("1w"), 604_800_000);
  assertEquals(parseDuration("0s"), 0);
  assertEquals(parseDuration(" 2M "), 120_000);
});

Deno.test("parseDuration() treats a number without unit as milliseconds, like Kafka's *.ms settings", () => {
  assertEquals(parseDuration("604800000"), 604_800_000);
  assertEquals(parseDuration("-1"), -1);
});

Deno.test("parseDuration() rejects other text", () => {
  for (const text of ["", "s", "5x", "5s5s", "1h-30m", "-5s", "5 s", "1e3s", "five", "1.s"]) {
    assertThrows(() => parseDuration(text), SyntaxError, `"${text}"`);
  }
  assertThrows(() => parseDuration("0.5ms"), RangeError, "smallest unit is 1ms");
  assertThrows(() => parseDuration("999999999999999999w"), RangeError, "2^53-1");
  assertThrows(() => parseDuration("9007199254740993"), RangeError, "2^53-1");
});

Deno.test("formatDuration() prints what parseDuration() parses", () => {
  assertEquals(formatDuration(0), "0s");
  assertEquals(formatDuration(5000), "5s");
  assertEquals(formatDuration(1500), "1s500ms");
  assertEquals(formatDuration(90_061_001), "1d1h1m1s1ms");
  for (let ms = 1; ms < 1e12; ms = ms * 3 + 7) assertEquals(parseDuration(formatDuration(ms)), ms);
});

Deno.test("formatDuration() rounds to the given number of units, with carry", () => {
  assertEquals(formatDuration(3_725_000, 2), "1h2m");
  assertEquals(formatDuration(3_599_999, 1), "1h");
  assertEquals(formatDuration(86_399_999, 2), "1d");
  assertEquals(formatDuration(1499, 1), "1s");
  assertEquals(formatDuration(-90_000), "-1m30s");
});
