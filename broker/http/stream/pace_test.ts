import { assertEquals } from "@std/assert";
import { ManualClock } from "../../time/clock.ts";
import { Pace } from "./pace.ts";

Deno.test("Pace.wait() spaces portions, and does not make up for quiet time", async () => {
  const clock = new ManualClock(0);
  const pace = new Pace(100, clock);
  assertEquals(pace.portion, 5);
  const { signal } = new AbortController();
  await pace.wait(5, signal);
  let sent = 1;
  const more = (async () => {
    for (; sent < 4; sent++) await pace.wait(5, signal);
  })();
  for (const [ms, expected] of [[49, 1], [1, 2], [49, 2], [1, 3], [50, 4]] as const) {
    clock.advance(ms);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    assertEquals(sent, expected);
  }
  await more;
  clock.advance(10_000);
  await pace.wait(5, signal);
  let isSent = false;
  const next = pace.wait(5, signal).then(() => isSent = true);
  await Promise.resolve();
  assertEquals(isSent, false);
  clock.advance(50);
  await next;
});

Deno.test("Pace sends at least one record at a time, however slow", () => {
  assertEquals(new Pace(1, new ManualClock(0)).portion, 1);
  assertEquals(new Pace(20_000, new ManualClock(0)).portion, 1000);
});
