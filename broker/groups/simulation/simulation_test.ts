/**
 * Groups with everything going wrong, from a seed. Held to, after every step:
 *
 * - no partition has two owners in one generation, nor at any one time in a KIP-848 group
 * - what a commit was acknowledged for is never taken back, not even by a crash
 * - left in peace, all live members agree on a generation and own every partition once
 *
 * A failing seed prints itself; `DQUEUE_GROUP_SEED` replays exactly that one.
 */

import { Random } from "../../../protocol/random_testing.ts";
import { Simulation } from "./simulation.ts";

const SEEDS = 10;
const STEPS = 10_000;
const STEPS_BETWEEN_RESTS = 400;

Deno.test("Simulation keeps the invariants of groups under random faults", async (t) => {
  for (const seed of seeds()) {
    await t.step(`seed ${seed}`, () => run(seed));
  }
});

function seeds(): number[] {
  let given: string | undefined;
  try {
    given = Deno.env.get("DQUEUE_GROUP_SEED");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
  }
  if (given !== undefined) return [Number(given)];
  const first = Math.floor(Math.random() * 2 ** 31);
  return Array.from({ length: SEEDS }, (_, i) => (first + i) >>> 0);
}

async function run(seed: number): Promise<void> {
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
