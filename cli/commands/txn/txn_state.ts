/**
 * States and times of transactions as words on the command line.
 *
 * @module
 */

import type { TransactionStateName } from "../../../client/mod.ts";
import { formatDuration } from "../../../client/text/duration.ts";
import type { Style } from "../../terminal/style.ts";

/** A state that can be given. */
type KnownState = Exclude<TransactionStateName, "Unknown">;

/** States as Kafka writes them; `Record` makes the compiler check that the list is complete. */
const STATES = Object.keys(
  {
    Empty: true,
    Ongoing: true,
    PrepareCommit: true,
    PrepareAbort: true,
    CompleteCommit: true,
    CompleteAbort: true,
    Dead: true,
    PrepareEpochFence: true,
  } satisfies Record<KnownState, true>,
) as readonly KnownState[];

/** Parses a state: `Ongoing`, `ongoing`, `prepare-commit`. */
export function parseTransactionState(text: string): KnownState {
  const wanted = text.replaceAll(/[-_]/g, "").toLowerCase();
  const found = STATES.find((each) => each.toLowerCase() === wanted);
  if (found !== undefined) return found;
  throw new RangeError(`Cannot read "${text}": expected one of ${STATES.join(", ")}`);
}

/** Colour of a state. */
export function paintTransactionState(
  { green, red, yellow, dim }: Style,
  state: TransactionStateName,
): (text: string) => string {
  switch (state) {
    case "Ongoing":
      return green;
    case "Empty":
    case "CompleteCommit":
    case "CompleteAbort":
      return dim;
    case "Dead":
    case "Unknown":
      return red;
    default:
      return yellow;
  }
}

/** A time as text: `2024-12-30T23:06:40.000Z`; null if there is none. */
export function timeText(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

/** How long something has lasted, to the second; null if it has not begun. */
export function ageText(sinceMs: number | undefined, nowMs: number): string | null {
  if (sinceMs === undefined) return null;
  return formatDuration(Math.max(0, Math.floor((nowMs - sinceMs) / 1000) * 1000), 2);
}
