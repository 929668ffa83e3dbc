import { assertEquals } from "@std/assert";
import { Stall } from "./stall.ts";

Deno.test("Stall.isOver() is true for a client without progress, earlier if memory is short", () => {
  for (const [isShort, patienceMs] of [[false, 30_000], [true, 5000]] as const) {
    const stall = new Stall();
    assertEquals(stall.isOver(7, isShort, 1000), false);
    assertEquals(stall.isOver(7, isShort, 1000 + patienceMs - 1), false);
    assertEquals(stall.isOver(7, isShort, 1000 + patienceMs), true);
  }
});

Deno.test("Stall.isOver() is true for a client that moves single bytes", () => {
  const stall = new Stall();
  const over = Array.from({ length: 40 }, (_, i) => stall.isOver(i, false, i * 1000));
  assertEquals(over.indexOf(true), 30);
});

Deno.test("Stall.isOver() is false for a slow client, and for one that holds no memory", () => {
  const stall = new Stall();
  for (let second = 0; second < 1000; second++) {
    const heldAt = second < 500 ? second * 4096 : undefined;
    assertEquals(stall.isOver(heldAt, true, second * 1000), false);
  }
  assertEquals(stall.isOver(500 * 4096, true, 1_000_000), false);
});
