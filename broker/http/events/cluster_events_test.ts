import { assert, assertEquals } from "@std/assert";
import { Cluster } from "../../mod.ts";
import { partsOf } from "../../broker.ts";
import { Client } from "../../../client/mod.ts";
import { ManualClock } from "../../time/clock.ts";
import type { ClusterChange, ClusterState, TopicState } from "../../cluster/cluster_state.ts";
import { within } from "../../../tests/support/within.ts";
import { ClusterEvents } from "./cluster_events.ts";

/** A cluster that the test changes. */
class FakeCluster {
  brokers: { id: number; epoch: number }[] = [{ id: 1, epoch: 5 }, { id: 2, epoch: 6 }];
  controllerId = 1;
  readonly clock = new ManualClock(1_000_000);
  readonly #listeners = new Set<(change: ClusterChange) => void>();
  readonly events: ClusterEvents = new ClusterEvents(
    this as unknown as ClusterState,
    this.clock,
  );

  onChange(listener: (change: ClusterChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  change(change: ClusterChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  texts(): string[] {
    return this.events.after(0).map(({ type, object, text, isWarning }) =>
      `${isWarning ? "! " : ""}${type} ${object}: ${text}`
    );
  }
}

function topic(partitions: Partial<TopicState["partitions"][number]>[], configs = {}): TopicState {
  return {
    name: "a",
    id: "x",
    configs: new Map(Object.entries(configs)),
    partitions: partitions.map((state) => ({
      leaderId: 1,
      leaderEpoch: 0,
      isr: [1, 2],
      uncleanEpoch: -1,
      ...state,
    })),
  } as unknown as TopicState;
}

Deno.test("ClusterEvents has brokers that come, go and register again, and the controller", () => {
  const cluster = new FakeCluster();
  cluster.brokers = [{ id: 1, epoch: 5 }];
  cluster.controllerId = -1;
  cluster.change({ type: "brokers" });
  cluster.brokers = [{ id: 1, epoch: 9 }, { id: 2, epoch: 8 }];
  cluster.controllerId = 2;
  cluster.change({ type: "brokers" });
  cluster.change({ type: "controller" });
  assertEquals(cluster.texts(), [
    "! controller cluster: There is no controller",
    "! broker broker 2: Left the cluster",
    "controller broker 2: Became the controller",
    "broker broker 1: Registered again",
    "broker broker 2: Registered",
  ]);
});

Deno.test("ClusterEvents has topics that are created, changed and deleted", () => {
  const cluster = new FakeCluster();
  const note = (before: TopicState | undefined, after: TopicState | undefined) =>
    cluster.change({ type: "topic", name: "a", before, after });
  const one = topic([{}], { "retention.ms": "1000", "cleanup.policy": "compact" });
  const two = topic([{}, {}], { "retention.ms": "2000" });
  note(undefined, one);
  note(one, two);
  note(two, two);
  note(two, undefined);
  assertEquals(cluster.texts(), [
    "topic a: Was created with 1 partition",
    "topic a: Got partitions: 1 → 2",
    "config a: retention.ms = 2000, cleanup.policy was reset",
    "topic a: Was deleted",
  ]);
});

Deno.test("ClusterEvents makes one event of partitions that change together, with a new number", () => {
  const cluster = new FakeCluster();
  const before = topic(Array.from({ length: 30 }, () => ({})));
  const note = (partition: number, state: Partial<TopicState["partitions"][number]>) =>
    cluster.change({
      type: "topic",
      name: "a",
      before,
      after: topic(before.partitions.map((other, i) => i === partition ? state : other)),
      partition,
    });
  note(0, { leaderId: 2, leaderEpoch: 1, isr: [2] });
  const { sequence } = cluster.events.after(0)[0]!;
  note(1, { leaderId: 2, leaderEpoch: 1, isr: [2] });
  assertEquals(cluster.events.after(sequence).length, 1, "those who saw the first see it again");
  note(2, { isr: [1] });
  note(2, { isr: [1, 2, 3] });
  note(3, { leaderId: 2, leaderEpoch: 1, uncleanEpoch: 1, isr: [2] });
  cluster.clock.advance(5000);
  note(4, { leaderId: 2, leaderEpoch: 1 });
  assertEquals(cluster.texts(), [
    "leader a: Leader of partition 0: 1 → 2; partition 1: 1 → 2",
    "! isr a: In-sync replicas of partition 2: 1,2 → 1",
    "isr a: In-sync replicas of partition 2: 1,2 → 1,2,3",
    "! leader a: Leader of partition 3: 1 → 2 (unclean: records may be lost)",
    "leader a: Leader of partition 4: 1 → 2",
  ]);
  for (let i = 0; i < 30; i++) note(i, { leaderId: 2, leaderEpoch: 1 });
  assert(cluster.texts().at(-1)!.endsWith("; and 10 more"), "names only some");
});

Deno.test("ClusterEvents keeps the last thousand", () => {
  const cluster = new FakeCluster();
  for (let i = 0; i < 1500; i++) {
    cluster.change({ type: "topic", name: `t${i}`, before: undefined, after: topic([{}]) });
  }
  assertEquals(cluster.events.after(0).length, 1000);
  assertEquals(cluster.events.after(1499).map(({ object }) => object), ["t1499"]);
});

Deno.test("ClusterEvents of a broker has what happens when another stops", async () => {
  await using cluster = await Cluster.start({ brokers: 2 });
  const { context } = partsOf(cluster.brokers[0]!);
  using events = new ClusterEvents(context.cluster, context.clock);
  await using client = new Client({ broker: cluster.brokers[0]! });
  await client.admin().createTopic({ name: "a", partitions: 4, replicas: 2 });
  await client.producer().send({ topic: "a", value: "x" });
  await cluster.stopBroker(2);
  await within(
    (async () => {
      while (
        !events.after(0).some(({ object, text }) =>
          `${object} ${text}` === "broker 2 Left the cluster"
        )
      ) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })(),
    "broker 2 to leave",
  );
  const types = new Set(events.after(0).map(({ type }) => type));
  assert(types.has("topic") && types.has("leader") && types.has("broker"), [...types].join());
});
