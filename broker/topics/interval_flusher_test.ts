import { assertEquals } from "@std/assert";
import { ManualClock } from "../time/clock.ts";
import { createLogger, silentLogger } from "../logger.ts";
import { type Flushable, IntervalFlusher } from "./interval_flusher.ts";

/** A log that records when it is flushed. */
function flushable(name: string, flushed: string[], clock: ManualClock): Flushable {
  const startMs = clock.now();
  return {
    name,
    isClosed: false,
    flush: () => {
      flushed.push(`${name} ${clock.now() - startMs}`);
      return Promise.resolve();
    },
  };
}

/** Lets flushes start that wait for others. */
async function turns(clock: ManualClock): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await clock.yield();
}

Deno.test("IntervalFlusher flushes a log in time though the clock is set back", async () => {
  const clock = new ManualClock();
  const flushed: string[] = [];
  const flusher = new IntervalFlusher(clock, silentLogger);
  const log = flushable("a", flushed, clock);
  flusher.request(log, 100);
  clock.adjustedMs = -60_000;
  clock.advance(100);
  await turns(clock);
  assertEquals(flushed, ["a -59900"]);
  await flusher.close();
});

Deno.test("IntervalFlusher flushes each log when due, once for all requests", async () => {
  const clock = new ManualClock();
  const flushed: string[] = [];
  const flusher = new IntervalFlusher(clock, silentLogger);
  const [a, b] = [flushable("a", flushed, clock), flushable("b", flushed, clock)];
  flusher.request(a, 100);
  clock.advance(50);
  flusher.request(a, 100);
  flusher.request(b, 20);
  clock.advance(100);
  await turns(clock);
  assertEquals(flushed, ["b 70", "a 100"]);
  flusher.request(a, 100);
  flusher.request(a, 10);
  clock.advance(200);
  await turns(clock);
  assertEquals(flushed.slice(2), ["a 160"]);
  await flusher.close();
  assertEquals(clock.timerCount, 0);
});

Deno.test("IntervalFlusher skips deleted logs, and all logs when closed", async () => {
  const clock = new ManualClock();
  const flushed: string[] = [];
  const flusher = new IntervalFlusher(clock, silentLogger);
  const [a, b] = [flushable("a", flushed, clock), flushable("b", flushed, clock)];
  flusher.request(a, 10);
  flusher.forget(a);
  clock.advance(10);
  flusher.request(b, 10);
  await flusher.close();
  flusher.request(a, 10);
  clock.advance(10);
  await turns(clock);
  assertEquals([flushed, clock.timerCount], [[], 0]);
});

Deno.test("IntervalFlusher logs a failed flush and flushes the other logs", async () => {
  const clock = new ManualClock();
  const flushed: string[] = [];
  const lines: string[] = [];
  const logger = createLogger({ sink: (line) => lines.push(line) });
  const flusher = new IntervalFlusher(clock, logger);
  flusher.request(
    { name: "bad", isClosed: false, flush: () => Promise.reject(new Error("EIO")) },
    10,
  );
  flusher.request(flushable("good", flushed, clock), 10);
  clock.advance(10);
  await flusher.close();
  assertEquals(flushed, ["good 10"]);
  assertEquals(lines.length === 1 && lines[0]!.includes("log=bad"), true);
});
