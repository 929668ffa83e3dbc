/**
 * Decides which partitions need another leader, and which one: a pure function of the metadata.
 *
 * A partition is led by the process named in its state, while that is registered. If it is not, the
 * first of its replicas that has all committed records is elected: a member of the ISR, or else of
 * the ELR (KIP-966). Brokers that drain are elected last, and give up what others can lead.
 *
 * Without such a replica the state remains: the same process may return and continue, and any of
 * those replicas can be elected later.
 *
 * @module
 */

import { electedState, uncleanlyElectedState } from "../roles/isr.ts";
import { isInternalTopic } from "../topics/topic_name.ts";
import type { BrokerInfo } from "../cluster/brokers_view.ts";
import type { PartitionChange } from "../cluster/partition_commit.ts";
import type { PartitionState, TopicState } from "../cluster/topic_state.ts";

/** What elections depend on. */
export interface ElectionView {
  /** A registered broker. */
  broker(id: number): BrokerInfo | undefined;
  /** Whether a broker should not lead if another can. */
  isDraining(id: number): boolean;
  /** Whether a broker is about to stop, so that no leader should wait for it. */
  isStopping(id: number): boolean;
  /** Fewest in-sync replicas for a commit. */
  minInSync(topic: TopicState, state: PartitionState): number;
}

/** The election of a leader. */
export interface Election extends PartitionChange {
  /** The new leader. */
  readonly target: BrokerInfo;
}

/** The elections that are needed, those of internal topics first. */
export function* neededElections(
  topics: Iterable<TopicState>,
  view: ElectionView,
): Generator<Election, void> {
  const all = [...topics];
  const internal = all.filter(({ name }) => isInternalTopic(name));
  const others = all.filter(({ name }) => !isInternalTopic(name));
  for (const topic of [...internal, ...others]) {
    for (const [index, state] of topic.partitions.entries()) {
      const target = neededLeader(state, view);
      if (target !== undefined) yield elect(topic, index, target, view);
    }
  }
}

/** Whether a partition needs another leader, and can have one. */
export function needsElection(state: PartitionState, view: ElectionView): boolean {
  return neededLeader(state, view) !== undefined;
}

/**
 * Elects the preferred leader of a partition, its first replica (KIP-460). Undefined if that is not
 * registered, drains, or may lack committed records.
 */
export function preferredElection(
  topic: TopicState,
  index: number,
  view: ElectionView,
): Election | undefined {
  const state = topic.partitions[index]!;
  const target = view.broker(state.replicas[0]!);
  const canLead = target !== undefined && state.isr.includes(target.id) &&
    !view.isDraining(target.id);
  return canLead ? elect(topic, index, target, view) : undefined;
}

/** The elections that give partitions which another broker leads their preferred leader. */
export function* preferredElections(
  topics: Iterable<TopicState>,
  view: ElectionView,
): Generator<Election, void> {
  for (const topic of topics) {
    for (const [index, { leaderId, replicas }] of topic.partitions.entries()) {
      if (leaderId === replicas[0] || view.broker(leaderId) === undefined) continue;
      const election = preferredElection(topic, index, view);
      if (election !== undefined) yield election;
    }
  }
}

/** Elects a replica that may lack committed records, which are then lost. */
export function uncleanElection(topic: TopicState, index: number, target: BrokerInfo): Election {
  const state = topic.partitions[index]!;
  const incarnation = isReplicated(state) ? target.incarnation : undefined;
  const next = uncleanlyElectedState(state, { id: target.id, incarnation });
  return { topic, index, next, target };
}

/**
 * Whether a broker can stop without clients or leaders waiting for it: it leads no partition that
 * another can lead, and is in no ISR whose leader can do without it.
 */
export function canShutDown(
  topics: Iterable<TopicState>,
  id: number,
  view: ElectionView,
): boolean {
  for (const { partitions } of topics) {
    for (const state of partitions) {
      if (!isReplicated(state) || !state.replicas.includes(id)) continue;
      if (state.leaderId === id) {
        if (neededLeader(state, view) !== undefined) return false;
      } else if (state.isr.includes(id) && view.broker(state.leaderId) !== undefined) return false;
    }
  }
  return true;
}

/** Whether a partition has a leader that is registered, or needs no operator to get one. */
export function hasLeader(state: PartitionState, view: ElectionView): boolean {
  return view.broker(state.leaderId) !== undefined || candidates(state, view).length > 0;
}

/** Elects a replica that has all committed records. */
export function elect(
  topic: TopicState,
  index: number,
  target: BrokerInfo,
  view: ElectionView,
): Election {
  const state = topic.partitions[index]!;
  const next = electedState(state, {
    id: target.id,
    incarnation: isReplicated(state) ? target.incarnation : undefined,
  }, {
    minInSync: view.minInSync(topic, state),
    isLive: (id) => view.broker(id) !== undefined && !view.isStopping(id),
  });
  return { topic, index, next, target };
}

/** The replicas that can be elected without loss, the best first. */
export function candidates(
  state: PartitionState,
  view: Pick<ElectionView, "broker" | "isDraining">,
): BrokerInfo[] {
  const { replicas, isr, elr } = state;
  const from = (members: readonly number[]) => replicas.filter((id) => members.includes(id));
  const live = [...from(isr), ...from(elr)].flatMap((id) => view.broker(id) ?? []);
  const [draining, staying] = [true, false]
    .map((is) => live.filter(({ id }) => view.isDraining(id) === is));
  return [...staying!, ...draining!];
}

/** The broker to elect; undefined if no election is needed or possible. */
function neededLeader(state: PartitionState, view: ElectionView): BrokerInfo | undefined {
  const leader = view.broker(state.leaderId);
  const isWanted = leader !== undefined && canContinue(state, leader);
  if (isWanted && !view.isDraining(leader.id)) return undefined;
  const [best] = candidates(state, view);
  return isWanted && best !== undefined && view.isDraining(best.id) ? undefined : best;
}

/** Whether a registered leader is the process that was elected, or may follow it. */
function canContinue(state: PartitionState, leader: BrokerInfo): boolean {
  if (!state.replicas.includes(leader.id)) return false;
  if (isReplicated(state)) return state.leaderIncarnation === leader.incarnation;
  // What the crashed process wrote and did not sync was visible, and is lost.
  return !leader.hasCrashed || state.revision > leader.epoch;
}

/** Whether the process that leads is named in the state. */
function isReplicated({ replicas, leaderIncarnation }: PartitionState): boolean {
  return replicas.length > 1 || leaderIncarnation !== undefined;
}
