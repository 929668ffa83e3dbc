import { assertEquals } from "@std/assert";
import { type Explorable, explore } from "./exploration_testing.ts";

interface Walk {
  readonly place: number;
  readonly isTired: boolean;
}

/** A walk from 0 to 3. */
function walk(wrongPlace: number, isOver: (place: number) => boolean): Explorable<Walk> {
  return {
    begin: () => ({ place: 0, isTired: false }),
    keyOf: ({ place }) => `${place}`,
    *steps({ place }) {
      yield { what: "rest", world: { place, isTired: true }, problem: undefined };
      if (place === 3) return;
      const next = place + 1;
      const problem = next === wrongPlace ? `${next} is wrong` : undefined;
      yield { what: `go to ${next}`, world: { place: next, isTired: false }, problem };
    },
    stuck: ({ place }) => isOver(place) ? undefined : `nothing happens at ${place}`,
  };
}

Deno.test("explore() finds the steps to a broken promise, and to where nothing more happens", () => {
  const all = explore(walk(-1, () => true), 10);
  assertEquals(all, { states: 4, isComplete: true, violation: undefined });
  assertEquals(explore(walk(-1, () => true), 2).isComplete, false);
  assertEquals(explore(walk(2, () => true), 10).violation, {
    problem: "2 is wrong",
    steps: ["go to 1", "go to 2"],
  });
  assertEquals(explore(walk(-1, () => false), 10).violation, {
    problem: "nothing happens at 3",
    steps: ["go to 1", "go to 2", "go to 3"],
  });
});
