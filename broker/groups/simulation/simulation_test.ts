/**
 * Groups under random faults, from a seed. Invariants checked after every step:
 *
 * - no partition has two owners in one generation, nor at any time in a KIP-848 group
 * - an acknowledged commit is never undone, not even by a crash
 * - without faults, all live members agree on a generation and own every partition once
 *
 * A failed step names its seed; `DQUEUE_TEST_SEED` repeats it.
 */

import { Random } from "../../../protocol/random_testing.ts";
import { eachSeed } from "../../../protocol/seeds_testing.ts";
import { loadGroups } from "../group_coordinator.ts";
import { Simulation } from "./simulation.ts";

const SEEDS = 10;
const STEPS = 10_000;
const STEPS_BETWEEN_RESTS = 400;

Deno.test("Simulation keeps the invariants of groups under random faults", async (t) => {
  await eachSeed(t, SEEDS, run);
});

async function run(seed: number): Promise<void> {
  await loadGroups();
  const simulation = new Simulation(new Random(seed));
  let step = 0;
  try {
    for (; step < STEPS; step++) {
      await simulation.step();
      if (step % STEPS_BETWEEN_RESTS === STEPS_BETWEEN_RESTS - 1) await simulation.converge();
    }
  } catch (error) {
    throw new Error(`Seed ${seed} fails at step ${step}: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    await simulation.close();
  }
}
