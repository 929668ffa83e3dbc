/**
 * A short run of the simulator of transactions. `DQUEUE_TEST_SEED` repeats one seed;
 * `deno task simulate --transactions` runs any number of seeds, and shrinks those that fail.
 */

import { assert, assertEquals } from "@std/assert";
import { eachSeed } from "../../../protocol/seeds_testing.ts";
import { simulateTransactions } from "./transaction_simulation.ts";

const SEEDS = 10;
const STEPS = Array.from({ length: 300 }, (_, step) => step);

Deno.test("simulateTransactions() finds no broken promise", async (t) => {
  await eachSeed(t, SEEDS, async (seed) => {
    const { failure, decided } = await simulateTransactions({ seed, steps: STEPS });
    if (failure === undefined) return assert(decided > 0);
    throw new Error(
      `Seed ${seed} fails at step ${failure.step}; see it with ` +
        `deno task simulate --transactions --seed ${seed} --shrink`,
      { cause: failure.error },
    );
  });
});

Deno.test("simulateTransactions() repeats a seed exactly", async () => {
  const options = { seed: 20_261_130, steps: STEPS };
  const [first, second] = [
    await simulateTransactions(options),
    await simulateTransactions(options),
  ];
  assertEquals(second.fingerprint, first.fingerprint);
  const other = await simulateTransactions({ ...options, seed: options.seed + 1 });
  assert(other.fingerprint !== first.fingerprint);
});
