import { assertEquals } from "@std/assert";
import { ManualClock } from "../time/clock.ts";
import { createLogger, silentLogger } from "../logger.ts";
import { FileRemoval } from "./file_removal.ts";

Deno.test("FileRemoval removes files once at each due time", async () => {
  const clock = new ManualClock(0);
  const removals: number[] = [];
  const files = {
    removeDeleted: (nowMs: number) => {
      removals.push(nowMs);
      return Promise.resolve();
    },
  };
  const removal = new FileRemoval(files, clock, silentLogger);
  removal.after(100);
  removal.after(100);
  removal.after(30);
  clock.advance(10);
  removal.after(90);
  removal.after(50);
  clock.advance(200);
  await removal.close();
  assertEquals(removals, [30, 60, 100]);
});

Deno.test("FileRemoval waits for a running removal when closed and starts no other", async () => {
  const clock = new ManualClock(0);
  const running = Promise.withResolvers<void>();
  let removals = 0;
  const files = {
    removeDeleted: () => {
      removals++;
      return running.promise;
    },
  };
  const removal = new FileRemoval(files, clock, silentLogger);
  removal.after(10);
  removal.after(20);
  clock.advance(10);
  await clock.yield();
  let isClosed = false;
  const closing = removal.close().then(() => isClosed = true);
  for (let turn = 0; turn < 10; turn++) await clock.yield();
  assertEquals(isClosed, false);
  running.resolve();
  await closing;
  removal.after(1);
  clock.advance(100);
  assertEquals([removals, clock.timerCount], [1, 0]);
});

Deno.test("FileRemoval logs a failed removal and continues", async () => {
  const clock = new ManualClock(0);
  const lines: string[] = [];
  const logger = createLogger({ sink: (line) => lines.push(line) });
  let removals = 0;
  const files = {
    removeDeleted: () => removals++ === 0 ? Promise.reject(new Error("EIO")) : Promise.resolve(),
  };
  const removal = new FileRemoval(files, clock, logger);
  removal.after(10);
  removal.after(20);
  clock.advance(20);
  await removal.close();
  assertEquals([removals, lines.length], [2, 1]);
});
