/**
 * The window of time in which a load is measured, after a warm-up.
 *
 * @module
 */

import { cpuSecondsOf } from "../brokers/process_usage.ts";
import type { Target } from "./target.ts";
import { WarmUp, type WarmUpBounds } from "./warm_up.ts";

/** How long to warm up, and how long to measure. */
export interface Timing {
  /** The minimum time before measuring. */
  readonly warmUpMs: number;
  /** Before that, waits until the rate is stable. Default: no wait. */
  readonly stable?: WarmUpBounds;
  readonly measureMs: number;
}

/** What happened in a window. */
export interface Window {
  readonly seconds: number;
  /** A note on the warm-up for the report; undefined if the rate was not watched. */
  readonly warmUpNote: string | undefined;
  /** Shares of a core that the broker and this program used; NaN if not known. */
  readonly brokerCores: number;
  readonly loadCores: number;
}

/**
 * Waits while a load runs, and calls `begin` and `end` around the measured time.
 *
 * @param progress Returns the work done so far, including the warm-up.
 */
export async function measureWindow(
  { warmUpMs, stable, measureMs }: Timing,
  target: Target,
  begin: () => void,
  end: () => void,
  progress: () => number = () => 0,
): Promise<Window> {
  const { pids } = target;
  const warmUp = stable === undefined ? undefined : new WarmUp(target, stable);
  await warmUp?.watch(progress);
  const warmUpNote = warmUp?.note;
  await sleep(warmUpMs);
  const brokerBefore = usedBy(pids);
  const loadBefore = usedBy([Deno.pid]);
  const startMs = performance.now();
  begin();
  await sleep(measureMs);
  end();
  const seconds = (performance.now() - startMs) / 1000;
  return {
    seconds,
    warmUpNote,
    brokerCores: (usedBy(pids) - brokerBefore) / seconds,
    loadCores: (usedBy([Deno.pid]) - loadBefore) / seconds,
  };
}

function usedBy(pids: readonly number[]): number {
  return cpuSecondsOf(pids) ?? NaN;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
