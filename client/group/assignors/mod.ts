/**
 * The built-in assignors. `range.ts` and `round_robin.ts` depend only on members and partitions;
 * `sticky.ts` and `cooperative_sticky.ts` preserve existing assignments.
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

/** Resolves names to assignors. @throws {UsageError} If a name is unknown. */
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
      `Cannot use assignor "${assignor}": it must be one of ${
        [...ASSIGNORS.keys()].join(", ")
      }, or give one`,
    );
  });
  const names = new Set(resolved.map(({ name }) => name));
  if (names.size === resolved.length) return resolved;
  throw new UsageError('Cannot use "assignors": two of them have the same name');
}
