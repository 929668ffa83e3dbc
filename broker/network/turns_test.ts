import { assertEquals, assertLess } from "@std/assert";
import { Share, Turns } from "./turns.ts";

/** A loop whose turns end, and whose time passes, when the test says so. */
class Loop {
  nowMs = 0;
  readonly turns: Turns;
  #ends: (() => void)[] = [];

  constructor() {
    const yielding = () => new Promise<void>((resolve) => this.#ends.push(resolve));
    this.turns = new Turns({ yield: yielding }, () => this.nowMs);
  }

  /** Ends this turn of the loop, and lets the next one come to its end. */
  async nextTurn(): Promise<void> {
    const ends = this.#ends;
    this.#ends = [];
    for (const end of ends) end();
    for (let round = 0; round < 1000; round++) await undefined;
  }

  /** A connection that handles `count` requests, each of which takes `ms`, then rests. */
  async handle(count: number, ms: number, onHandled: () => void, share = new Share()) {
    this.turns.rested(share);
    for (let i = 0; i < count; i++) {
      if (!this.turns.mayGo(share)) await this.turns.wait(share);
      this.nowMs += ms;
      this.turns.used(share);
      onHandled();
    }
  }
}

Deno.test("Turns lets a connection handle what it has at once while that is short", async () => {
  const loop = new Loop();
  let handled = 0;
  const done = loop.handle(4, 0.1, () => handled++);
  assertEquals(handled, 4);
  await done;
  assertEquals(loop.turns.waitingCount, 0);
});

Deno.test("Turns interrupts a connection with much to do, so that the loop is polled", async () => {
  const loop = new Loop();
  let handled = 0;
  const done = loop.handle(3000, 0.01, () => handled++);
  assertLess(handled, 60);
  for (let turns = 0; handled < 3000; turns++) {
    assertLess(turns, 100);
    const before = loop.nowMs;
    await loop.nextTurn();
    assertLess(loop.nowMs - before, 5);
  }
  await done;
});

Deno.test("Turns has a quiet connection wait for a turn, whatever 50 others have sent", async () => {
  const loop = new Loop();
  let handled = 0;
  const others = Array.from({ length: 50 }, () => loop.handle(3000, 0.01, () => handled++));
  for (let turn = 0; turn < 20; turn++) await loop.nextTurn();
  const quiet = new Share();
  for (let i = 0; i < 10; i++) {
    const cameMs = loop.nowMs;
    let answeredMs = NaN;
    const done = loop.handle(1, 0.01, () => answeredMs = loop.nowMs, quiet);
    await loop.nextTurn();
    await done;
    assertLess(answeredMs - cameMs, 5);
  }
  while (handled < 50 * 3000) await loop.nextTurn();
  await Promise.all(others);
});

Deno.test("Turns gives connections that send costly requests no more than those of cheap ones", async () => {
  const loop = new Loop();
  let costly = 0;
  let cheap = 0;
  const both = [loop.handle(100, 1, () => costly++), loop.handle(10_000, 0.01, () => cheap++)];
  for (let turn = 0; turn < 30; turn++) await loop.nextTurn();
  assertLess(Math.abs(costly * 1 - cheap * 0.01), 2);
  while (loop.turns.waitingCount > 0) await loop.nextTurn();
  await Promise.all(both);
});

Deno.test("Turns does not let a connection that rested save time up", async () => {
  const loop = new Loop();
  const early = new Share();
  await loop.handle(1, 0.01, () => {}, early);
  let others = 0;
  const busy = loop.handle(1000, 0.1, () => others++);
  for (let turn = 0; turn < 10; turn++) await loop.nextTurn();
  const othersBefore = others;
  let own = 0;
  const back = loop.handle(300, 0.1, () => own++, early);
  for (let turn = 0; turn < 5; turn++) await loop.nextTurn();
  assertLess(own, 2 * (others - othersBefore) + 10);
  while (loop.turns.waitingCount > 0) await loop.nextTurn();
  await Promise.all([busy, back]);
});

Deno.test("Turns looks at the clock for every few cheap requests, and for all while others wait", async () => {
  let looks = 0;
  let nowMs = 0;
  const ends: (() => void)[] = [];
  const yielding = () => new Promise<void>((resolve) => ends.push(resolve));
  const turns = new Turns({ yield: yielding }, () => (looks++, nowMs));
  const share = new Share();
  for (let i = 0; i < 90; i++) {
    if (!turns.mayGoUntimed()) turns.mayGo(share);
  }
  assertEquals(looks, 10);
  nowMs += 10;
  const waiting = turns.wait(new Share());
  assertEquals(turns.mayGoUntimed(), false);
  ends[0]!();
  await waiting;
});

Deno.test("Turns counts what requests take after their handlers gave up their turn", async () => {
  const loop = new Loop();
  const share = new Share();
  const slice = (async () => {
    await loop.turns.wait(share);
    loop.turns.used(share);
    const mayGoOn = loop.turns.mayGo(share);
    loop.nowMs += 0.6;
    return [mayGoOn, loop.turns.mayGo(share)];
  })();
  await loop.nextTurn();
  assertEquals(await slice, [true, false]);
});
