import { assertEquals, assertLess } from "@std/assert";
import { Share, Turns } from "./turns.ts";

/** An event loop whose turns and time the test controls. */
class Loop {
  nowMs = 0;
  readonly turns: Turns;
  #ends: (() => void)[] = [];

  constructor() {
    const yielding = () => new Promise<void>((resolve) => this.#ends.push(resolve));
    this.turns = new Turns({ yield: yielding }, () => this.nowMs);
  }

  /** Ends this turn of the loop and runs the next one. */
  async nextTurn(): Promise<void> {
    const ends = this.#ends;
    this.#ends = [];
    for (const end of ends) end();
    for (let round = 0; round < 1000; round++) await undefined;
  }

  /** A connection that handles `count` requests of `ms` each, then rests. */
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

Deno.test("Turns lets a connection handle all its requests if they are short", async () => {
  const loop = new Loop();
  let handled = 0;
  const done = loop.handle(4, 0.1, () => handled++);
  assertEquals(handled, 4);
  await done;
  assertEquals(loop.turns.waitingCount, 0);
});

Deno.test("Turns interrupts a busy connection, so that the loop is polled", async () => {
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

Deno.test("Turns lets an idle connection wait for one turn, whatever 50 others have sent", async () => {
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

Deno.test("Turns gives connections with costly requests no more time than those with cheap ones", async () => {
  const loop = new Loop();
  let costly = 0;
  let cheap = 0;
  const both = [loop.handle(100, 1, () => costly++), loop.handle(10_000, 0.01, () => cheap++)];
  for (let turn = 0; turn < 30; turn++) await loop.nextTurn();
  assertLess(Math.abs(costly * 1 - cheap * 0.01), 2);
  while (loop.turns.waitingCount > 0) await loop.nextTurn();
  await Promise.all(both);
});

Deno.test("Turns does not let an idle connection save up time", async () => {
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

Deno.test("Turns.mayGoUntimed() allows a few cheap requests, and none while others wait", async () => {
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

Deno.test("Turns counts time that requests use after their handlers yield", async () => {
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
