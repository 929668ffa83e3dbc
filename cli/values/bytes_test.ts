import { assertEquals, assertThrows } from "@std/assert";
import { formatBytes, parseBytes } from "./bytes.ts";

Deno.test("parseBytes() parses plain numbers and units of 1024 and 1000", () => {
  assertEquals(parseBytes("512"), 512);
  assertEquals(parseBytes("512B"), 512);
  assertEquals(parseBytes("10MiB"), 10 * 1024 ** 2);
  assertEquals(parseBytes("1GB"), 1e9);
  assertEquals(parseBytes("1kb"), 1000);
  assertEquals(parseBytes("64K"), 65536);
  assertEquals(parseBytes("1.5 GiB"), 1.5 * 1024 ** 3);
  assertEquals(parseBytes("0.1KiB"), 102);
  assertEquals(parseBytes("2T"), 2 * 1024 ** 4);
});

Deno.test("parseBytes() accepts -1, which means no limit in Kafka's settings", () => {
  assertEquals(parseBytes("-1"), -1);
});

Deno.test("parseBytes() rejects other text", () => {
  for (const text of ["", "MiB", "10Mib!", "1.5", "-1MiB", "1e3", "10 M i B", "ten", "10bytes"]) {
    assertThrows(() => parseBytes(text), SyntaxError, `"${text}"`);
  }
  assertThrows(() => parseBytes("10000PiB"), RangeError, "2^53-1");
  assertThrows(() => parseBytes("9007199254740993"), RangeError, "2^53-1");
});

Deno.test("formatBytes() prints about three digits in powers of 1024", () => {
  assertEquals(formatBytes(0), "0 B");
  assertEquals(formatBytes(1023), "1023 B");
  assertEquals(formatBytes(1024), "1 KiB");
  assertEquals(formatBytes(1536), "1.5 KiB");
  assertEquals(formatBytes(10 * 1024 ** 2), "10 MiB");
  assertEquals(formatBytes(1024 ** 2 - 1), "1 MiB");
  assertEquals(formatBytes(123_456_789), "118 MiB");
  assertEquals(formatBytes(-2048), "-2 KiB");
  assertEquals(parseBytes(formatBytes(5 * 1024 ** 4)), 5 * 1024 ** 4);
});
