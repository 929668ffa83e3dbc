import { assertEquals, assertThrows } from "@std/assert";
import { Strftime } from "./strftime.ts";

const format = (layout: string, timestamp: number) => new Strftime(layout).format(timestamp);
const match = (layout: string, text: string) => new Strftime(layout).match(text);

Deno.test("Strftime.format() matches GNU date", () => {
  // LC_ALL=C date -u -d @1735600000 +…
  const time = 1_735_600_000_000;
  assertEquals(
    format("%a %A %b %B %C %d %D %e %F %g %G %h %H %I %j %k %l %m %M %p", time),
    "Mon Monday Dec December 20 30 12/30/24 30 2024-12-30 25 2025 Dec 23 11 365 23 11 12 06 PM",
  );
  assertEquals(
    format("%r %R %s %S %T %u %U %V %w %W %x %X %y %Y %z %%", time),
    "11:06:40 PM 23:06 1735600000 40 23:06:40 1 52 01 1 53 12/30/24 23:06:40 24 2024 +0000 %",
  );
});

Deno.test("Strftime.format() matches the week numbers of GNU date around new year", () => {
  // LC_ALL=C date -u -d @… '+%U %V %W %G %g %j %u %w %k %l'
  const cases: [seconds: number, expected: string][] = [
    [1_735_600_000, "52 01 53 2025 25 365 1 1 23 11"],
    [0, "00 01 00 1970 70 001 4 4  0 12"],
    [1_704_067_200, "00 01 01 2024 24 001 1 1  0 12"],
    [1_230_768_000, "00 01 00 2009 09 001 4 4  0 12"],
    [1_609_459_199, "52 53 52 2020 20 366 4 4 23 11"],
    [1_483_228_800, "01 52 00 2016 16 001 7 0  0 12"],
  ];
  for (const [seconds, expected] of cases) {
    assertEquals(format("%U %V %W %G %g %j %u %w %k %l", seconds * 1000), expected);
  }
});

Deno.test("Strftime.format() writes fractions of a second in the usual widths", () => {
  assertEquals(format("%L %f %N %3N %6N", 1_700_000_000_007), "007 007000 007000000 007 007000");
  assertEquals(format("%s.%L", -1), "-1.999");
});

Deno.test("Strftime.match() parses what format() writes", async (t) => {
  const times = [0, 951_782_400_000, 1_735_600_000_123, 1_735_689_599_999, 4_102_444_800_000];
  const layouts = ["%F %T.%L", "%s.%3N", "%c", "%d/%b/%Y:%H:%M:%S %z", "%Y%j %r", "%B %e, %Y %R"];
  layouts.push("%A %m/%d/%Y %I:%M:%S %p %Z", "%v", "%Y-%m-%dT%H:%M:%S.%fZ");
  for (const layout of layouts) {
    await t.step(layout, () => {
      for (const time of times) {
        const text = format(layout, time);
        const read = match(layout, text + " rest");
        assertEquals(read?.length, text.length, text);
        assertEquals(format(layout, read!.timestamp), text);
      }
    });
  }
});

Deno.test("Strftime.match() supports zones, and two-digit years as in POSIX", () => {
  assertEquals(match("%FT%T%z", "2024-02-29T12:00:00+02:00")?.timestamp, 1_709_200_800_000);
  assertEquals(match("%FT%T%z", "2024-02-29T12:00:00-0130")?.timestamp, 1_709_213_400_000);
  assertEquals(match("%FT%T%z", "2024-02-29T12:00:00Z")?.timestamp, 1_709_208_000_000);
  assertEquals(match("%y-%m-%d", "69-01-01")?.timestamp, Date.UTC(1969, 0, 1));
  assertEquals(match("%y-%m-%d", "68-01-01")?.timestamp, Date.UTC(2068, 0, 1));
});

Deno.test("Strftime.match() rejects days and hours that do not exist", () => {
  assertEquals(match("%F", "2023-02-29"), undefined);
  assertEquals(match("%F", "2023-13-01"), undefined);
  assertEquals(match("%F", "2023-00-10"), undefined);
  assertEquals(match("%Y %j", "2023 366"), undefined);
  assertEquals(match("%F %H", "2023-01-01 24"), undefined);
  assertEquals(match("%F %I %p", "2023-01-01 13 PM"), undefined);
  assertEquals(match("%F", "23-01-01"), undefined);
});

Deno.test("Strftime.ensureReadable() rejects layouts that do not determine a time", () => {
  assertThrows(() => new Strftime("%F %U").ensureReadable(), SyntaxError, '"%U" cannot be read');
  assertThrows(() => new Strftime("%T").ensureReadable(), SyntaxError, "year, month and day");
  new Strftime("%s").ensureReadable();
});

Deno.test("Strftime rejects unknown directives", () => {
  assertThrows(() => new Strftime("%F %Q"), SyntaxError, '"%Q"');
  assertThrows(() => new Strftime("100%"), SyntaxError, '"%"');
  assertThrows(() => new Strftime("%3d"), SyntaxError, '"%3d"');
});
