import { assertEquals } from "@std/assert";
import { Buckets } from "./buckets.ts";

const MAX_BUCKETS = 10_000;

Deno.test("Buckets forgets those that are full before those in debt, however many names there are", () => {
  const buckets = new Buckets(1000);
  buckets.get("debtor", 10, 0).take(1_000_000, 0);
  for (let i = 0; i < 3 * MAX_BUCKETS; i++) buckets.get(`client-${i}`, 10, i);
  assertEquals(buckets.size <= MAX_BUCKETS, true);
  assertEquals(buckets.get("debtor", 10, 3 * MAX_BUCKETS).debtMs(3 * MAX_BUCKETS) > 0, true);
});

Deno.test("Buckets is bounded if all are in debt, and keeps the latest", () => {
  const buckets = new Buckets(1000);
  for (let i = 0; i < 2 * MAX_BUCKETS; i++) buckets.get(`client-${i}`, 1, 0).take(100, 0);
  assertEquals(buckets.size <= MAX_BUCKETS, true);
  assertEquals(buckets.get(`client-${2 * MAX_BUCKETS - 1}`, 1, 0).debtMs(0) > 0, true);
});
