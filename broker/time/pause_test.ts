import { assertEquals } from "@std/assert";
import { ManualClock } from "./clock.ts";
import { pause } from "./pause.ts";

Deno.test("pause() ends after its time, when it is aborted, and immediately if it was", async () => {
  const clock = new ManualClock();
  const aborting = new AbortController();
  let ended = 0;
  const waiting = pause(clock, 100, aborting.signal).then(() => ended++);
  clock.advance(99);
  await Promise.resolve();
  assertEquals(ended, 0);
  clock.advance(1);
  await waiting;
  const aborted = pause(clock, 100, aborting.signal);
  aborting.abort();
  await aborted;
  await pause(clock, 100, aborting.signal);
});
