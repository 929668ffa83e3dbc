/**
 * What one run of a scenario found.
 *
 * @module
 */

import type { Window } from "./window.ts";

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

/** Who was busy in a window: if the load was and the broker was not, the broker can do more. */
export function describeUsage({ brokerCores, loadCores }: Window): string {
  const broker = Number.isNaN(brokerCores) ? "" : `broker ${percent(brokerCores)}, `;
  return `${broker}load ${percent(loadCores)} of a core`;
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}
