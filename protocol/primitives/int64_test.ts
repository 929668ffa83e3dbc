import { assertEquals, assertThrows } from "@std/assert";
import { getInt64, INT64_MAX, INT64_MIN, int64Text, setInt64 } from "./int64.ts";

Deno.test("setInt64() and getInt64() round-trip safe integers and the ends of the range", () => {
  const view = new DataView(new ArrayBuffer(8));
  const values = [
    0,
    -1,
    2 ** 32,
    -(2 ** 32) - 1,
    2 ** 53 - 1,
    2 ** 53,
    1.7e18,
    INT64_MAX,
    INT64_MIN,
  ];
  for (const value of values) {
    setInt64(view, 0, value);
    assertEquals(getInt64(view, 0), value);
    assertEquals(String(view.getBigInt64(0)), int64Text(value));
  }
  for (const [value, end] of [[1e30, 2n ** 63n - 1n], [-1e30, -(2n ** 63n)]] as const) {
    setInt64(view, 0, value);
    assertEquals(view.getBigInt64(0), end);
    assertEquals(int64Text(value), String(end));
  }
  setInt64(view, 0, 1_700_000_000_000_000_123n);
  assertEquals(view.getBigInt64(0), 1_700_000_000_000_000_123n);
  for (const value of [NaN, Infinity, 0.5]) {
    assertThrows(() => setInt64(view, 0, value), RangeError);
  }
});
