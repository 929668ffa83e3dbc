import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Steadiness, WarmUp } from "./warm_up.ts";

/** Returns how many samples of these rates it takes until they are stable; undefined if never. */
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

Deno.test("Steadiness: a constant rate is stable after six seconds", () => {
  assertEquals(looksUntilSteady(times(20, () => 100)), 12);
});

Deno.test("Steadiness: a rate that grows by 2 % with each sample is never stable", () => {
  assertEquals(looksUntilSteady(times(90, (i) => 1.02 ** i)), undefined);
});

Deno.test("Steadiness: a rate that grows for 15 s is stable only at its height", () => {
  const growing = times(30, (i) => 1.4 + i * 0.4);
  const steady = times(20, () => 36);
  const looks = looksUntilSteady([...growing, ...steady]);
  assert(looks !== undefined && looks >= growing.length + 11, `${looks}`);
});

Deno.test("Steadiness: a rate with a single outlier of half or twice the others is stable", () => {
  const rates = times(40, (i) => i === 9 ? 0.5 : i === 14 ? 2 : 1);
  assert(looksUntilSteady(rates) !== undefined);
});

Deno.test("Steadiness: work that stops is not stable", () => {
  const rates = [...times(8, () => 100), ...times(4, () => 0)];
  assertEquals(looksUntilSteady(rates), undefined);
});

Deno.test("Steadiness: samples without time do not count as a rate", () => {
  assertEquals(looksUntilSteady(times(40, () => 100), 0), undefined);
});

Deno.test("WarmUp: watch() returns at the limit of the load before the warm-up is over", async () => {
  const warmUp = new WarmUp({ name: "", address: "", pids: [] }, {
    leastMs: 0,
    mostMs: Infinity,
  });
  await warmUp.watch(() => 10, 10);
  assertEquals(warmUp.isOver, false);
});

Deno.test("WarmUp: the note says that the rate is not stable when time is up", async () => {
  const warmUp = new WarmUp({ name: "", address: "", pids: [] }, { leastMs: 0, mostMs: 0 });
  await warmUp.watch(() => 0);
  assert(warmUp.isOver);
  assertStringIncludes(warmUp.note, "not stable");
});
