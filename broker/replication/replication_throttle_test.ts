import { assertEquals } from "@std/assert";
import { ManualClock } from "../time/clock.ts";
import { ReplicationThrottle } from "./replication_throttle.ts";

Deno.test("ReplicationThrottle waits until what was copied is within the rate", () => {
  const clock = new ManualClock();
  const throttle = new ReplicationThrottle(clock, () => 1000);
  assertEquals(throttle.waitMs, 0);
  throttle.count(300);
  assertEquals(throttle.waitMs, 300);
  clock.advance(200);
  throttle.count(100);
  assertEquals(throttle.waitMs, 200);
  clock.advance(200);
  assertEquals(throttle.waitMs, 0);
  // Time without copies is not saved up.
  clock.advance(10_000);
  throttle.count(100);
  assertEquals(throttle.waitMs, 100);
});

Deno.test("ReplicationThrottle applies a change of the rate at once, and no rate at all", () => {
  const clock = new ManualClock();
  let rate = 10;
  const throttle = new ReplicationThrottle(clock, () => rate);
  throttle.count(1000);
  // It asks again before the hundred seconds are over.
  assertEquals(throttle.waitMs, 500);
  rate = 10_000;
  assertEquals(throttle.waitMs, 100);
  rate = Infinity;
  assertEquals(throttle.waitMs, 0);
  throttle.count(1e9);
  assertEquals(throttle.waitMs, 0);
  rate = 0;
  throttle.count(1);
  assertEquals(throttle.waitMs, 500);
});
