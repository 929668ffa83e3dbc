/**
 * The seeds of random tests: the same in every run, so that a test fails only because of what was changed.
 *
 * Other seeds are explored on request: `DQUEUE_TEST_SEED=random` draws the first one, and
 * `DQUEUE_TEST_SEEDS=N` sets how many each test takes. `DQUEUE_TEST_SEED=N` repeats the one that a failed
 * test names.
 *
 * @module
 */

/** What the environment says about seeds. */
export interface SeedSettings {
  /** `random`, or the first seed. */
  readonly first?: string | undefined;
  /** How many. */
  readonly count?: string | undefined;
}

/** Returns the seeds of a test that takes `count` of them by default: 1, 2, 3 … */
export function testSeeds(count: number, settings: SeedSettings = fromEnvironment()): number[] {
  const { first = "1" } = settings;
  const start = first === "random"
    ? Math.floor(Math.random() * 2 ** 31)
    : wholeNumber("DQUEUE_TEST_SEED", first, 0);
  const length = settings.count !== undefined
    ? wholeNumber("DQUEUE_TEST_SEEDS", settings.count, 1)
    : settings.first === undefined || first === "random"
    ? count
    : 1;
  return Array.from({ length }, (_, index) => (start + index) >>> 0);
}

/** Runs a part of a test once with each of its seeds, in steps that are named after them. */
export async function eachSeed(
  context: Deno.TestContext,
  count: number,
  run: (seed: number) => void | Promise<void>,
): Promise<void> {
  for (const seed of testSeeds(count)) await context.step(`seed ${seed}`, () => run(seed));
}

function fromEnvironment(): SeedSettings {
  return { first: variable("DQUEUE_TEST_SEED"), count: variable("DQUEUE_TEST_SEEDS") };
}

/** Returns a variable, if the test has permission to read it. */
function variable(name: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value < 2 ** 32) return value;
  throw new Error(`Cannot use ${name}=${text}: expected a whole number from ${least}`);
}
