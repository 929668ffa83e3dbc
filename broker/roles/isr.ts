/**
 * Decides who is in sync, and who leads: pure functions from one state of a partition to the next.
 *
 * The in-sync replicas (ISR) have all committed records on disk. So have the eligible leader
 * replicas (ELR, KIP-966): they left an ISR that was then too small to commit anything. A write
 * with an ISR that is large enough again empties the ELR, which may lack what is committed from
 * then on.
 *
 * @module
 */

import type { PartitionState } from "../cluster/topic_state.ts";

/** Who is in sync. */
export type InSync = Pick<PartitionState, "isr" | "elr">;

/** What a leader knows of its followers. */
export interface FollowersView {
  /** Fewest in-sync replicas for a commit. */
  readonly minInSync: number;
  /** Whether a member must leave the ISR. */
  mustLeave(replica: number): boolean;
  /** Whether a replica outside the ISR has all that is committed, and may join. */
  mayJoin(replica: number): boolean;
}

/** A change of the ISR and who joins it. */
export interface InSyncChange extends InSync {
  /** The replicas that join. */
  readonly joining: readonly number[];
}

/** The ISR that a leader should ask for; undefined if the current one is right. */
export function nextInSync(
  state: PartitionState,
  { minInSync, mustLeave, mayJoin }: FollowersView,
): InSyncChange | undefined {
  const { leaderId, replicas, isr, elr } = state;
  const staying = isr.filter((id) => id === leaderId || !mustLeave(id));
  const joining = replicas.filter((id) => !isr.includes(id) && mayJoin(id));
  const isSame = staying.length === isr.length && joining.length === 0;
  if (isSame && (elr.length === 0 || isr.length < minInSync)) return undefined;
  return { ...settle(state, [...staying, ...joining], minInSync), joining };
}

/** The state after an election, by the controller. */
export function electedState(
  state: PartitionState,
  target: { readonly id: number; readonly incarnation: string | undefined },
  { minInSync, isLive }: { readonly minInSync: number; isLive(replica: number): boolean },
): PartitionState {
  const { id, incarnation } = target;
  const isr = state.isr.filter((member) => member !== id && isLive(member));
  return {
    ...state,
    leaderId: id,
    leaderEpoch: state.leaderEpoch + 1,
    leaderIncarnation: incarnation,
    ...settle(state, [id, ...isr], minInSync),
  };
}

/** The state without a leader: all that were in sync can be elected later. */
export function leaderlessState(state: PartitionState): PartitionState {
  const elr = [...new Set([...state.elr, ...state.isr])];
  return {
    ...state,
    leaderId: -1,
    leaderEpoch: state.leaderEpoch + 1,
    leaderIncarnation: undefined,
    isr: [],
    elr,
  };
}

/** The state after its leader, whose log is damaged, has left it to the others that are in sync. */
export function resignedState(state: PartitionState): PartitionState {
  const { leaderId, leaderEpoch, isr, elr } = state;
  return {
    ...state,
    leaderId: -1,
    leaderEpoch: leaderEpoch + 1,
    leaderIncarnation: undefined,
    isr: isr.filter((id) => id !== leaderId),
    elr: elr.filter((id) => id !== leaderId),
  };
}

/**
 * The state after a follower, whose log is damaged, has left the ISR. In a new epoch, because the leader may
 * know the end of its log, and would take it in again.
 */
export function withdrawnState(state: PartitionState, replica: number): PartitionState {
  const { leaderEpoch, isr, elr } = state;
  const isOther = (id: number) => id !== replica;
  return {
    ...state,
    leaderEpoch: leaderEpoch + 1,
    isr: isr.filter(isOther),
    elr: elr.filter(isOther),
  };
}

/** The state after an operator elected a replica that may lack committed records. */
export function uncleanlyElectedState(
  state: PartitionState,
  { id, incarnation }: { readonly id: number; readonly incarnation: string | undefined },
): PartitionState {
  const leaderEpoch = state.leaderEpoch + 1;
  return {
    ...state,
    leaderId: id,
    leaderEpoch,
    leaderIncarnation: incarnation,
    isr: [id],
    elr: [],
    uncleanEpoch: leaderEpoch,
  };
}

/** An ISR in the order of the replicas, and the ELR that goes with it. */
function settle(
  { replicas, isr, elr }: PartitionState,
  members: readonly number[],
  minInSync: number,
): InSync {
  const next = [
    ...replicas.filter((id) => members.includes(id)),
    ...members.filter((id) => !replicas.includes(id)),
  ];
  if (next.length >= minInSync) return { isr: next, elr: [] };
  const eligible = new Set([...elr, ...isr.filter((id) => !next.includes(id))]);
  for (const id of next) eligible.delete(id);
  return { isr: next, elr: [...eligible] };
}
