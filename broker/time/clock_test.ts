import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { TimeSlice } from "../../storage/time_slice.ts";
import { ManualClock, systemClock } from "./clock.ts";

Deno.test("ManualClock.advance() fires timers in order, each at its time", () => {
  const clock = new ManualClock(1000);
  const calls: string[] = [];
  const note = (name: string) => () => calls.push(`${name} ${clock.now()}`);
  clock.setTimeout(note("late"), 30);
  clock.setTimeout(note("early"), 10);
  clock.setTimeout(note("same as early"), 10);
  clock.setTimeout(note("too late"), 31);
  clock.advance(30);
  assertEquals(calls, ["early 1010", "same as early 1010", "late 1030"]);
  assertEquals(clock.now(), 1030);
  assertEquals(clock.timerCount, 1);
});

Deno.test("ManualClock.advance() fires timers set by callbacks", () => {
  const clock = new ManualClock(0);
  const times: number[] = [];
  const tick = () => {
    times.push(clock.now());
    clock.setTimeout(tick, 10);
  };
  clock.setTimeout(tick, 10);
  clock.advance(35);
  assertEquals(times, [10, 20, 30]);
});

Deno.test("ManualClock.clearTimeout() cancels a timer and ignores one that has fired", () => {
  const clock = new ManualClock();
  let calls = 0;
  const cancelled = clock.setTimeout(() => calls += 100, 5);
  const kept = clock.setTimeout(() => calls++, 5);
  clock.clearTimeout(cancelled);
  clock.advance(5);
  clock.clearTimeout(kept);
  assertEquals(calls, 1);
});

Deno.test("systemClock fires and cancels timers and returns the time", async () => {
  const before = Date.now();
  const cancelled = systemClock.setTimeout(() => {
    throw new Error("This timer was cancelled");
  }, 0);
  systemClock.clearTimeout(cancelled);
  await new Promise<void>((resolve) => systemClock.setTimeout(resolve, 1));
  await systemClock.yield();
  assertGreaterOrEqual(systemClock.now(), before);
});

Deno.test("systemClock.setTimeout() does not fire immediately for a delay above the maximum", async () => {
  let hasFired = false;
  const timer = systemClock.setTimeout(() => hasFired = true, 1e12);
  await systemClock.yield();
  await systemClock.yield();
  systemClock.clearTimeout(timer);
  assertEquals(hasFired, false);
});

Deno.test("systemClock.yield() takes turns with slices of long work", async () => {
  const slice = new TimeSlice(0);
  let slices = 0;
  let isOver = false;
  const work = async () => {
    for (; !isOver; slices++) {
      // Longer than a timer takes: the next slice is due in the next tick of the loop.
      const end = performance.now() + 3;
      while (performance.now() < end);
      await slice.pause();
    }
  };
  const worked = work();
  for (let round = 0; round < 5; round++) {
    const before = slices;
    await systemClock.yield();
    assertEquals(slices - before, 1);
  }
  isOver = true;
  await worked;
});
