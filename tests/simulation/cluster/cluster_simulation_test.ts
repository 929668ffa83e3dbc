/**
 * A short run of the simulator of clusters. `DQUEUE_TEST_SEED` repeats one seed; `deno task simulate
 * --machines 3` runs any number of seeds.
 */

import { assert, assertEquals } from "@std/assert";
import { eachSeed } from "../../../protocol/seeds_testing.ts";
import { simulateCluster } from "./cluster_simulation.ts";

const SEEDS = 6;
const TRANSACTION_SEEDS = 3;
const STEPS = Array.from({ length: 300 }, (_, step) => step);

for (const [machines, replicas] of [[3, 1], [3, 3], [5, 3]] as const) {
  const name =
    `simulateCluster() finds no broken promise of ${machines} brokers and ${replicas} replicas`;
  Deno.test(name, async (t) => {
    await eachSeed(t, SEEDS, async (seed) => {
      const { failure } = await simulateCluster({ seed, steps: STEPS, machines, replicas });
      if (failure === undefined) return;
      throw new Error(
        `Seed ${seed} fails at step ${failure.step}; see it with ` +
          `deno task simulate --machines ${machines} --replicas ${replicas} --seed ${seed} --trace`,
        { cause: failure.error },
      );
    });
  });
}

Deno.test("simulateCluster() finds no broken promise of transactions", async (t) => {
  const cluster = { machines: 3, replicas: 3, transactions: true };
  await eachSeed(t, TRANSACTION_SEEDS, async (seed) => {
    const { failure } = await simulateCluster({ seed, steps: STEPS, ...cluster });
    if (failure === undefined) return;
    throw new Error(
      `Seed ${seed} fails at step ${failure.step}; see it with ` +
        `deno task simulate --machines 3 --replicas 3 --transactions --seed ${seed} --trace`,
      { cause: failure.error },
    );
  });
});

Deno.test("simulateCluster() repeats a seed exactly", async () => {
  const options = { seed: 20_261_130, steps: STEPS, replicas: 3 };
  const [first, second] = [await simulateCluster(options), await simulateCluster(options)];
  assertEquals(second.fingerprint, first.fingerprint);
  assert(first.faults > 0);
  assert(first.records > 0);
  const other = await simulateCluster({ ...options, seed: options.seed + 1 });
  assert(other.fingerprint !== first.fingerprint);
});
