/**
 * What one run of a scenario found.
 *
 * @module
 */

import type { Window } from "../load/window.ts";

/** The name of the figure that is processor time. */
export const COST = "processor time";

/** One number of a run. */
export interface Figure {
  /** What it is of the scenario, such as `p99`; empty if that is clear. */
  readonly name: string;
  readonly unit: string;
  readonly better: "higher" | "lower";
  readonly value: number;
}

/** The numbers of a run, and more about it in words. */
export interface Outcome {
  readonly figures: readonly Figure[];
  readonly note: string;
}

/**
 * Who was busy in a window: if the load was and the broker was not, the broker can do more. Also how
 * long the broker was warmed up.
 */
export function describeUsage({ brokerCores, loadCores, warmUpNote }: Window): string {
  const broker = Number.isNaN(brokerCores) ? "" : `broker ${percent(brokerCores)}, `;
  const warmUp = warmUpNote === undefined ? "" : `, ${warmUpNote}`;
  return `${broker}load ${percent(loadCores)} of a core${warmUp}`;
}

/**
 * Processor time of the broker for each thing done: depends less on what else the machine does, and on
 * whether it was the load that was waited for. Nothing where it is not known.
 */
export function usagePer(what: string, count: number, { brokerCores, seconds }: Window): Figure[] {
  if (Number.isNaN(brokerCores) || count === 0) return [];
  const unit = `µs per ${what}`;
  const value = brokerCores * seconds * 1e6 / count;
  return [{ name: COST, unit, better: "lower", value }];
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}
