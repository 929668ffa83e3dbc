/**
 * Steps of a test that mostly wait, run at once.
 *
 * @module
 */

/** What a step does. */
export type Step = () => Promise<void>;

/**
 * Runs steps at the same time and resolves when all have ended. What they leave open is found by the
 * sanitizers of the test.
 */
export async function concurrentSteps(
  context: Deno.TestContext,
  steps: Readonly<Record<string, Step>>,
): Promise<void> {
  const options = { sanitizeExit: false, sanitizeOps: false, sanitizeResources: false };
  await Promise.all(
    Object.entries(steps).map(([name, fn]) => context.step({ ...options, name, fn })),
  );
}
