/**
 * The time in which something is counted, after time to get going.
 *
 * @module
 */

import { cpuSeconds } from "./process_usage.ts";
import type { Target } from "./target.ts";

/** How long to wait before counting, and how long to count. */
export interface Timing {
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** What happened in a window. */
export interface Window {
  readonly seconds: number;
  /** Parts of a core that the broker and this program used; NaN where that is not known. */
  readonly brokerCores: number;
  readonly loadCores: number;
}

/** Lets work go on that was begun, and calls `begin` and `end` around the time that counts. */
export async function measureWindow(
  { warmUpMs, measureMs }: Timing,
  { pid }: Target,
  begin: () => void,
  end: () => void,
): Promise<Window> {
  await sleep(warmUpMs);
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

function usedBy(pid: number | undefined): number {
  return (pid === undefined ? undefined : cpuSeconds(pid)) ?? NaN;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
