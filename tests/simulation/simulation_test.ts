/**
 * A short run of the simulator. `DQUEUE_TEST_SEED` repeats one seed; `deno task simulate` runs any
 * number of seeds, and shrinks those that fail.
 */

import { assert, assertEquals } from "@std/assert";
import { eachSeed } from "../../protocol/seeds_testing.ts";
import { formatSteps, parseSteps, shrink } from "./shrink.ts";
import { FAULTS, simulate } from "./simulation.ts";

const SEEDS = 20;
const STEPS = Array.from({ length: 300 }, (_, step) => step);

Deno.test("simulate() finds no broken promise on failing disks", async (t) => {
  await eachSeed(t, SEEDS, async (seed) => {
    const { failure } = await simulate({ seed, steps: STEPS });
    if (failure === undefined) return;
    throw new Error(
      `Seed ${seed} fails at step ${failure.step}; see it with ` +
        `deno task simulate --seed ${seed} --shrink`,
      { cause: failure.error },
    );
  });
});

Deno.test("simulate() repeats a seed exactly", async () => {
  const options = { seed: 20_261_121, steps: STEPS };
  const [first, second] = [await simulate(options), await simulate(options)];
  assertEquals(second.fingerprint, first.fingerprint);
  assert(first.crashes > 0);
  const other = await simulate({ ...options, seed: options.seed + 1 });
  assert(other.fingerprint !== first.fingerprint);
});

Deno.test("simulate() restores the runtime's clocks and timers", async () => {
  const { now } = Date;
  await simulate({ seed: 1, steps: [] });
  assertEquals(Date.now, now);
  assert(Date.now() - new Date().getTime() < 1000);
});

Deno.test("shrink() does not change a simulation that does not fail", async () => {
  const failing = { seed: 7, steps: [0, 1, 2], without: new Set<never>() };
  assertEquals(await shrink({ faults: FAULTS, simulate }, failing), failing);
});

Deno.test("parseSteps() reads what formatSteps() writes", () => {
  assertEquals(formatSteps([3, 17, 18, 19, 40]), "3,17-19,40");
  assertEquals(parseSteps("3,17-19, 40"), [3, 17, 18, 19, 40]);
});
