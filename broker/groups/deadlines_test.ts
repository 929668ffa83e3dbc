import { assertEquals } from "@std/assert";
import { ManualClock } from "../time/clock.ts";
import { DeadlineQueue } from "./deadlines.ts";

function setUp() {
  const clock = new ManualClock();
  const errors: unknown[] = [];
  const queue = new DeadlineQueue(clock, (error) => errors.push(error));
  const fired: string[] = [];
  const deadline = (name: string) => queue.deadline(() => fired.push(name));
  return { clock, queue, fired, errors, deadline };
}

Deno.test("DeadlineQueue fires deadlines once, in order of time", () => {
  const { clock, queue, fired, deadline } = setUp();
  for (const ms of [50, 10, 40, 20, 30]) deadline(`${ms}`).setIn(ms);
  clock.advance(35);
  assertEquals(fired, ["10", "20", "30"]);
  clock.advance(1000);
  assertEquals(fired, ["10", "20", "30", "40", "50"]);
  assertEquals(queue.size, 0);
  assertEquals(clock.timerCount, 0);
});

Deno.test("Deadline.setIn() moves later without another queue entry", () => {
  const { clock, queue, fired, deadline } = setUp();
  const session = deadline("session");
  session.setIn(100);
  for (let beat = 0; beat < 1000; beat++) {
    clock.advance(30);
    session.setIn(100);
    assertEquals(queue.size, 1);
  }
  assertEquals(fired, []);
  clock.advance(99);
  assertEquals(fired, []);
  clock.advance(1);
  assertEquals(fired, ["session"]);
});

Deno.test("Deadline.setIn() moves earlier and fires once", () => {
  const { clock, fired, deadline } = setUp();
  const session = deadline("session");
  session.setIn(100);
  session.setIn(10);
  clock.advance(10);
  assertEquals(fired, ["session"]);
  assertEquals(session.isSet, false);
  clock.advance(200);
  assertEquals(fired, ["session"]);
});

Deno.test("Deadline.cancel() allows setting the deadline again", () => {
  const { clock, fired, deadline } = setUp();
  const session = deadline("session");
  session.setIn(10);
  session.cancel();
  clock.advance(5);
  session.setIn(10);
  clock.advance(9);
  assertEquals(fired, []);
  clock.advance(1);
  assertEquals(fired, ["session"]);
});

Deno.test("Deadline can be set, and others cancelled, by a callback", () => {
  const { clock, queue, fired, deadline } = setUp();
  const victim = deadline("victim");
  const again = queue.deadline(() => {
    fired.push("again");
    victim.cancel();
    if (fired.length < 3) again.setIn(10);
  });
  again.setIn(10);
  victim.setIn(10);
  clock.advance(100);
  assertEquals(fired, ["again", "again", "again"]);
  assertEquals(clock.timerCount, 0);
});

Deno.test("DeadlineQueue removes cancelled deadlines long before their time", () => {
  const { queue, deadline } = setUp();
  for (let i = 0; i < 10_000; i++) {
    const session = deadline(`${i}`);
    session.setIn(1_800_000);
    session.cancel();
  }
  assertEquals(queue.size < 200, true);
});

Deno.test("DeadlineQueue continues after a callback throws", () => {
  const { clock, queue, fired, errors, deadline } = setUp();
  const failure = new Error("no");
  queue.deadline(() => {
    throw failure;
  }).setIn(10);
  deadline("next").setIn(10);
  clock.advance(10);
  assertEquals(errors, [failure]);
  assertEquals(fired, ["next"]);
});

Deno.test("DeadlineQueue extends deadlines by time in which the process did not run", () => {
  let nowMs = 1000;
  let fire = () => {};
  const clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    setTimeout: (callback: () => void) => {
      fire = callback;
      return 1;
    },
    clearTimeout: () => {},
    yield: () => Promise.resolve(),
  };
  const queue = new DeadlineQueue(clock, () => {});
  const fired: string[] = [];
  queue.deadline(() => fired.push("a")).setIn(100);
  queue.deadline(() => fired.push("b")).setIn(5000);
  nowMs += 3_600_000;
  fire();
  assertEquals(fired, ["a"], "b has the 4.9 seconds left that it had when the machine fell asleep");
  nowMs += 4900;
  fire();
  assertEquals(fired, ["a", "b"]);
  queue.deadline(() => fired.push("c")).setIn(100);
  nowMs -= 50_000;
  fire();
  assertEquals(fired, ["a", "b", "c"], "a clock set back delays nothing");
});

Deno.test("DeadlineQueue.clear() drops everything, timer included", () => {
  const { clock, queue, fired, deadline } = setUp();
  const kept = deadline("kept");
  kept.setIn(10);
  queue.clear();
  assertEquals(clock.timerCount, 0);
  clock.advance(100);
  assertEquals(fired, []);
  kept.setIn(10);
  clock.advance(10);
  assertEquals(fired, ["kept"]);
});
