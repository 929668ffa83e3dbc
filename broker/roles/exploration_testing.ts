/**
 * Searches everything that can happen in a model, breadth first.
 *
 * @module
 */

/** A step that is possible, and where it leads. */
export interface Step<World> {
  readonly what: string;
  readonly world: World;
  /** The promise that it breaks. */
  readonly problem: string | undefined;
}

/** What can be searched. */
export interface Explorable<World> {
  /** How it begins. */
  begin(): World;
  /** Everything that can happen next. */
  steps(world: World): Iterable<Step<World>>;
  /** Identifies a world. */
  keyOf(world: World): string;
  /** What is wrong with a world in which nothing more happens. */
  stuck(world: World): string | undefined;
}

/** What was found. */
export interface Found {
  readonly states: number;
  readonly isComplete: boolean;
  /** The broken promise, and the steps to it. */
  readonly violation: { readonly problem: string; readonly steps: readonly string[] } | undefined;
}

interface Reached<World> {
  world: World | undefined;
  readonly key: string;
  readonly from: number;
  readonly what: string;
}

/**
 * Explores what can happen, until a promise is broken.
 *
 * @param maxStates Stops after so many states.
 */
export function explore<World>(model: Explorable<World>, maxStates: number): Found {
  const first = model.begin();
  const firstKey = model.keyOf(first);
  const seen = new Set([firstKey]);
  const reached: Reached<World>[] = [{ world: first, key: firstKey, from: -1, what: "begin" }];
  const violation = (problem: string, last: number, more: readonly string[]): Found => {
    const steps = [...more];
    for (let at = last; at > 0; at = reached[at]!.from) steps.unshift(reached[at]!.what);
    return { states: seen.size, isComplete: false, violation: { problem, steps } };
  };
  for (let at = 0; at < reached.length; at++) {
    if (seen.size > maxStates) {
      return { states: seen.size, isComplete: false, violation: undefined };
    }
    const { world, key } = reached[at]!;
    let isOver = true;
    for (const { what, world: next, problem } of model.steps(world!)) {
      if (problem !== undefined) return violation(problem, at, [what]);
      const nextKey = model.keyOf(next);
      if (nextKey !== key) isOver = false;
      if (seen.has(nextKey)) continue;
      seen.add(nextKey);
      reached.push({ world: next, key: nextKey, from: at, what });
    }
    const problem = isOver ? model.stuck(world!) : undefined;
    if (problem !== undefined) return violation(problem, at, []);
    // Only the way here is needed from now on.
    reached[at]!.world = undefined;
  }
  return { states: seen.size, isComplete: true, violation: undefined };
}
