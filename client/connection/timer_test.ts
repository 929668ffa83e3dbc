import { assertEquals } from "@std/assert";
import { requestMs, Timer } from "./timer.ts";

const LONGEST_MS = 2 ** 31 - 1;

/** Replaces the runtime's timers, and records each one that is set. */
class Timers implements Disposable {
  readonly set: { callback: () => void; ms: number }[] = [];
  readonly cleared: unknown[] = [];
  readonly #setTimeout = globalThis.setTimeout;
  readonly #clearTimeout = globalThis.clearTimeout;

  constructor() {
    globalThis.setTimeout = ((callback: () => void, ms: number) => {
      return this.set.push({ callback, ms });
    }) as unknown as typeof setTimeout;
    globalThis.clearTimeout = ((id: unknown) => {
      this.cleared.push(id);
    }) as typeof clearTimeout;
  }

  get delays(): number[] {
    return this.set.map(({ ms }) => ms);
  }

  /** Fires the last timer. */
  fire(): void {
    this.set.at(-1)!.callback();
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#setTimeout;
    globalThis.clearTimeout = this.#clearTimeout;
  }
}

Deno.test("Timer waits in steps that setTimeout supports", () => {
  using timers = new Timers();
  let calls = 0;
  new Timer(() => calls++, 2 * LONGEST_MS + 5);
  timers.fire();
  timers.fire();
  assertEquals(calls, 0);
  timers.fire();
  assertEquals([calls, timers.delays], [1, [LONGEST_MS, LONGEST_MS, 5]]);
});

Deno.test("Timer fires immediately for a negative delay and never for Infinity", () => {
  using timers = new Timers();
  let calls = 0;
  new Timer(() => calls++, -5);
  timers.fire();
  assertEquals([calls, timers.delays], [1, [0]]);
  new Timer(() => calls++, Infinity);
  for (let i = 0; i < 100; i++) timers.fire();
  assertEquals(calls, 1);
  assertEquals(timers.delays.slice(1).every((ms) => ms === LONGEST_MS), true);
});

Deno.test("Timer.clear() cancels the current step", () => {
  using timers = new Timers();
  const timer = new Timer(() => {}, 3 * LONGEST_MS);
  timers.fire();
  timer.clear();
  assertEquals(timers.cleared, [2]);
});

Deno.test("Timer.every() calls back until cleared, for any interval", () => {
  using timers = new Timers();
  let calls = 0;
  const timer = Timer.every(LONGEST_MS + 1, () => calls++);
  for (let i = 0; i < 4; i++) timers.fire();
  assertEquals([calls, timers.delays], [2, [LONGEST_MS, 1, LONGEST_MS, 1, LONGEST_MS]]);
  timer.clear();
  assertEquals(timers.cleared, [5]);
});

Deno.test("requestMs() fits durations into an int32", () => {
  const times = [0, 0.2, 1500, LONGEST_MS, LONGEST_MS + 1, Infinity];
  assertEquals(times.map(requestMs), [0, 1, 1500, LONGEST_MS, LONGEST_MS, LONGEST_MS]);
});
