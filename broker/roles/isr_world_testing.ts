/**
 * The state of the model of replication: brokers, their logs and views, the metadata store, and changes on
 * their way to it.
 *
 * @module
 */

import type { PartitionState } from "../cluster/topic_state.ts";

/** A record: the epoch in which it was appended, and which one it is. */
export interface Entry {
  readonly epoch: number;
  readonly id: number;
}

/** A change of the partition's key on its way to the store. */
export interface Message {
  readonly isr: readonly number[];
  readonly elr: readonly number[];
  readonly expect: number;
  /** The leader's registration. */
  readonly own: number;
  /** The registration of the follower that joins; 0 without one. */
  readonly joining: number;
  readonly joiningEpoch: number;
}

export interface Node {
  /** 0 stopped, 1 started, 2 registered. */
  up: number;
  incarnation: number;
  registered: number;
  log: Entry[];
  flushed: number;
  highWatermark: number;
  view: PartitionState | undefined;
  isLeader: boolean;
  startOffset: number;
  ends: (number | undefined)[];
  endEpochs: number[];
  pending: number[];
  wanted: Message | undefined;
  message: Message | undefined;
  mustFlush: boolean;
  /** Whether its disk was replaced by an empty one, and it has not started since. */
  isLost: boolean;
  /** Whether its log is damaged, and it has not been cut since. */
  isDamaged: boolean;
}

export interface World {
  state: PartitionState;
  revision: number;
  /** `min.insync.replicas`. */
  minInSync: number;
  /** The registration of each broker in the store: its revision and incarnation, 0 for none. */
  registrations: { epoch: number; incarnation: number }[];
  nodes: Node[];
  /** What somebody was told. */
  told: Entry[];
  left: {
    appends: number;
    crashes: number;
    depositions: number;
    moves: number;
    lags: number;
    losses: number;
    lostDisks: number;
    lowered: number;
    damages: number;
  };
}

export function isSame(a: Entry | undefined, b: Entry): boolean {
  return a?.epoch === b.epoch && a.id === b.id;
}

/** The largest epoch up to one, and its end. */
export function endOf(log: readonly Entry[], epoch: number, leaderEpoch: number) {
  let found = leaderEpoch >= 0 && leaderEpoch <= epoch ? leaderEpoch : -1;
  for (const entry of log) if (entry.epoch <= epoch) found = Math.max(found, entry.epoch);
  const end = log.findIndex((entry) => entry.epoch > found);
  return { epoch: found, endOffset: end < 0 ? log.length : end };
}

export function ask(
  world: World,
  id: number,
  { isr, elr }: { readonly isr: readonly number[]; readonly elr: readonly number[] },
  joining: number | undefined,
): void {
  const node = world.nodes[id]!;
  node.message = node.wanted = {
    isr,
    elr,
    expect: node.view!.revision,
    own: node.registered,
    joining: joining ?? -1,
    joiningEpoch: joining === undefined ? 0 : node.endEpochs[joining]!,
  };
  node.pending = [...new Set([...node.pending, ...isr])];
}

export function register(world: World, id: number): void {
  const node = world.nodes[id]!;
  node.registered = ++world.revision;
  world.registrations[id] = { epoch: node.registered, incarnation: node.incarnation };
}

export function crash(world: World, id: number, kept: number, hasMark: boolean): void {
  const node = world.nodes[id]!;
  node.log.length = kept;
  node.flushed = Math.min(node.flushed, kept);
  node.highWatermark = hasMark ? Math.min(node.highWatermark, kept) : 0;
  node.up = node.registered = node.startOffset = 0;
  node.view = node.wanted = undefined;
  node.isLeader = node.mustFlush = node.isDamaged = false;
  node.pending = [];
  node.ends = node.ends.map(() => undefined);
  node.endEpochs = node.endEpochs.map(() => 0);
}

export function clone(world: World): World {
  return {
    ...world,
    registrations: world.registrations.slice(),
    nodes: world.nodes.map((node) => ({
      ...node,
      log: node.log.slice(),
      ends: node.ends.slice(),
      endEpochs: node.endEpochs.slice(),
    })),
    told: world.told.slice(),
    left: { ...world.left },
  };
}

/** Drops messages that never apply: what becomes of them makes no difference. */
export function dropDead(world: World, isUnguarded: boolean): void {
  const { nodes, registrations } = world;
  for (const [id, node] of nodes.entries()) {
    const { message } = node;
    if (message === undefined) continue;
    const isDead = message.expect !== world.state.revision ||
      registrations[id]!.epoch !== message.own ||
      (!isUnguarded && message.joining >= 0 &&
        registrations[message.joining]!.epoch !== message.joiningEpoch);
    if (isDead) node.message = undefined;
  }
}

/** Identifies a world, whatever its revisions are numbered. */
export function keyOf(world: World): string {
  const { state, registrations, nodes, told, left, minInSync } = world;
  const revisions = new Set([0, state.revision]);
  for (const { epoch } of registrations) revisions.add(epoch);
  for (const { registered, view, endEpochs, wanted, message } of nodes) {
    revisions.add(registered);
    if (view !== undefined) revisions.add(view.revision);
    for (const epoch of endEpochs) revisions.add(epoch);
    for (const sent of [wanted, message]) {
      if (sent !== undefined) revisions.add(sent.expect).add(sent.own).add(sent.joiningEpoch);
    }
  }
  const ranks = new Map([...revisions].sort((a, b) => a - b).map((revision, at) => [revision, at]));
  const rank = (revision: number) => ranks.get(revision)!;
  const stateKey = (of: PartitionState | undefined) =>
    of === undefined
      ? "-"
      : [of.leaderId, of.leaderEpoch, of.leaderIncarnation, of.isr, of.elr, rank(of.revision)];
  const messageKey = (of: Message | undefined) =>
    of === undefined
      ? "-"
      : [of.isr, of.elr, rank(of.expect), rank(of.own), of.joining, rank(of.joiningEpoch)];
  const entries = (log: readonly Entry[]) => log.map(({ epoch, id }) => `${epoch}.${id}`);
  return JSON.stringify([
    stateKey(state),
    registrations.map(({ epoch, incarnation }) => [rank(epoch), incarnation]),
    nodes.map((node) => [
      node.up,
      node.incarnation,
      rank(node.registered),
      entries(node.log),
      node.flushed,
      node.highWatermark,
      stateKey(node.view),
      node.isLeader ? 1 : 0,
      node.startOffset,
      node.ends,
      node.endEpochs.map(rank),
      node.pending.toSorted(),
      messageKey(node.wanted),
      messageKey(node.message),
      node.mustFlush ? 1 : 0,
      node.isLost ? 1 : 0,
      node.isDamaged ? 1 : 0,
    ]),
    entries(told),
    minInSync,
    Object.values(left),
  ]);
}
