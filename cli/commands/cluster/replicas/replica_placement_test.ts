import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { TopicDescription } from "../../../../client/mod.ts";
import { CommandError } from "../../../errors.ts";
import {
  partitionsOf,
  type PlacementView,
  planLeadersAway,
  planReplicaCount,
  planSpread,
  planWithoutBroker,
} from "./replica_placement.ts";

/** A topic with these replicas, each led by the first and in sync. */
function topic(name: string, ...replicas: number[][]): TopicDescription {
  return {
    name,
    id: name,
    isInternal: false,
    partitions: replicas.map((ids, partition) => ({
      partition,
      leaderId: ids[0]!,
      leaderEpoch: 0,
      replicas: ids,
      isr: ids,
      offlineReplicas: [],
    })),
  };
}

/** A view with brokers 1, 2 and so on, in these racks. */
function view(topics: TopicDescription[], ...racks: (string | null)[]): PlacementView {
  const brokers = racks.map((rack, i) => ({ id: i + 1, host: "h", port: 9092 + i, rack }));
  return { brokers, topics, draining: new Set() };
}

const NO_RACKS = [null, null, null, null];

/** The replicas of all partitions of a topic after moves. */
function after(
  { name, partitions }: TopicDescription,
  moves: readonly { topic: string; partition: number; to: readonly number[] }[],
): number[][] {
  return partitions.map(({ partition, replicas }) => {
    const move = moves.find((each) => each.topic === name && each.partition === partition);
    return [...(move?.to ?? replicas)];
  });
}

function counts(replicas: readonly (readonly number[])[], ids: readonly number[]) {
  return {
    replicas: ids.map((id) => replicas.flat().filter((each) => each === id).length),
    leaders: ids.map((id) => replicas.filter(([first]) => first === id).length),
  };
}

Deno.test("planReplicaCount() adds replicas where there are the fewest, and keeps the first", () => {
  const t = topic("t", [1], [1], [2], [2]);
  const grown = after(t, planReplicaCount(view([t], ...NO_RACKS), [t], 2));
  assertEquals(grown.map(([first]) => first), [1, 1, 2, 2]);
  assertEquals(counts(grown, [1, 2, 3, 4]).replicas, [2, 2, 2, 2]);
  assertEquals(planReplicaCount(view([t], ...NO_RACKS), [t], 1), []);
});

Deno.test("planReplicaCount() prefers other racks over fewer replicas", () => {
  const t = topic("t", [1], [1], [1]);
  const moves = planReplicaCount(view([t], "a", "a", "b"), [t], 2);
  assertEquals(after(t, moves), [[1, 3], [1, 3], [1, 3]]);
});

Deno.test("planReplicaCount() gives up replicas that are away, behind or in one rack", () => {
  const brokers = ["a", "a", "b", "c"];
  const gone = topic("gone", [1, 9, 3]);
  assertEquals(planReplicaCount(view([gone], ...brokers), [gone], 2)[0]!.to, [1, 3]);
  const behind = topic("behind", [1, 3, 4]);
  const state = { ...behind.partitions[0]!, isr: [1, 4] };
  const lagging = { ...behind, partitions: [state] };
  assertEquals(planReplicaCount(view([lagging], ...brokers), [lagging], 2)[0]!.to, [1, 4]);
  const double = topic("double", [1, 2, 3]);
  assertEquals(planReplicaCount(view([double], ...brokers), [double], 2)[0]!.to, [1, 3]);
});

Deno.test("planReplicaCount() refuses more replicas than brokers", () => {
  const t = topic("t", [1]);
  const error = "Cannot place 5 replicas: the cluster has 4 live brokers";
  assertThrows(() => planReplicaCount(view([t], ...NO_RACKS), [t], 5), CommandError, error);
});

Deno.test("planWithoutBroker() replaces a broker, also one that is gone, and its leaders by in-sync replicas", () => {
  const t = topic("t", [1, 2], [2, 3], [3, 1], [1]);
  const moved = after(t, planWithoutBroker(view([t], ...NO_RACKS), 1));
  assertEquals(moved.flat().includes(1), false);
  assertEquals(moved.map(({ length }) => length), [2, 2, 2, 1]);
  // Broker 2 has the records of the first, and can lead it at once.
  assertEquals([moved[0]![0], moved[1]], [2, [2, 3]]);
  const lost = topic("lost", [7, 1]);
  assertEquals(after(lost, planWithoutBroker(view([lost], ...NO_RACKS), 7))[0]![0], 1);
});

Deno.test("planWithoutBroker() refuses if all other brokers have a replica", () => {
  const t = topic("t", [1, 2]);
  assertThrows(
    () => planWithoutBroker(view([t], null, null), 1),
    CommandError,
    "Cannot move t-0 from broker 1: all other live brokers have a replica of it",
  );
});

Deno.test("planLeadersAway() makes a broker the last choice and spreads what it led", () => {
  const t = topic("t", [1, 2, 3], [1, 3, 2], [1, 2, 3], [2, 1, 3], [1]);
  const moved = after(t, planLeadersAway(view([t], ...NO_RACKS), 1));
  for (const replicas of moved.slice(0, 3)) assertEquals(replicas.at(-1), 1);
  assertEquals(moved[3], [2, 1, 3]);
  assertEquals(moved[4], [1]);
  const { leaders } = counts(moved.slice(0, 4), [2, 3]);
  assertEquals(leaders, [2, 2]);
});

Deno.test("planSpread() uses a new broker, evens out leaders, and moves no more than it must", () => {
  const t = topic("t", ...Array.from({ length: 12 }, (_, i) => [i % 3 + 1, (i + 1) % 3 + 1]));
  const brokers = view([t], ...NO_RACKS);
  const moves = planSpread(brokers, partitionsOf([t]), [1, 2, 3, 4]);
  const spread = after(t, moves);
  assertEquals(counts(spread, [1, 2, 3, 4]), { replicas: [6, 6, 6, 6], leaders: [3, 3, 3, 3] });
  const copies = moves.flatMap(({ from, to }) => to.filter((id) => !from.includes(id)));
  assertEquals(copies, new Array(6).fill(4));
  const settled = topic("t", ...spread);
  assertEquals(planSpread(view([settled], ...NO_RACKS), partitionsOf([settled]), [1, 2, 3, 4]), []);
});

Deno.test("planSpread() refuses unknown brokers, and fewer than there are replicas", () => {
  const t = topic("t", [1, 2]);
  const brokers = view([t], ...NO_RACKS);
  assertThrows(
    () => planSpread(brokers, partitionsOf([t]), [1, 9]),
    CommandError,
    "Cannot use broker 9: the live brokers are 1, 2, 3, 4",
  );
  assertThrows(
    () => planSpread(brokers, partitionsOf([t]), [3]),
    CommandError,
    "Cannot place 2 replicas of t-0: --to has 1 broker",
  );
});

Deno.test("Plans give nothing to brokers that are being drained", () => {
  const t = topic("t", [1], [2], [3]);
  const draining = { ...view([t], ...NO_RACKS), draining: new Set([4]) };
  const grown = after(t, planReplicaCount(draining, [t], 3));
  assertEquals(counts(grown, [1, 2, 3, 4]).replicas, [3, 3, 3, 0]);
  const error = assertThrows(() => planReplicaCount(draining, [t], 4), CommandError);
  assertStringIncludes(error.message, "3 live brokers besides 1 drained one");
  const emptied = after(t, planWithoutBroker(draining, 1));
  assertEquals(counts(emptied, [1, 4]).replicas, [0, 0]);
});
