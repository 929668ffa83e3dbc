import { assertEquals, assertThrows } from "@std/assert";
import { withoutUnit, withUnit } from "./units.ts";

Deno.test("withoutUnit() converts sizes and durations to the plain numbers of Kafka's settings", () => {
  assertEquals(withoutUnit("retention.ms", "7d"), "604800000");
  assertEquals(withoutUnit("segment.bytes", "64MiB"), "67108864");
  assertEquals(withoutUnit("retention.ms", "-1"), "-1");
  assertEquals(withoutUnit("retention.bytes", "9223372036854775807"), "9223372036854775807");
  assertEquals(withoutUnit("cleanup.policy", "delete"), "delete");
  assertThrows(
    () => withoutUnit("retention.ms", "soon"),
    SyntaxError,
    "expected numbers with a unit",
  );
});

Deno.test("withUnit() adds a unit only if the value is exactly the same", () => {
  assertEquals(withUnit("retention.ms", "604800000"), "7d");
  assertEquals(withUnit("segment.bytes", "1073741824"), "1GiB");
  assertEquals(withUnit("max.message.bytes", "1048588"), "1048588");
  assertEquals(withUnit("retention.bytes", "-1"), "-1");
  assertEquals(withUnit("retention.ms", "9223372036854775807"), "no limit");
  assertEquals(withUnit("num.partitions", "3"), "3");
  for (const text of ["1", "999", "86400000", "90061001"]) {
    assertEquals(withoutUnit("x.ms", withUnit("x.ms", text)), text);
  }
});
