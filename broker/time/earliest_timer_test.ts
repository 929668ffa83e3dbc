import { assertEquals } from "@std/assert";
import { ManualClock } from "./clock.ts";
import { EarliestTimer } from "./earliest_timer.ts";

Deno.test("EarliestTimer.set() fires once, at the earliest time", () => {
  const clock = new ManualClock();
  const start = clock.now();
  const came: number[] = [];
  const timer = new EarliestTimer(clock, (nowMs) => came.push(nowMs - start));
  timer.set(start + 50);
  timer.set(start + 20);
  timer.set(start + 30);
  timer.set(Infinity);
  clock.advance(100);
  assertEquals(came, [20]);
});

Deno.test("EarliestTimer.set() works again after the timer has fired or was cancelled", () => {
  const clock = new ManualClock();
  const start = clock.now();
  const came: number[] = [];
  const timer: EarliestTimer = new EarliestTimer(clock, (nowMs) => {
    came.push(nowMs - start);
    timer.set(nowMs + 10);
  });
  timer.set(start + 10);
  clock.advance(10);
  clock.advance(10);
  timer.cancel();
  clock.advance(100);
  assertEquals(came, [10, 20]);
});
