/**
 * The time in which something is counted, after time to get going.
 *
 * @module
 */

import { cpuSeconds } from "../brokers/process_usage.ts";
import type { Target } from "./target.ts";
import { WarmUp, type WarmUpBounds } from "./warm_up.ts";

/** How long to wait before counting, and how long to count. */
export interface Timing {
  /** At least. */
  readonly warmUpMs: number;
  /** Before that, waits until the rate is stable. Default: does not. */
  readonly stable?: WarmUpBounds;
  readonly measureMs: number;
}

/** What happened in a window. */
export interface Window {
  readonly seconds: number;
  /** How long the broker was warmed up, for people; undefined if its rate was not looked at. */
  readonly warmUpNote: string | undefined;
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
  { warmUpMs, stable, measureMs }: Timing,
  target: Target,
  begin: () => void,
  end: () => void,
  progress: () => number = () => 0,
): Promise<Window> {
  const { pid } = target;
  const warmUp = stable === undefined ? undefined : new WarmUp(target, stable);
  await warmUp?.watch(progress);
  const warmUpNote = warmUp?.note;
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
    warmUpNote,
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
