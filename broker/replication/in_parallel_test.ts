import { assertEquals } from "@std/assert";
import { inParallel } from "./in_parallel.ts";

Deno.test("inParallel() works on every item once, on a bounded number at a time", async () => {
  const seen: number[] = [];
  let running = 0;
  let most = 0;
  await inParallel(Array.from({ length: 100 }, (_, i) => i), async (item) => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    seen.push(item);
    running--;
  });
  assertEquals(seen.toSorted((a, b) => a - b), Array.from({ length: 100 }, (_, i) => i));
  assertEquals(most, 32);
  await inParallel([], () => Promise.reject(new Error("called without an item")));
});
