import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Assignor,
  type AssignorGroup,
  type AssignorMember,
  compareMembers,
  type GroupAssignments,
} from "../assignor.ts";
import { UsageError } from "../../errors.ts";
import type { TopicPartition } from "../../topic_partition.ts";
import { Random } from "../../../protocol/random_testing.ts";
import { cooperativeSticky } from "./cooperative_sticky.ts";
import { resolveAssignors } from "./mod.ts";
import { range } from "./range.ts";
import { kafkajsRoundRobin, roundRobin } from "./round_robin.ts";
import { sticky } from "./sticky.ts";

const ALL = [range, roundRobin, kafkajsRoundRobin, sticky, cooperativeSticky];

Deno.test("roundRobin assigns partitions in turn", () => {
  const group = groupOf({ a: 4 }, ["c1", "c2", "c3"]);
  assertEquals(numbers(roundRobin.assign(group)), { c1: [0, 3], c2: [1], c3: [2] });
});

Deno.test("roundRobin skips members that are not subscribed to the topic", () => {
  const group = {
    members: [member("c1", ["a"]), member("c2", ["a", "b"]), member("c3", ["b"])],
    partitionCounts: new Map([["b", 2], ["a", 3]]),
  };
  assertEquals(names(roundRobin.assign(group)), {
    c1: ["a-0", "a-2"],
    c2: ["a-1", "b-0"],
    c3: ["b-1"],
  });
});

Deno.test("range assigns ranges, the first members one more", () => {
  const group = groupOf({ a: 5, b: 2 }, ["c1", "c2", "c3"]);
  assertEquals(names(range.assign(group)), {
    c1: ["a-0", "a-1", "b-0"],
    c2: ["a-2", "a-3", "b-1"],
    c3: ["a-4"],
  });
});

Deno.test("assignors assign each partition to one subscribed member, evenly", async (t) => {
  for (const assignor of ALL) {
    await t.step(assignor.name, () => {
      for (let seed = 1; seed <= 50; seed++) {
        const random = new Random(seed);
        const pick = (max: number) => Math.floor(random.next() * max);
        const group = groupOf(
          { a: 1 + pick(12), b: 1 + pick(12) },
          Array.from({ length: 1 + pick(8) }, (_, i) => `m${i}`),
        );
        const assigned = assignor.assign(group);
        checkOnce(group, assigned, `${assignor.name}, seed ${seed}`);
        if (assignor === range) continue;
        const counts = [...assigned.values()].map(({ length }) => length);
        assert(Math.max(...counts) - Math.min(...counts) <= 1, `seed ${seed}: ${counts}`);
      }
    });
  }
});

Deno.test("assignors leave members without partitions on standby", () => {
  for (const assignor of ALL) {
    const assigned = assignor.assign(groupOf({ a: 1 }, ["c1", "c2"]));
    assertEquals(numbers(assigned), { c1: [0], c2: [] }, assignor.name);
  }
});

Deno.test("sticky preserves assignments from user data (KIP-54)", () => {
  const had = (partitions: readonly number[], generationId: number) =>
    sticky.userData!({ partitions: places("a", partitions), generationId });
  const group = {
    members: [
      { ...member("c1"), userData: had([3, 4, 5], 7) },
      { ...member("c2"), userData: had([0, 1, 2], 7) },
      member("c3"),
    ],
    partitionCounts: new Map([["a", 6]]),
  };
  const assigned = numbers(sticky.assign(group));
  assertEquals(assigned.c1!.length, 2);
  assert(assigned.c1!.every((partition) => partition >= 3));
  assert(assigned.c2!.every((partition) => partition <= 2));
  assertEquals(assigned.c3!.length, 2);
});

Deno.test("sticky trusts the later of two claims, and neither of two equal ones", () => {
  const had = (partitions: readonly number[], generationId: number) =>
    sticky.userData!({ partitions: places("a", partitions), generationId });
  const claimed = (first: number, second: number) =>
    numbers(sticky.assign({
      members: [
        { ...member("c1"), userData: had([1], first) },
        { ...member("c2"), userData: had([1], second) },
      ],
      partitionCounts: new Map([["a", 2]]),
    }));
  assertEquals(claimed(3, 2), { c1: [1], c2: [0] });
  assertEquals(claimed(2, 3), { c1: [0], c2: [1] });
  assertEquals(claimed(2, 2), { c1: [0], c2: [1] });
});

Deno.test("sticky ignores malformed user data", () => {
  const group = {
    members: [{ ...member("c1"), userData: new Uint8Array([0, 0, 9]) }, member("c2")],
    partitionCounts: new Map([["a", 2]]),
  };
  assertEquals(numbers(sticky.assign(group)), { c1: [0], c2: [1] });
});

Deno.test("sticky is even when members subscribe to different topics", () => {
  const group = {
    members: [member("c1", ["a"]), member("c2", ["a", "b"]), member("c3", ["b"])],
    partitionCounts: new Map([["a", 3], ["b", 3]]),
  };
  const assigned = sticky.assign(group);
  checkOnce(group, assigned, "mixed");
  assertEquals([...assigned.values()].map(({ length }) => length), [2, 2, 2]);
});

Deno.test("cooperativeSticky does not assign a moving partition until it is revoked (KIP-429)", () => {
  const first = {
    members: [
      { ...member("c1"), ownedPartitions: places("a", [0, 1, 2, 3]), generationId: 1 },
      member("c2"),
    ],
    partitionCounts: new Map([["a", 4]]),
  };
  const given = numbers(cooperativeSticky.assign(first));
  assertEquals(given.c1!.length, 2);
  assertEquals(given.c2, []);
  const second = {
    ...first,
    members: [
      { ...member("c1"), ownedPartitions: places("a", given.c1!), generationId: 2 },
      { ...member("c2"), generationId: 2 },
    ],
  };
  const end = numbers(cooperativeSticky.assign(second));
  assertEquals(end.c1, given.c1);
  assertEquals([...end.c1!, ...end.c2!].sort(), [0, 1, 2, 3]);
});

Deno.test("cooperativeSticky settles after a few rounds, without a partition owned twice", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const random = new Random(seed);
    const count = 1 + Math.floor(random.next() * 20);
    let owned = new Map<string, readonly TopicPartition[]>();
    for (let step = 0; step < 5; step++) {
      const ids = ["m0", "m1", "m2", "m3", "m4"].filter(() => random.next() < 0.6);
      if (ids.length === 0) continue;
      for (let round = 0;; round++) {
        assert(round < 4, `seed ${seed}: it does not settle`);
        const group = {
          members: ids.map((id) => ({
            ...member(id),
            ownedPartitions: owned.get(id) ?? [],
            generationId: step * 10 + round,
          })),
          partitionCounts: new Map([["a", count]]),
        };
        const assigned = cooperativeSticky.assign(group);
        const all = [...assigned.values()].flat();
        assertEquals(new Set(all.map(({ partition }) => partition)).size, all.length);
        for (const { memberId, ownedPartitions } of group.members) {
          // Nobody gets a partition that another has not revoked.
          for (const place of assigned.get(memberId)!) {
            const holder = group.members.find((other) => has(other.ownedPartitions, place));
            assert(holder === undefined || holder.memberId === memberId, `seed ${seed}`);
          }
          assertEquals(ownedPartitions.length, owned.get(memberId)?.length ?? 0);
        }
        const settled = ids.every((id) =>
          (owned.get(id) ?? []).every((place) => has(assigned.get(id)!, place))
        );
        owned = new Map(assigned);
        if (settled) {
          checkOnce(group, assigned, `seed ${seed}`);
          break;
        }
      }
    }
  }
});

Deno.test("compareMembers() sorts static members first, by instance id (KIP-345)", () => {
  const members = [
    member("b"),
    { ...member("z"), groupInstanceId: "i2" },
    member("a"),
    { ...member("y"), groupInstanceId: "i1" },
  ];
  assertEquals(members.sort(compareMembers).map(({ memberId }) => memberId), ["y", "z", "a", "b"]);
});

Deno.test("resolveAssignors() accepts names and assignors, and throws for other values", () => {
  const own: Assignor = { name: "own", assign: () => new Map() };
  assertEquals(resolveAssignors(["range", own]), [range, own]);
  assertThrows(() => resolveAssignors([]), UsageError, "empty");
  assertThrows(() => resolveAssignors(["rang" as "range"]), UsageError, '"rang"');
  assertThrows(
    () => resolveAssignors(["range", { ...own, name: "range" }]),
    UsageError,
    "same name",
  );
});

function member(memberId: string, topics: readonly string[] = ["a"]): AssignorMember {
  return {
    memberId,
    groupInstanceId: null,
    topics,
    ownedPartitions: [],
    generationId: -1,
    userData: null,
    rackId: null,
  };
}

function groupOf(counts: { [topic: string]: number }, ids: readonly string[]): AssignorGroup {
  return {
    members: ids.map((id) => member(id, Object.keys(counts))),
    partitionCounts: new Map(Object.entries(counts)),
  };
}

function places(topic: string, partitions: readonly number[]): TopicPartition[] {
  return partitions.map((partition) => ({ topic, partition }));
}

function has(list: readonly TopicPartition[], { topic, partition }: TopicPartition): boolean {
  return list.some((place) => place.topic === topic && place.partition === partition);
}

function checkOnce(group: AssignorGroup, assigned: GroupAssignments, label: string): void {
  const seen = new Set<string>();
  for (const { memberId, topics } of group.members) {
    for (const { topic, partition } of assigned.get(memberId) ?? []) {
      assert(topics.includes(topic), label);
      assert(!seen.has(`${topic}-${partition}`), `${label}: ${topic}-${partition} is given twice`);
      seen.add(`${topic}-${partition}`);
    }
  }
  let all = 0;
  for (const count of group.partitionCounts.values()) all += count;
  assertEquals(seen.size, all, label);
}

function numbers(assigned: GroupAssignments): { [memberId: string]: number[] } {
  return Object.fromEntries(
    Array.from(assigned, ([id, list]) => [id, list.map(({ partition }) => partition)]),
  );
}

function names(assigned: GroupAssignments): { [memberId: string]: string[] } {
  return Object.fromEntries(
    Array.from(assigned, ([id, list]) => [id, list.map((p) => `${p.topic}-${p.partition}`)]),
  );
}
