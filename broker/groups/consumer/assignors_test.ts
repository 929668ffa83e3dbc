import { assert, assertEquals } from "@std/assert";
import { Random } from "../../../protocol/random_testing.ts";
import { type Assignment, NOTHING, sizeOf } from "./assignment.ts";
import type { Assign, AssignorMember } from "./assignor.ts";
import { ASSIGNORS } from "./assignors.ts";

function member(
  memberId: string,
  topicIds: readonly string[],
  target: Assignment = NOTHING,
  instanceId: string | null = null,
): AssignorMember {
  return { memberId, instanceId, topicIds, target };
}

/** Each member's assignment, as `topic:partitions`. */
function show(assignments: Map<string, Assignment>): Record<string, string> {
  return Object.fromEntries(
    [...assignments].map(([memberId, assignment]) => [
      memberId,
      [...assignment].sort().map(([id, partitions]) => `${id}:${partitions.join("")}`).join(" "),
    ]),
  );
}

/** Assigns again, with the previous assignments as targets. */
function again(
  assign: Assign,
  before: Map<string, Assignment>,
  memberIds: readonly string[],
  counts: Readonly<Record<string, number>>,
): Map<string, Assignment> {
  const topics = Object.keys(counts);
  const members = memberIds.map((id) => member(id, topics, before.get(id) ?? NOTHING));
  return assign(members, (topic) => counts[topic]!);
}

Deno.test("assignRange() assigns each member a range of every topic", () => {
  const members = ["c", "a", "b"].map((id) => member(id, ["t", "u"]));
  const assigned = ASSIGNORS.range!(members, (topic) => topic === "t" ? 7 : 2);
  assertEquals(show(assigned), { a: "t:012 u:0", b: "t:34 u:1", c: "t:56" });
});

Deno.test("assignRange() puts static members first, by instance id, whatever their member id", () => {
  const members = [
    member("z", ["t"], NOTHING, "1"),
    member("a", ["t"]),
    member("y", ["t"], NOTHING, "2"),
  ];
  const assigned = ASSIGNORS.range!(members, () => 3);
  assertEquals(show(assigned), { z: "t:0", y: "t:1", a: "t:2" });
});

Deno.test("assignRange() considers only the subscribers of each topic", () => {
  const members = [member("a", ["t", "u"]), member("b", ["t"]), member("c", ["u"])];
  const assigned = ASSIGNORS.range!(members, () => 4);
  assertEquals(show(assigned), { a: "t:01 u:01", b: "t:23", c: "u:23" });
});

Deno.test("assignUniform() keeps assignments and moves as few partitions as possible", () => {
  const { uniform } = ASSIGNORS;
  const counts = { t: 4, u: 3 };
  const one = again(uniform!, new Map(), ["a"], counts);
  assertEquals(show(one), { a: "t:0123 u:012" });
  const two = again(uniform!, one, ["a", "b"], counts);
  assertEquals([...two.values()].map(sizeOf), [4, 3]);
  const three = again(uniform!, two, ["a", "b", "c"], counts);
  assertEquals([...three.values()].map(sizeOf).sort(), [2, 2, 3]);
  assertEquals(moved(two, three), sizeOf(three.get("c")!), "only to the new member");
  const left = again(uniform!, three, ["a", "c"], counts);
  assertEquals(moved(three, left), sizeOf(three.get("b")!), "only from the one that left");
  const grown = again(uniform!, left, ["a", "c"], { t: 6, u: 3 });
  assertEquals(moved(left, grown), 2, "only what is new");
});

Deno.test("assignUniform() balances members with different subscriptions as far as possible", () => {
  const members = [
    member("a", ["t", "u"], new Map([["t", [0, 1, 2, 3]], ["u", [0, 1]]])),
    member("b", ["t"]),
    member("c", ["u"]),
  ];
  const assigned = ASSIGNORS.uniform!(members, (topic) => topic === "t" ? 4 : 2);
  const [a, b, c] = ["a", "b", "c"].map((id) => sizeOf(assigned.get(id)!)) as [
    number,
    number,
    number,
  ];
  assertEquals(a + b + c, 6);
  assert(Math.abs(a - b) <= 1, `the readers of t have ${a} and ${b}`);
  assert(Math.abs(a - c) <= 1, `the readers of u have ${a} and ${c}`);
});

Deno.test("assignUniform() leaves members without partitions if there are too few", () => {
  const members = ["a", "b", "c"].map((id) => member(id, ["t"]));
  const assigned = ASSIGNORS.uniform!(members, () => 2);
  assertEquals([...assigned.values()].map(sizeOf).sort(), [0, 1, 1]);
});

Deno.test("ASSIGNORS assign every partition once, to a subscriber", async (t) => {
  for (const [name, assign] of Object.entries(ASSIGNORS)) {
    await t.step(name, () => {
      for (let seed = 0; seed < 200; seed++) check(assign, seed);
    });
  }
});

function check(assign: Assign, seed: number): void {
  const random = new Random(seed);
  const counts = new Map(
    Array.from({ length: 1 + random.below(5) }, (_, i) => [`t${i}`, 1 + random.below(8)]),
  );
  let assigned = new Map<string, Assignment>();
  for (let round = 0; round < 5; round++) {
    const members = Array.from({ length: 1 + random.below(6) }, () => `m${random.below(10)}`);
    const inputs = [...new Set(members)].map((id) =>
      member(
        id,
        [...counts.keys()].filter(() => random.chance(0.7)),
        assigned.get(id) ?? NOTHING,
      )
    );
    assigned = assign(inputs, (topic) => counts.get(topic)!);
    for (const [topic, count] of counts) {
      const readers = inputs.filter(({ topicIds }) => topicIds.includes(topic));
      const owned = inputs.flatMap(({ memberId }) => [...assigned.get(memberId)!.get(topic) ?? []]);
      const expected = readers.length === 0 ? [] : Array.from({ length: count }, (_, i) => i);
      assertEquals(owned.sort((a, b) => a - b), expected, `seed ${seed}, round ${round}, ${topic}`);
      for (const { memberId, topicIds } of inputs) {
        assert(topicIds.includes(topic) || !assigned.get(memberId)!.has(topic));
      }
    }
  }
}

/** The number of partitions that changed their owner. */
function moved(before: Map<string, Assignment>, after: Map<string, Assignment>): number {
  let count = 0;
  for (const [memberId, assignment] of after) {
    for (const [topic, partitions] of assignment) {
      const had = before.get(memberId)?.get(topic) ?? [];
      count += partitions.filter((partition) => !had.includes(partition)).length;
    }
  }
  return count;
}
