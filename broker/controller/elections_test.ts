import { assertEquals } from "@std/assert";
import type { BrokerInfo } from "../cluster/brokers_view.ts";
import {
  candidates,
  canShutDown,
  type ElectionView,
  neededElections,
  preferredElections,
} from "./elections.ts";
import type { PartitionState, TopicState } from "../cluster/topic_state.ts";
import { partitionStateOf } from "../cluster/topic_state_testing.ts";

interface BrokersOptions {
  readonly draining?: readonly number[];
  /** Draining brokers that are about to stop. */
  readonly stopping?: readonly number[];
  /** The brokers whose process is a new one. */
  readonly restarted?: readonly number[];
  readonly crashed?: readonly number[];
  readonly minInSync?: number;
}

/** Brokers are registered at revision 100; their process is the elected one unless they restarted. */
function view(live: readonly number[], options: BrokersOptions = {}): ElectionView {
  const { draining = [], stopping = [], restarted = [], crashed = [], minInSync = 2 } = options;
  const brokers = live.map((id): BrokerInfo => ({
    id,
    host: "test",
    port: id,
    endpoints: [],
    interBrokerListener: "PLAINTEXT",
    rack: null,
    epoch: 100,
    incarnation: restarted.includes(id) ? `new-${id}` : `old-${id}`,
    session: undefined,
    hasCrashed: crashed.includes(id),
  }));
  return {
    broker: (wanted) => brokers.find(({ id }) => id === wanted),
    isDraining: (id) => draining.includes(id) || stopping.includes(id),
    isStopping: (id) => stopping.includes(id),
    minInSync: (_, { replicas }) => Math.min(minInSync, replicas.length),
  };
}

/** A partition of three replicas that broker 1 leads. */
function three(given: Partial<PartitionState> = {}): PartitionState {
  return partitionStateOf({ replicas: [1, 2, 3], leaderIncarnation: "old-1", ...given });
}

function topicOf(name: string, ...partitions: PartitionState[]): TopicState {
  return { name, id: name, partitions, configs: new Map(), incarnations: [], revision: 1 };
}

/** The new state of a partition; undefined if no election is needed. */
function next(state: PartitionState, of: ElectionView) {
  const [election] = neededElections([topicOf("a", state)], of);
  if (election === undefined) return undefined;
  const { leaderId, leaderEpoch, leaderIncarnation, isr, elr } = election.next;
  return { leaderId, leaderEpoch, leaderIncarnation, isr, elr };
}

Deno.test("neededElections() keeps a leader whose process is registered", () => {
  assertEquals(next(three(), view([1, 2, 3])), undefined);
  assertEquals(next(three(), view([1])), undefined);
  // Its registration is newer than the state, its process is the same.
  assertEquals(next(three({ revision: 7 }), view([1, 2, 3])), undefined);
});

Deno.test("neededElections() elects the first live replica of the ISR, at the next epoch", () => {
  const elected = { leaderEpoch: 1, elr: [] };
  assertEquals(next(three(), view([2, 3])), {
    ...elected,
    leaderId: 2,
    leaderIncarnation: "old-2",
    isr: [2, 3],
  });
  const state = three({ replicas: [3, 1, 2], isr: [1, 2, 3] });
  assertEquals(next(state, view([2, 3]))!.leaderId, 3);
  assertEquals(next(three({ isr: [1, 3] }), view([2, 3], { minInSync: 1 })), {
    ...elected,
    leaderId: 3,
    leaderIncarnation: "old-3",
    isr: [3],
  });
});

Deno.test("neededElections() elects a member of the ELR if none of the ISR is live (KIP-966)", () => {
  const state = three({ isr: [1], elr: [2, 3] });
  assertEquals(next(state, view([3])), {
    leaderId: 3,
    leaderEpoch: 1,
    leaderIncarnation: "old-3",
    isr: [3],
    elr: [2, 1],
  });
  assertEquals(next(three({ isr: [1, 2], elr: [3] }), view([2, 3]))!.leaderId, 2);
});

Deno.test("neededElections() elects nobody who may lack committed records", () => {
  assertEquals(next(three({ isr: [1] }), view([2, 3])), undefined);
  assertEquals(next(three({ isr: [1], elr: [2] }), view([3])), undefined);
  assertEquals(next(three({ isr: [1, 2] }), view([])), undefined);
});

Deno.test("neededElections() elects a restarted leader at a new epoch, after others", () => {
  const restarted = view([1, 2, 3], { restarted: [1] });
  assertEquals(next(three(), restarted), {
    leaderId: 1,
    leaderEpoch: 1,
    leaderIncarnation: "new-1",
    isr: [1, 2, 3],
    elr: [],
  });
  assertEquals(next(three({ isr: [1] }), restarted)!.leaderIncarnation, "new-1");
  assertEquals(next(three({ isr: [2, 3] }), restarted)!.leaderId, 2);
});

Deno.test("neededElections() gives a partition without a leader one as soon as it can", () => {
  const state = three({ leaderId: -1, leaderIncarnation: undefined, isr: [], elr: [1, 3] });
  assertEquals(next(state, view([2])), undefined);
  assertEquals(next(state, view([2, 3]))!.leaderId, 3);
});

Deno.test("neededElections() elects draining brokers last, and moves what they lead", async (t) => {
  await t.step("another leads", () => {
    assertEquals(next(three(), view([1, 2, 3], { draining: [1] }))!.leaderId, 2);
    assertEquals(next(three(), view([2, 3], { draining: [2] }))!.leaderId, 3);
  });
  await t.step("the ELR is better", () => {
    const state = three({ isr: [1], elr: [2] });
    assertEquals(next(state, view([1, 2], { draining: [1] }))!.leaderId, 2);
  });
  await t.step("no other can", () => {
    assertEquals(next(three({ isr: [1] }), view([1, 2, 3], { draining: [1] })), undefined);
    assertEquals(next(three({ isr: [2] }), view([2, 3], { draining: [2] }))!.leaderId, 2);
    assertEquals(next(three(), view([1, 2, 3], { draining: [1, 2, 3] })), undefined);
  });
});

Deno.test("neededElections() lets new leaders do without brokers that are about to stop (KIP-841)", async (t) => {
  await t.step("what it leads", () => {
    const elected = { leaderId: 2, leaderEpoch: 1, leaderIncarnation: "old-2" };
    assertEquals(next(three(), view([1, 2, 3], { stopping: [1] })), {
      ...elected,
      isr: [2, 3],
      elr: [],
    });
    // One that drains to stay continues to follow.
    assertEquals(next(three(), view([1, 2, 3], { draining: [1] }))!.isr, [1, 2, 3]);
  });
  await t.step("what it can lead next if too few remain", () => {
    const { isr, elr } = next(three({ isr: [1, 2] }), view([1, 2], { stopping: [1] }))!;
    assertEquals({ isr, elr }, { isr: [2], elr: [1] });
  });
  await t.step("unless nobody else can lead", () => {
    const { leaderId, isr } = next(three({ isr: [2] }), view([2, 3], { stopping: [2] }))!;
    assertEquals({ leaderId, isr }, { leaderId: 2, isr: [2] });
  });
});

Deno.test("neededElections() moves a partition whose leader has no replica any more", () => {
  const state = three({ replicas: [2, 3], isr: [2, 3] });
  assertEquals(next(state, view([1, 2, 3]))!.leaderId, 2);
});

Deno.test("neededElections() of a single replica gives a crashed leader a new epoch, once", () => {
  const crashed = view([1], { restarted: [1], crashed: [1] });
  const single = partitionStateOf({ revision: 5 });
  assertEquals(next(single, crashed), {
    leaderId: 1,
    leaderEpoch: 1,
    leaderIncarnation: undefined,
    isr: [1],
    elr: [],
  });
  assertEquals(next({ ...single, revision: 101 }, crashed), undefined);
  assertEquals(next(single, view([1], { restarted: [1] })), undefined);
  assertEquals(next(single, view([])), undefined);
});

Deno.test("neededElections() begins with internal topics", () => {
  const topics = [topicOf("a", three()), topicOf("__consumer_offsets", three(), three())];
  const elections = [...neededElections(topics, view([2, 3]))];
  assertEquals(
    elections.map(({ topic, index }) => `${topic.name}-${index}`),
    ["__consumer_offsets-0", "__consumer_offsets-1", "a-0"],
  );
});

Deno.test("candidates() ranks the ISR before the ELR, and draining brokers last", () => {
  const state = partitionStateOf({ replicas: [1, 2, 3, 4, 5], isr: [4, 3], elr: [2, 1] });
  const ids = (of: ElectionView) => candidates(state, of).map(({ id }) => id);
  assertEquals(ids(view([1, 2, 3, 4, 5])), [3, 4, 1, 2]);
  assertEquals(ids(view([1, 2, 3, 4], { draining: [3, 1] })), [4, 2, 3, 1]);
});

Deno.test("canShutDown() waits until others lead, and leaders do without the broker", () => {
  const check = (state: PartitionState, of: ElectionView) =>
    canShutDown([topicOf("a", state)], 1, of);
  const stopping = view([1, 2, 3], { draining: [1] });
  assertEquals(check(three(), stopping), false);
  const led = three({ leaderId: 2, leaderIncarnation: "old-2" });
  assertEquals(check(led, stopping), false);
  assertEquals(check({ ...led, isr: [2, 3] }, stopping), true);
  // Nobody else can lead, or waits for it.
  assertEquals(check(three({ isr: [1] }), stopping), true);
  assertEquals(check(three({ isr: [1, 2, 3] }), view([1], { draining: [1] })), true);
  assertEquals(check({ ...led, isr: [1, 2] }, view([1, 3], { draining: [1] })), true);
  assertEquals(check(partitionStateOf(), stopping), true);
  assertEquals(check(three({ replicas: [2, 3], leaderId: 2, isr: [2, 3] }), stopping), true);
});

Deno.test("preferredElections() elect preferred leaders that are in sync and do not drain", () => {
  const elected = (state: PartitionState, of: ElectionView) =>
    [...preferredElections([topicOf("a", state)], of)].map(({ next }) => next.leaderId);
  const led = three({ leaderId: 2, leaderIncarnation: "old-2" });
  assertEquals(elected(led, view([1, 2, 3])), [1]);
  assertEquals(elected(three(), view([1, 2, 3])), [], "it leads");
  assertEquals(elected({ ...led, isr: [2, 3] }, view([1, 2, 3])), [], "not in sync");
  assertEquals(elected(led, view([2, 3])), [], "not registered");
  assertEquals(elected(led, view([1, 2, 3], { draining: [1] })), []);
  assertEquals(elected(led, view([1, 2, 3], { stopping: [1] })), []);
  // Without a leader another election is needed.
  assertEquals(elected(led, view([1, 3])), []);
});
