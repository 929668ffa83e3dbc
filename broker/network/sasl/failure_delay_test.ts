import { assertEquals } from "@std/assert";
import { ManualClock } from "../../time/clock.ts";
import { FailureDelay } from "./failure_delay.ts";

const MAX_WAITING = 1000;

function start(delayMs = 100) {
  const clock = new ManualClock();
  const delay = new FailureDelay(clock, () => delayMs);
  let ended = 0;
  const wait = (signal = new AbortController().signal) => delay.wait(signal).then(() => ended++);
  return { clock, delay, wait, ended: () => ended };
}

Deno.test("FailureDelay makes a client wait for the whole delay (KIP-306)", async () => {
  const { clock, delay, wait, ended } = start();
  const waiting = wait();
  clock.advance(99);
  await Promise.resolve();
  assertEquals([delay.waiting, ended()], [1, 0]);
  clock.advance(1);
  await waiting;
  assertEquals([delay.waiting, clock.timerCount], [0, 0]);
});

Deno.test("FailureDelay keeps a thousand clients at most, and others not at all", async () => {
  const { clock, delay, wait, ended } = start();
  const first = Array.from({ length: MAX_WAITING }, () => wait());
  const others = Array.from({ length: 50 }, () => wait());
  await Promise.all(others);
  assertEquals([delay.waiting, ended(), clock.timerCount], [MAX_WAITING, 50, MAX_WAITING]);
  clock.advance(100);
  await Promise.all(first);
  const late = wait();
  assertEquals(delay.waiting, 1);
  clock.advance(100);
  await late;
});

Deno.test("FailureDelay forgets a client whose connection is closed", async () => {
  const { clock, delay, wait } = start();
  const closed = new AbortController();
  const waiting = wait(closed.signal);
  closed.abort();
  await waiting;
  await wait(closed.signal);
  assertEquals([delay.waiting, clock.timerCount], [0, 0]);
});

Deno.test("FailureDelay does not wait if there is no delay", async () => {
  const { clock, wait } = start(0);
  await wait();
  assertEquals(clock.timerCount, 0);
});
