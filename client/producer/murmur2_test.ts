import { assertEquals } from "@std/assert";
import { murmur2 } from "./murmur2.ts";

const utf8 = new TextEncoder();

// Expected values are those of org.apache.kafka.common.utils.UtilsTest.testMurmur2.
Deno.test("murmur2() returns the hashes of Kafka's Java client", () => {
  const expected: [string, number][] = [
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ];
  for (const [text, hash] of expected) assertEquals(murmur2(utf8.encode(text)), hash, text);
  assertEquals(murmur2(Uint8Array.of(97, 98, 99)), 479470107);
});

Deno.test("murmur2() hashes only the given range", () => {
  const bytes = utf8.encode("xx21yy");
  assertEquals(murmur2(bytes, 2, 4), -973932308);
});
