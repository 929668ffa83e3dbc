/**
 * The time in which something is counted, after time to get going.
 *
 * @module
 */

import { cpuSeconds } from "./process_usage.ts";
import type { Target } from "./target.ts";

/** How long to wait before counting, and how long to count. */
export interface Timing {
  /** At least. */
  readonly warmUpMs: number;
  /** Waits on while the rate still grows, at most so long in all. Default: `warmUpMs`. */
  readonly maxWarmUpMs?: number;
  readonly measureMs: number;
}

/** How long a rate is looked at to tell whether it still grows. */
const LOOK_MS = 400;
/** A rate that is no more than so many times as high as before has come to its height. */
const GROWTH = 1.05;
/** How often in a row it must be so. */
const STEADY_LOOKS = 2;

/** What happened in a window. */
export interface Window {
  readonly seconds: number;
  /** Parts of a core that the broker and this program used; NaN where that is not known. */
  readonly brokerCores: number;
  readonly loadCores: number;
}

/**
 * Lets work go on that was begun, and calls `begin` and `end` around the time that counts.
 *
 * @param progress How much has been done so far, also before it counts.
 */
export async function measureWindow(
  { warmUpMs, maxWarmUpMs = warmUpMs, measureMs }: Timing,
  { pid }: Target,
  begin: () => void,
  end: () => void,
  progress: () => number = () => 0,
): Promise<Window> {
  await warmUp(warmUpMs, maxWarmUpMs, progress);
  const brokerBefore = usedBy(pid);
  const loadBefore = usedBy(Deno.pid);
  const startMs = performance.now();
  begin();
  await sleep(measureMs);
  end();
  const seconds = (performance.now() - startMs) / 1000;
  return {
    seconds,
    brokerCores: (usedBy(pid) - brokerBefore) / seconds,
    loadCores: (usedBy(Deno.pid) - loadBefore) / seconds,
  };
}

/** Until code is compiled and memory is there, a broker is slower than it will be. */
async function warmUp(leastMs: number, mostMs: number, progress: () => number): Promise<void> {
  const startMs = performance.now();
  await sleep(leastMs);
  let highest = 0;
  for (let steady = 0; steady < STEADY_LOOKS && performance.now() - startMs < mostMs;) {
    const before = progress();
    const beforeMs = performance.now();
    await sleep(LOOK_MS);
    const rate = (progress() - before) / (performance.now() - beforeMs);
    steady = rate <= highest * GROWTH ? steady + 1 : 0;
    highest = Math.max(highest, rate);
  }
}

function usedBy(pid: number | undefined): number {
  return (pid === undefined ? undefined : cpuSeconds(pid)) ?? NaN;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
