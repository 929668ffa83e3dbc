import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Steadiness, WarmUp } from "./warm_up.ts";

/** How many looks it takes at these rates until they are stable; undefined if they never are. */
function looksUntilSteady(rates: readonly number[], cost = 0.5): number | undefined {
  const steadiness = new Steadiness();
  for (const [i, rate] of rates.entries()) {
    steadiness.add(rate * cost, cost);
    if (steadiness.isSteady) return i + 1;
  }
  return undefined;
}

function times(count: number, rate: (i: number) => number): number[] {
  return Array.from({ length: count }, (_, i) => rate(i));
}

Deno.test("Steadiness, a rate that is the same from the start, is stable after six seconds", () => {
  assertEquals(looksUntilSteady(times(20, () => 100)), 12);
});

Deno.test("Steadiness, a rate that grows by 2 % with each look, is never stable", () => {
  assertEquals(looksUntilSteady(times(90, (i) => 1.02 ** i)), undefined);
});

Deno.test("Steadiness, a rate that is low for 15 s while it grows, is stable only at its height", () => {
  const growing = times(30, (i) => 1.4 + i * 0.4);
  const steady = times(20, () => 36);
  const looks = looksUntilSteady([...growing, ...steady]);
  assert(looks !== undefined && looks >= growing.length + 11, `${looks}`);
});

Deno.test("Steadiness, a single look is twice or half of the others, is stable all the same", () => {
  const rates = times(40, (i) => i === 9 ? 0.5 : i === 14 ? 2 : 1);
  assert(looksUntilSteady(rates) !== undefined);
});

Deno.test("Steadiness, work that stops, is not stable", () => {
  const rates = [...times(8, () => 100), ...times(4, () => 0)];
  assertEquals(looksUntilSteady(rates), undefined);
});

Deno.test("Steadiness, looks that took nothing, do not count as a rate", () => {
  assertEquals(looksUntilSteady(times(40, () => 100), 0), undefined);
});

Deno.test("WarmUp, work that may last no longer, returns before it is over", async () => {
  const warmUp = new WarmUp({ name: "", address: "", pid: undefined }, {
    leastMs: 0,
    mostMs: Infinity,
  });
  await warmUp.watch(() => 10, 10);
  assertEquals(warmUp.isOver, false);
});

Deno.test("WarmUp, time is up, says that it is not stable", async () => {
  const warmUp = new WarmUp({ name: "", address: "", pid: undefined }, { leastMs: 0, mostMs: 0 });
  await warmUp.watch(() => 0);
  assert(warmUp.isOver);
  assertStringIncludes(warmUp.note, "not stable");
});
