/**
 * States and types of groups as words on the command line.
 *
 * @module
 */

import type { GroupState, GroupType } from "../../../client/mod.ts";
import type { Style } from "../../terminal/style.ts";

/** A state that can be given. */
type KnownGroupState = Exclude<GroupState, "Unknown">;
/** A type that can be given. */
type KnownGroupType = Exclude<GroupType, "unknown">;

/** States as Kafka writes them; `Record` makes the compiler check that the list is complete. */
const STATES = Object.keys(
  {
    Stable: true,
    Empty: true,
    PreparingRebalance: true,
    CompletingRebalance: true,
    Assigning: true,
    Reconciling: true,
    Dead: true,
  } satisfies Record<KnownGroupState, true>,
) as readonly KnownGroupState[];

const TYPES = Object.keys(
  { classic: true, consumer: true, share: true, streams: true } satisfies Record<
    KnownGroupType,
    true
  >,
) as readonly KnownGroupType[];

/** Parses a state: `Stable`, `stable`, `preparing-rebalance`. */
export function parseGroupState(text: string): KnownGroupState {
  return oneOf(STATES, text);
}

/** Parses a type: `classic`, `consumer`. */
export function parseGroupType(text: string): KnownGroupType {
  return oneOf(TYPES, text);
}

/** Colour of a state. */
export function paintState(
  { green, red, yellow, dim }: Style,
  state: GroupState,
): (text: string) => string {
  switch (state) {
    case "Stable":
      return green;
    case "Empty":
      return dim;
    case "Dead":
      return red;
    default:
      return yellow;
  }
}

function oneOf<T extends string>(all: readonly T[], text: string): T {
  const wanted = text.replaceAll(/[-_]/g, "").toLowerCase();
  const found = all.find((each) => each.toLowerCase() === wanted);
  if (found !== undefined) return found;
  throw new RangeError(`Cannot read "${text}": expected one of ${all.join(", ")}`);
}
