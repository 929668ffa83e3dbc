import { assertEquals } from "@std/assert";
import { Buckets } from "./buckets.ts";
import { TokenBucket } from "./token_bucket.ts";

Deno.test("TokenBucket lets its rate through, however large the amounts are", () => {
  for (const amount of [10, 250, 1000, 7000]) {
    const bucket = new TokenBucket(1000, 250, 0);
    let nowMs = 0;
    let taken = 0;
    while (nowMs < 20_000) {
      taken += amount;
      nowMs += bucket.take(amount, nowMs);
    }
    // The time until the debt of the last amount is paid has passed, too.
    assertEquals(Math.round(nowMs + 250), taken, String(amount));
  }
});

Deno.test("TokenBucket saves no more than its burst, and is in debt until it is paid", () => {
  const bucket = new TokenBucket(100, 1000, 0);
  assertEquals(bucket.take(50, 60_000), 0);
  assertEquals(bucket.take(100, 60_000), 500);
  assertEquals([bucket.debtMs(60_400), bucket.debtMs(60_500)], [100, 0]);
  assertEquals([bucket.isFull(61_000), bucket.isFull(61_600)], [false, true]);
  // A clock that goes back gives nothing away.
  assertEquals(bucket.take(100, 0), 0);
  assertEquals(bucket.take(100, 0), 1000);
});

Deno.test("TokenBucket.setRate() keeps the debt, which is paid at the new rate", () => {
  const bucket = new TokenBucket(100, 1000, 0);
  assertEquals(bucket.take(300, 0), 2000);
  bucket.setRate(1000, 0);
  assertEquals(bucket.debtMs(0), 200);
  bucket.setRate(1, 300);
  assertEquals(bucket.take(1, 300), 0);
  assertEquals(bucket.take(1, 300), 1000);
});

Deno.test("Buckets are bounded, and those in debt are kept while others are full", () => {
  const buckets = new Buckets(1000);
  buckets.get("debtor", 1, 0).take(1000, 0);
  for (let index = 0; index < 50_000; index++) buckets.get(`b${index}`, 1, index);
  assertEquals(buckets.size <= 10_000, true);
  assertEquals(buckets.get("debtor", 1, 50_000).debtMs(50_000) > 0, true);
  for (let index = 0; index < 50_000; index++) buckets.get(`c${index}`, 1, 60_000).take(9, 60_000);
  assertEquals(buckets.size <= 10_000, true);
});
