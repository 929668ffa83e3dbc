import { assertEquals } from "@std/assert";
import { doubtedState } from "../cluster/topic_state.ts";
import { partitionStateOf } from "../cluster/topic_state_testing.ts";
import {
  electedState,
  type FollowersView,
  leaderlessState,
  nextInSync,
  uncleanlyElectedState,
} from "./isr.ts";

const ALL = partitionStateOf({ replicas: [1, 2, 3], isr: [1, 2, 3] });

function view(minInSync: number, leaving: number[], joining: number[]): FollowersView {
  return {
    minInSync,
    mustLeave: (id) => leaving.includes(id),
    mayJoin: (id) => joining.includes(id),
  };
}

Deno.test("nextInSync() keeps an ISR whose members are all in sync", () => {
  assertEquals(nextInSync(ALL, view(2, [], [1, 2, 3])), undefined);
  const two = { ...ALL, isr: [1, 3] };
  assertEquals(nextInSync(two, view(2, [2], [])), undefined);
});

Deno.test("nextInSync() drops members, but never the leader", () => {
  assertEquals(nextInSync(ALL, view(2, [3], [])), { isr: [1, 2], elr: [], joining: [] });
  assertEquals(nextInSync(ALL, view(1, [1, 2, 3], [])), { isr: [1], elr: [], joining: [] });
});

Deno.test("nextInSync() moves those that leave too small an ISR to the ELR (KIP-966)", () => {
  assertEquals(nextInSync(ALL, view(2, [2, 3], [])), { isr: [1], elr: [2, 3], joining: [] });
  const one = { ...ALL, isr: [1, 2] };
  assertEquals(nextInSync(one, view(2, [2], [])), { isr: [1], elr: [2], joining: [] });
});

Deno.test("nextInSync() empties the ELR with an ISR that is large enough", () => {
  const small = { ...ALL, isr: [1], elr: [2, 3] };
  assertEquals(nextInSync(small, view(2, [], [2])), { isr: [1, 2], elr: [], joining: [2] });
  assertEquals(nextInSync(small, view(3, [], [2])), { isr: [1, 2], elr: [3], joining: [2] });
  // The setting was lowered.
  assertEquals(nextInSync(small, view(1, [], [])), { isr: [1], elr: [], joining: [] });
  assertEquals(nextInSync(small, view(2, [], [])), undefined);
});

Deno.test("nextInSync() lets some leave while others join, in the order of the replicas", () => {
  const state = { ...ALL, leaderId: 2, isr: [2, 3] };
  assertEquals(nextInSync(state, view(2, [3], [1])), { isr: [1, 2], elr: [], joining: [1] });
});

Deno.test("electedState() begins an epoch of a process with the live members only", () => {
  const live = (ids: number[]) => ({ minInSync: 2, isLive: (id: number) => ids.includes(id) });
  const two = electedState(ALL, { id: 2, incarnation: "b" }, live([2, 3]));
  assertEquals(two, {
    ...ALL,
    leaderId: 2,
    leaderEpoch: 1,
    leaderIncarnation: "b",
    isr: [2, 3],
    elr: [],
  });
  const one = electedState(two, { id: 3, incarnation: "c" }, live([3]));
  assertEquals([one.leaderEpoch, one.isr, one.elr], [2, [3], [2]]);
  // From the ELR: the ISR is empty.
  const none = leaderlessState(one);
  assertEquals([none.leaderId, none.isr, none.elr], [-1, [], [2, 3]]);
  const again = electedState(none, { id: 2, incarnation: "d" }, live([1, 2]));
  assertEquals([again.leaderId, again.isr, again.elr], [2, [2], [3]]);
});

Deno.test("uncleanlyElectedState() notes the epoch before which records may be lost", () => {
  const state = { ...ALL, leaderEpoch: 4, isr: [1], elr: [2] };
  const elected = uncleanlyElectedState(state, { id: 3, incarnation: "c" });
  assertEquals([elected.leaderId, elected.isr, elected.elr], [3, [3], []]);
  assertEquals([elected.leaderEpoch, elected.uncleanEpoch], [5, 5]);
});

Deno.test("doubtedState() takes a replica out of ISR and ELR", () => {
  const state = { ...ALL, isr: [1, 2], elr: [3] };
  assertEquals(doubtedState(state, 2)?.isr, [1]);
  assertEquals(doubtedState(state, 3)?.elr, []);
  assertEquals(doubtedState({ ...state, elr: [] }, 3), undefined);
});
