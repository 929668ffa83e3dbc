import { assert, assertEquals, assertThrows } from "@std/assert";
import { inRange, NO_VERSIONS, versionRange } from "./version_range.ts";

Deno.test("versionRange() reads Kafka's notation", () => {
  assertEquals(versionRange("3"), { min: 3, max: 3 });
  assertEquals(versionRange("3-13"), { min: 3, max: 13 });
  assertEquals(versionRange("9+"), { min: 9, max: 32767 });
  assertEquals(versionRange("none"), NO_VERSIONS);
});

Deno.test("versionRange() rejects other text", () => {
  for (const text of ["", "-1", "1-", "+", "1 - 2", "a", "1-2-3", "0x1"]) {
    assertThrows(() => versionRange(text), TypeError, `"${text}"`);
  }
});

Deno.test("inRange() includes both ends", () => {
  const range = versionRange("3-5");
  assertEquals([2, 3, 4, 5, 6].map((v) => inRange(v, range)), [false, true, true, true, false]);
  assert(!inRange(0, NO_VERSIONS));
  assert(inRange(32767, versionRange("0+")));
});
