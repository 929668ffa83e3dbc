/**
 * Moves the replicas of a partition to other brokers (KIP-455): pure functions from one state of a
 * partition to the next.
 *
 * A reassignment begins by adding the new replicas to the old ones. It is complete when all new replicas
 * are in sync and the in-sync replicas of the target suffice for a commit; only then are the old ones
 * removed. Until then it can be cancelled, or replaced by another one.
 *
 * @module
 */

import { electedState, leaderlessState } from "../roles/isr.ts";
import { candidates, type ElectionView } from "./elections.ts";
import type { PartitionState } from "../cluster/topic_state.ts";

/** What the decisions depend on besides the state of the partition. */
export interface ReassignmentView extends Pick<ElectionView, "broker" | "isDraining"> {
  /** Fewest in-sync replicas for a commit. */
  minInSync(state: Pick<PartitionState, "replicas" | "adding">): number;
}

/** The replicas of a partition once its reassignment is complete; all of them if there is none. */
export function targetReplicas({ replicas, removing }: PartitionState): readonly number[] {
  return removing.length === 0 ? replicas : replicas.filter((id) => !removing.includes(id));
}

/** The replicas that a partition had before its reassignment; all of them if there is none. */
export function originalReplicas({ replicas, adding }: PartitionState): readonly number[] {
  return adding.length === 0 ? replicas : replicas.filter((id) => !adding.includes(id));
}

/** Whether the replicas of a partition are being moved. */
export function isReassigning({ adding, removing }: PartitionState): boolean {
  return adding.length > 0 || removing.length > 0;
}

/**
 * The state in which a reassignment has begun; it replaces one that is in progress. If nothing has to be
 * copied, it is complete.
 *
 * @param target The wanted replicas, the preferred leader first.
 * @returns Undefined if only replicas that would be given up are in sync.
 */
export function reassignedState(
  state: PartitionState,
  target: readonly number[],
  view: ReassignmentView,
): PartitionState | undefined {
  const original = originalReplicas(state);
  const merged = [...target, ...original.filter((id) => !target.includes(id))];
  const begun = withReplicas(state, merged, {
    adding: target.filter((id) => !original.includes(id)),
    removing: original.filter((id) => !target.includes(id)),
  }, view);
  return begun && (completedState(begun, view) ?? begun);
}

/**
 * The state without the reassignment that is in progress.
 *
 * @returns Undefined if only replicas that it has added are in sync.
 */
export function cancelledState(
  state: PartitionState,
  view: ReassignmentView,
): PartitionState | undefined {
  return withReplicas(state, originalReplicas(state), { adding: [], removing: [] }, view);
}

/** The state in which a reassignment is complete; undefined if it cannot be yet, or there is none. */
export function completedState(
  state: PartitionState,
  view: ReassignmentView,
): PartitionState | undefined {
  if (!isReassigning(state)) return undefined;
  const target = targetReplicas(state);
  const inSync = state.isr.filter((id) => target.includes(id));
  const isCopied = state.adding.every((id) => inSync.includes(id));
  // What was committed so far is on all of them, so from now on they are enough.
  if (!isCopied || inSync.length < view.minInSync({ replicas: target, adding: [] })) {
    return undefined;
  }
  return withReplicas(state, target, { adding: [], removing: [] }, view);
}

/** The state with some of the replicas, or more; undefined if none of them can lead. */
function withReplicas(
  state: PartitionState,
  replicas: readonly number[],
  reassignment: Pick<PartitionState, "adding" | "removing">,
  view: ReassignmentView,
): PartitionState | undefined {
  const isr = state.isr.filter((id) => replicas.includes(id));
  const elr = state.elr.filter((id) => replicas.includes(id));
  const minInSync = view.minInSync({ replicas, adding: reassignment.adding });
  const next = {
    ...state,
    ...reassignment,
    replicas,
    isr,
    elr: isr.length < minInSync ? elr : [],
  };
  if (state.leaderId === -1) return isr.length + elr.length === 0 ? undefined : next;
  const isLive = (id: number) => view.broker(id) !== undefined;
  // Only a process that is named leads a replicated partition.
  const isUnnamed = state.leaderIncarnation === undefined && replicas.length > 1;
  if (replicas.includes(state.leaderId) && !isUnnamed) {
    // Brokers that lose their replicas must not be counted any longer, so a new epoch begins.
    const isSame = isr.length === state.isr.length;
    return isSame ? next : { ...next, leaderEpoch: state.leaderEpoch + 1 };
  }
  if (isUnnamed && !isLive(state.leaderId)) return leaderlessState(next);
  const leader = isUnnamed ? view.broker(state.leaderId) : candidates(next, view)[0];
  return leader && electedState(next, leader, { minInSync, isLive });
}
