import { assertEquals } from "@std/assert";
import { ManualClock } from "./clock.ts";
import { Timeouts } from "./timeouts.ts";

Deno.test("Timeouts.set() expires in order of time, not of calls", () => {
  const clock = new ManualClock();
  const timeouts = new Timeouts(clock);
  const came: string[] = [];
  timeouts.set(() => came.push("30"), 30);
  timeouts.set(() => came.push("10"), 10);
  timeouts.set(() => came.push("20"), 20);
  clock.advance(9);
  assertEquals(came, []);
  clock.advance(1);
  assertEquals(came, ["10"]);
  clock.advance(100);
  assertEquals(came, ["10", "20", "30"]);
  assertEquals(clock.timerCount, 0);
});

Deno.test("Timeouts.clear() cancels a timeout", () => {
  const clock = new ManualClock();
  const timeouts = new Timeouts(clock);
  const came: string[] = [];
  const first = timeouts.set(() => came.push("first"), 10);
  timeouts.clear(first);
  timeouts.clear(first);
  const second = timeouts.set(() => {
    came.push("second");
    timeouts.clear(third);
  }, 20);
  const third = timeouts.set(() => came.push("third"), 20);
  assertEquals(second.dueMs, third.dueMs);
  clock.advance(100);
  assertEquals(came, ["second"]);
});

Deno.test("Timeouts.set() uses one timer, even for timeouts set by callbacks", () => {
  const clock = new ManualClock();
  const timeouts = new Timeouts(clock);
  const came: number[] = [];
  for (let i = 0; i < 100; i++) timeouts.set(() => came.push(i), 50);
  timeouts.set(() => timeouts.set(() => came.push(-1), 5), 40);
  assertEquals(clock.timerCount, 1);
  clock.advance(45);
  assertEquals(came, [-1]);
  clock.advance(5);
  assertEquals(came.length, 101);
});

Deno.test("Timeouts.set() does not depend on what the clock is set to", () => {
  const clock = new ManualClock();
  const timeouts = new Timeouts(clock);
  const came: string[] = [];
  timeouts.set(() => came.push("before"), 20);
  clock.adjustedMs = -3_600_000;
  timeouts.set(() => came.push("while it is slow"), 10);
  clock.advance(10);
  assertEquals(came, ["while it is slow"]);
  clock.adjustedMs = 3_600_000;
  timeouts.set(() => came.push("while it is fast"), 20);
  clock.advance(9);
  assertEquals(came, ["while it is slow"]);
  clock.advance(1);
  assertEquals(came, ["while it is slow", "before"]);
  clock.adjustedMs = 0;
  clock.advance(10);
  assertEquals(came, ["while it is slow", "before", "while it is fast"]);
});

Deno.test("Timeouts.close() cancels all timeouts and clears the timer", () => {
  const clock = new ManualClock();
  const timeouts = new Timeouts(clock);
  timeouts.set(() => {
    throw new Error("came");
  }, 10);
  timeouts.close();
  assertEquals(clock.timerCount, 0);
  clock.advance(100);
});
