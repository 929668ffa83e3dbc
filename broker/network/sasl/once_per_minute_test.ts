import { assertEquals } from "@std/assert";
import { ManualClock } from "../../time/clock.ts";
import { OncePerMinute } from "./once_per_minute.ts";

Deno.test("OncePerMinute lets an address log once a minute, and counts the rest", () => {
  const clock = new ManualClock();
  const log = new OncePerMinute(clock);
  assertEquals([log.mayLog("a"), log.mayLog("a"), log.mayLog("a")], [0, undefined, undefined]);
  assertEquals(log.mayLog("b"), 0);
  clock.advance(60_000);
  assertEquals([log.mayLog("a"), log.mayLog("b")], [2, 0]);
});

Deno.test("OncePerMinute remembers a thousand addresses, the latest", () => {
  const log = new OncePerMinute(new ManualClock());
  for (let i = 0; i < 1001; i++) log.mayLog(`10.0.${i >> 8}.${i & 255}`);
  // The first was forgotten, the last was not.
  assertEquals([log.mayLog("10.0.3.232"), log.mayLog("10.0.0.0")], [undefined, 0]);
});
