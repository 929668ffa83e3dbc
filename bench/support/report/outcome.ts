/**
 * The outcome of one run of a scenario.
 *
 * @module
 */

import type { Window } from "../load/window.ts";

/** The name of the figure of processor time. */
export const COST = "processor time";

/** One number of a run. */
export interface Figure {
  /** Which figure of the scenario it is, such as `p99`; empty if there is only one. */
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
 * Describes how busy broker and load were in a window, and how long the broker was warmed up. If only the
 * load was busy, the broker can do more.
 */
export function describeUsage({ brokerCores, loadCores, warmUpNote }: Window): string {
  const broker = Number.isNaN(brokerCores) ? "" : `broker ${percent(brokerCores)}, `;
  const warmUp = warmUpNote === undefined ? "" : `, ${warmUpNote}`;
  return `${broker}load ${percent(loadCores)} of a core${warmUp}`;
}

/**
 * Returns the broker's processor time for each unit of work; nothing if not known. It depends less than the
 * rate on other work of the machine, and on whether the load was the bottleneck.
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
