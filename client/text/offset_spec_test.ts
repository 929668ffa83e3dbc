import { assertEquals, assertThrows } from "@std/assert";
import { type OffsetPosition, parseOffsetSpec, parseTime } from "./offset_spec.ts";

const NOW = Date.UTC(2024, 11, 30, 12);
const start = (plus = 0): OffsetPosition => ({ type: "start", plus });
const end = (minus = 0): OffsetPosition => ({ type: "end", minus });
const offset = (offset: number): OffsetPosition => ({ type: "offset", offset });
const time = (timestamp: number): OffsetPosition => ({ type: "time", timestamp });

Deno.test("parseOffsetSpec() parses positions and ranges", async (t) => {
  const cases: [text: string, from: OffsetPosition, to?: OffsetPosition][] = [
    ["start", start()],
    ["end", end()],
    ["0", offset(0)],
    ["47", offset(47)],
    ["+2", start(2)],
    ["-3", end(3)],
    ["-0", end(0)],
    [":end", start(), end()],
    [":100", start(), offset(100)],
    ["100:", offset(100)],
    ["100:200", offset(100), offset(200)],
    ["100:100", offset(100), offset(100)],
    ["start:10", start(), offset(10)],
    ["5:end", offset(5), end()],
    ["-10:end", end(10), end()],
    ["-10:-5", end(10), end(5)],
    ["+5:+10", start(5), start(10)],
    ["-10:200", end(10), offset(200)],
    ["9007199254740991", offset(Number.MAX_SAFE_INTEGER)],
  ];
  for (const [text, from, to] of cases) {
    await t.step(text, () => assertEquals(parseOffsetSpec(text, NOW), { from, to }));
  }
});

Deno.test("parseOffsetSpec() parses times and ranges of times", async (t) => {
  const day = Date.UTC(2024, 1, 14);
  const hour = 3_600_000;
  const cases: [text: string, from: OffsetPosition, to?: OffsetPosition][] = [
    ["@1707868800", time(day)],
    ["@1707868800000", time(day)],
    ["@0", time(0)],
    ["@2024-02-14", time(day)],
    ["@2024-02-14:", time(day)],
    ["@2024-02-14T01:00:00Z", time(day + hour)],
    ["@2024-02-14T01:00:00.25Z", time(day + hour + 250)],
    ["@2024-02-14t01:00:00z", time(day + hour)],
    ["@2024-02-14T01:00:00+02:00", time(day - hour)],
    ["@2024-02-14 01:00", time(day + hour)],
    ["@-1h", time(NOW - hour)],
    ["@-1h30m", time(NOW - 1.5 * hour)],
    ["@-1h:end", time(NOW - hour), end()],
    ["@-48h:-24h", time(NOW - 48 * hour), time(NOW - 24 * hour)],
    ["@:-1h", start(), time(NOW - hour)],
    ["@:end", start(), end()],
    ["@2024-02-14:1h", time(day), time(day + hour)],
    ["@-2h:1h", time(NOW - 2 * hour), time(NOW - hour)],
    ["@2024-02-14:2024-02-15", time(day), time(day + 24 * hour)],
    ["@2024-02-14T01:00:30m", time(day + hour), time(day + 1.5 * hour)],
    ["@2024-02-14T01:00:00Z:2024-02-14T02:00:00Z", time(day + hour), time(day + 2 * hour)],
    ["@2024-02-14T01:00:end", time(day + hour), end()],
    ["@1707868800:1707868800000", time(day), time(day)],
  ];
  for (const [text, from, to] of cases) {
    await t.step(text, () => assertEquals(parseOffsetSpec(text, NOW), { from, to }));
  }
});

Deno.test("parseOffsetSpec() rejects invalid text, with the reason", async (t) => {
  const cases: [text: string, problem: string][] = [
    ["", '"" is not one of start'],
    [":", "neither start nor end"],
    ["@:", "neither start nor end"],
    ["first", '"first" is not one of start'],
    ["earliest", '"earliest" is "start" here'],
    ["5:latest", '"latest" is "end" here'],
    ["1.5", '"1.5" is not one of start'],
    ["1:2:3", '"2:3" is not one of start'],
    ["--5", '"--5" is not one of start'],
    ["9007199254740992", "beyond 2^53-1"],
    ["@", 'Cannot read time ""'],
    ["@yesterday", 'Cannot read time "yesterday"'],
    ["@end", 'use "end"'],
    ["@1h", 'for a time before now, use "-1h"'],
    ["@:1h", 'for a time before now, use "-1h"'],
    ["@-1x", "Cannot read duration"],
    ["@2024-02-30", "Cannot read time"],
    ["@2024-13-01", "Cannot read time"],
    ["@2024-02-14T25:00:00Z", "Cannot read time"],
    ["@2024-02-14x", 'Cannot read time "2024-02-14x"'],
    ["@2024-02-14:-1h:end", '"-1h:end" is not one time'],
    ["@2024-02", "Cannot read time"],
  ];
  for (const [text, problem] of cases) {
    await t.step(text, () => {
      assertThrows(() => parseOffsetSpec(text, NOW), SyntaxError, problem);
    });
  }
});

Deno.test("parseOffsetSpec() rejects a range that ends before it starts", () => {
  for (const text of ["200:100", "-5:-10", "+10:+5", "@2024-02-14:2024-02-13", "@-1h:-2h"]) {
    assertThrows(() => parseOffsetSpec(text, NOW), RangeError, `"${text}": it ends before`);
  }
});

Deno.test("parseTime() parses one time", () => {
  assertEquals(parseTime("-5m", NOW), NOW - 300_000);
  assertEquals(parseTime("2024-12-30T12:00:00Z", NOW), NOW);
  assertThrows(() => parseTime("end", NOW), SyntaxError);
  assertThrows(() => parseTime("5m", NOW), SyntaxError, 'use "-5m"');
  assertThrows(() => parseTime("2024-12-30:", NOW), SyntaxError);
});
