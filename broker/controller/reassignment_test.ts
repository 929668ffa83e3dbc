import { assertEquals } from "@std/assert";
import {
  cancelledState,
  completedState,
  isReassigning,
  originalReplicas,
  reassignedState,
  type ReassignmentView,
  targetReplicas,
} from "./reassignment.ts";
import { minInSync as minInSyncOf, type PartitionState } from "../cluster/topic_state.ts";

/** A state led by its first replica, with all in sync. */
function state(replicas: number[], changes: Partial<PartitionState> = {}): PartitionState {
  return {
    leaderId: replicas[0]!,
    leaderEpoch: 5,
    leaderIncarnation: `process-${replicas[0]}`,
    replicas,
    isr: replicas,
    elr: [],
    adding: [],
    removing: [],
    uncleanEpoch: -1,
    revision: 7,
    ...changes,
  };
}

function view(minInSync = 2, dead: number[] = []): ReassignmentView {
  return {
    minInSync: (state) => minInSyncOf(minInSync, state),
    isDraining: () => false,
    broker: (id) =>
      dead.includes(id) ? undefined : {
        id,
        host: "host",
        port: 9092,
        endpoints: [],
        interBrokerListener: "PLAINTEXT",
        rack: null,
        epoch: 1,
        incarnation: `process-${id}`,
        session: undefined,
        hasCrashed: false,
      },
  };
}

/** What matters of a state. */
function shown(state: PartitionState | undefined) {
  if (state === undefined) return undefined;
  const { leaderId, leaderEpoch, replicas, isr, elr, adding, removing } = state;
  return { leader: `${leaderId}@${leaderEpoch}`, replicas, isr, elr, adding, removing };
}

Deno.test("reassignedState() adds the new replicas to the old ones, and completedState() removes these", () => {
  const begun = reassignedState(state([1, 2, 3]), [4, 2, 5], view())!;
  assertEquals(shown(begun), {
    leader: "1@5",
    replicas: [4, 2, 5, 1, 3],
    isr: [1, 2, 3],
    elr: [],
    adding: [4, 5],
    removing: [1, 3],
  });
  assertEquals([targetReplicas(begun), originalReplicas(begun)], [[4, 2, 5], [2, 1, 3]]);
  // One of the new ones is in sync: not yet.
  assertEquals(completedState({ ...begun, isr: [1, 2, 3, 4] }, view()), undefined);
  const completed = completedState({ ...begun, isr: [4, 2, 5, 1, 3] }, view());
  assertEquals(shown(completed), {
    leader: "4@6",
    replicas: [4, 2, 5],
    isr: [4, 2, 5],
    elr: [],
    adding: [],
    removing: [],
  });
  assertEquals(completed!.leaderIncarnation, "process-4");
});

Deno.test("completedState() keeps a leader that stays, in a new epoch if others lose their replicas", () => {
  const grown = reassignedState(state([1, 2]), [1, 2, 3], view())!;
  const added = completedState({ ...grown, isr: [1, 2, 3] }, view());
  assertEquals(shown(added), {
    leader: "1@5",
    replicas: [1, 2, 3],
    isr: [1, 2, 3],
    elr: [],
    adding: [],
    removing: [],
  });
  const moved = reassignedState(state([1, 2]), [1, 3], view())!;
  const completed = completedState({ ...moved, isr: [1, 2, 3] }, view())!;
  assertEquals([completed.leaderId, completed.leaderEpoch, completed.leaderIncarnation], [
    1,
    6,
    "process-1",
  ]);
});

Deno.test("reassignedState() is complete at once if nothing has to be copied", () => {
  const fewer = reassignedState(state([1, 2, 3]), [3, 2], view())!;
  assertEquals(shown(fewer), {
    leader: "3@6",
    replicas: [3, 2],
    isr: [3, 2],
    elr: [],
    adding: [],
    removing: [],
  });
  const reordered = reassignedState(state([1, 2, 3]), [2, 3, 1], view())!;
  assertEquals([isReassigning(reordered), reordered.leaderId, reordered.leaderEpoch], [
    false,
    1,
    5,
  ]);
  assertEquals(reordered.replicas, [2, 3, 1]);
});

Deno.test("completedState() waits until the target has enough in-sync replicas", () => {
  // Replica 3 is behind: with it and broker 1 gone, only 2 would have what is committed.
  const begun = reassignedState(state([1, 2, 3], { isr: [1, 2] }), [2, 3], view())!;
  assertEquals(isReassigning(begun), true);
  assertEquals(completedState(begun, view()), undefined);
  assertEquals(completedState({ ...begun, isr: [1, 2, 3] }, view())!.isr, [2, 3]);
  // With min.insync.replicas=1 it is enough.
  assertEquals(reassignedState(state([1, 2, 3], { isr: [1, 2] }), [2, 3], view(1))!.isr, [2]);
});

Deno.test("completedState() elects a live in-sync replica, and waits if there is none", () => {
  const begun = reassignedState(state([1, 2]), [3, 4], view())!;
  const ready = { ...begun, isr: [1, 2, 3, 4] };
  const elected = completedState(ready, view(2, [3]))!;
  assertEquals([elected.leaderId, elected.isr, elected.elr], [4, [4], [3]]);
  assertEquals(completedState(ready, view(2, [3, 4])), undefined);
});

Deno.test("cancelledState() returns to the old replicas, and to one of them as leader", () => {
  const begun = reassignedState(state([1, 2, 3]), [4, 2, 3], view())!;
  assertEquals(shown(cancelledState(begun, view())), {
    leader: "1@5",
    replicas: [2, 3, 1],
    isr: [1, 2, 3],
    elr: [],
    adding: [],
    removing: [],
  });
  const led = { ...begun, leaderId: 4, isr: [4, 2], elr: [] };
  const cancelled = cancelledState(led, view())!;
  assertEquals([cancelled.leaderId, cancelled.leaderEpoch, cancelled.isr], [2, 6, [2]]);
  // Only the replica that was added has everything.
  assertEquals(cancelledState({ ...led, isr: [4] }, view()), undefined);
});

Deno.test("reassignedState() replaces a reassignment that is in progress", () => {
  const first = reassignedState(state([1, 2, 3]), [4, 2, 3], view())!;
  const second = reassignedState({ ...first, isr: [1, 2, 3, 4] }, [5, 2, 3], view())!;
  assertEquals(shown(second), {
    leader: "1@6",
    replicas: [5, 2, 3, 1],
    isr: [1, 2, 3],
    elr: [],
    adding: [5],
    removing: [1],
  });
  const back = reassignedState(second, [1, 2, 3], view())!;
  assertEquals([isReassigning(back), back.replicas], [false, [1, 2, 3]]);
});

Deno.test("reassignedState() of a partition without a leader keeps those that may be elected", () => {
  const leaderless = state([1, 2], { leaderId: -1, isr: [], elr: [1, 2] });
  const begun = reassignedState(leaderless, [3, 2], view())!;
  assertEquals([begun.leaderId, begun.elr, begun.adding, begun.removing], [-1, [1, 2], [3], [1]]);
  assertEquals(completedState(begun, view()), undefined);
});

Deno.test("reassignedState() names the process that leads when a single replica gets others", () => {
  const single = state([1], { leaderIncarnation: undefined });
  const begun = reassignedState(single, [2, 1], view())!;
  assertEquals([begun.leaderId, begun.leaderEpoch, begun.leaderIncarnation], [1, 6, "process-1"]);
  assertEquals([begun.isr, begun.adding], [[1], [2]]);
  // What is only being added does not raise the number of in-sync replicas that a commit needs.
  assertEquals(view().minInSync(begun), 1);
  const moved = completedState({ ...reassignedState(single, [2], view())!, isr: [1, 2] }, view())!;
  assertEquals([moved.leaderId, moved.leaderIncarnation, moved.replicas, moved.isr], [
    2,
    "process-2",
    [2],
    [2],
  ]);
  // While its broker is away, nobody can be named: it is elected when it is back.
  const away = reassignedState(single, [1, 2], view(2, [1]))!;
  assertEquals([away.leaderId, away.isr, away.elr], [-1, [], [1]]);
});
