import { assertEquals } from "@std/assert";
import { backoffMs } from "./backoff.ts";

Deno.test("backoffMs() doubles up to the maximum, with a fifth of jitter (KIP-580)", () => {
  const nominal = [1, 2, 3, 4, 5, 50].map((failures) => backoffMs(failures, 100, 1000, 0.5));
  assertEquals(nominal, [100, 200, 400, 800, 1000, 1000]);
  assertEquals(backoffMs(1, 100, 1000, 0), 80);
  assertEquals(backoffMs(9, 100, 1000, 1), 1200);
});
