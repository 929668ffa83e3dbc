/**
 * The assignors that come with the SDK. `range.ts` and `round_robin.ts` look at nothing but members and
 * partitions; `sticky.ts` and `cooperative_sticky.ts` keep what members have.
 *
 * @module
 */

import type { Assignor, AssignorName } from "../assignor.ts";
import { UsageError } from "../../errors.ts";
import { cooperativeSticky } from "./cooperative_sticky.ts";
import { range } from "./range.ts";
import { kafkajsRoundRobin, roundRobin } from "./round_robin.ts";
import { sticky } from "./sticky.ts";

const ASSIGNORS: ReadonlyMap<string, Assignor> = new Map(
  [range, roundRobin, sticky, cooperativeSticky, kafkajsRoundRobin].map((assignor) => [
    assignor.name,
    assignor,
  ]),
);

/** The assignors that are named or given. @throws {UsageError} If there is none of a name. */
export function resolveAssignors(
  assignors: readonly (AssignorName | Assignor)[],
): readonly Assignor[] {
  if (assignors.length === 0) {
    throw new UsageError('Cannot use "assignors": it is empty, at least one is needed');
  }
  const resolved = assignors.map((assignor) => {
    if (typeof assignor !== "string") return assignor;
    const known = ASSIGNORS.get(assignor);
    if (known !== undefined) return known;
    throw new UsageError(
      `Cannot use assignor "${assignor}": choose of ${
        [...ASSIGNORS.keys()].join(", ")
      }, or give one`,
    );
  });
  const names = new Set(resolved.map(({ name }) => name));
  if (names.size === resolved.length) return resolved;
  throw new UsageError('Cannot use "assignors": two of them have the same name');
}
