import { assert, assertEquals, assertRejects } from "@std/assert";
import { Deadline } from "./deadline.ts";
import { TimeoutError } from "../errors.ts";
import { abortable, delay, withTimeout } from "./waiting.ts";
import { WakeSignal } from "./wake_signal.ts";

/** A signal that counts its listeners. */
function countingSignal(): { controller: AbortController; listeners(): number } {
  const controller = new AbortController();
  const { signal } = controller;
  let count = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    count++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    count--;
    remove(...args);
  };
  return { controller, listeners: () => count };
}

Deno.test("delay() resolves, or rejects with the signal's reason, and removes its listener", async () => {
  const { controller, listeners } = countingSignal();
  await delay(1, controller.signal);
  assertEquals(listeners(), 0);
  const reason = new Error("stop");
  const waiting = delay(60_000, controller.signal);
  controller.abort(reason);
  assertEquals(await assertRejects(() => waiting), reason);
  assertEquals(await assertRejects(() => delay(60_000, controller.signal)), reason);
});

Deno.test("abortable() settles like the promise, and removes its listener", async () => {
  const { controller, listeners } = countingSignal();
  assertEquals(await abortable(Promise.resolve(1), controller.signal), 1);
  const failure = new Error("failed");
  assertEquals(
    await assertRejects(() => abortable(Promise.reject(failure), controller.signal)),
    failure,
  );
  assertEquals(listeners(), 0);
  assertEquals(await abortable(Promise.resolve(2), undefined), 2);
});

Deno.test("abortable() rejects with the signal's reason and ignores the promise", async () => {
  const controller = new AbortController();
  const reason = new Error("stop");
  const { promise, reject } = Promise.withResolvers<void>();
  const waiting = abortable(promise, controller.signal);
  controller.abort(reason);
  assertEquals(await assertRejects(() => waiting), reason);
  reject(new Error("too late to matter"));
  await assertRejects(() => abortable(Promise.reject(new Error("ignored")), controller.signal));
});

Deno.test("withTimeout() rejects after the time limit", async () => {
  const late = () => new TimeoutError("too long");
  assertEquals(await withTimeout(Promise.resolve(1), 60_000, late), 1);
  const { promise, resolve } = Promise.withResolvers<void>();
  await assertRejects(() => withTimeout(promise, 1, late), TimeoutError, "too long");
  resolve();
});

Deno.test("Deadline aborts on timeout and names the last failure", async () => {
  using deadline = new Deadline("do it", 1);
  deadline.cause = new Error("it was closed");
  const error = await assertRejects(() => delay(60_000, deadline.signal), TimeoutError);
  assertEquals(error.message, "Cannot do it within 1 ms: it was closed");
  assertEquals(error.cause, deadline.cause);
  assertEquals(deadline.remainingMs, 0);
});

Deno.test("Deadline aborts with the reason of any of its signals, and removes its listeners", () => {
  const { controller, listeners } = countingSignal();
  {
    using deadline = new Deadline("do it", 60_000, undefined, controller.signal);
    assert(deadline.remainingMs > 0);
  }
  assertEquals(listeners(), 0);
  using deadline = new Deadline("do it", 60_000, controller.signal);
  const reason = new Error("stop");
  controller.abort(reason);
  assertEquals(deadline.signal.reason, reason);
  using aborted = new Deadline("do it", 60_000, controller.signal);
  assertEquals(aborted.signal.reason, reason);
});

Deno.test("WakeSignal.notify() wakes all waiters", async () => {
  const news = new WakeSignal();
  const waiting = [news.wait(), news.wait(60_000)];
  news.notify();
  assertEquals(await Promise.all(waiting), [true, true]);
  assertEquals(await news.wait(1), false);
});

Deno.test("WakeSignal.wait() can be aborted, and removes its listener", async () => {
  const news = new WakeSignal();
  const { controller, listeners } = countingSignal();
  const woken = news.wait(60_000, controller.signal);
  news.notify();
  assertEquals(await woken, true);
  assertEquals(listeners(), 0);
  const reason = new Error("stop");
  const waiting = news.wait(60_000, controller.signal);
  controller.abort(reason);
  assertEquals(await assertRejects(() => waiting), reason);
  assertEquals(await assertRejects(() => news.wait(1, controller.signal)), reason);
});
