/**
 * An exhaustive model of the replication of one partition: every order in which brokers, the
 * metadata store and the controller can act, with a bounded number of faults. It shares its
 * decisions with the broker: who is in sync, what is committed, where logs are cut.
 *
 * Modelled are delayed and lost changes of the metadata, brokers with an old view, wrong
 * depositions, crashes that keep any part of what was not synced, and an operator who moves leaders.
 *
 * @module
 */

import type { PartitionState } from "../cluster/topic_state.ts";
import { divergence, mayCut, truncationOffset } from "./divergence.ts";
import { followerHighWatermark, nextHighWatermark } from "./high_watermark.ts";
import { electedState, nextInSync } from "./isr.ts";

/** Rules that can be broken on purpose, to see that the model notices. */
export const BREAKS = [
  "forget what is pending",
  "count a shrink before it is committed",
  "count the log end instead of the flushed offset",
  "lead in the epoch of an earlier process",
  "remember the ends of an earlier epoch",
  "advance the high watermark with an ELR",
  "join without the registration as a guard",
  "count a fetch that diverges",
  "fetch before a flush",
  "begin with the high watermark at the log end",
  "delete the old registration last",
] as const;

/** A rule that is broken. */
export type Break = typeof BREAKS[number];

/** How much may happen. */
export interface Bounds {
  readonly brokers: number;
  readonly minInSync: number;
  readonly appends: number;
  readonly crashes: number;
  readonly depositions: number;
  readonly moves: number;
  readonly lags: number;
  readonly losses: number;
  /** Stops after so many states. */
  readonly maxStates: number;
}

/** What the model found. */
export interface Found {
  readonly states: number;
  readonly isComplete: boolean;
  /** The broken promise, and the steps to it. */
  readonly violation: { readonly problem: string; readonly steps: readonly string[] } | undefined;
}

/** A record: the epoch in which it was appended, and which one it is. */
interface Entry {
  readonly epoch: number;
  readonly id: number;
}

/** A change of the partition's key on its way to the store. */
interface Message {
  readonly isr: readonly number[];
  readonly elr: readonly number[];
  readonly expect: number;
  /** The leader's registration. */
  readonly own: number;
  /** The registration of the follower that joins; 0 without one. */
  readonly joining: number;
  readonly joiningEpoch: number;
}

interface Node {
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
}

interface World {
  state: PartitionState;
  revision: number;
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
  };
}

/** A step that is possible, and where it leads. */
interface Step {
  readonly what: string;
  readonly world: World;
}

/** Explores what can happen, breadth first. */
export function explore(bounds: Bounds, broken?: Break): Found {
  const model = new Model(bounds, broken);
  const first = model.begin();
  const seen = new Set([keyOf(first)]);
  const reached: { world: World | undefined; readonly from: number; readonly what: string }[] = [
    { world: first, from: -1, what: "begin" },
  ];
  for (let at = 0; at < reached.length; at++) {
    if (seen.size > bounds.maxStates) {
      return { states: seen.size, isComplete: false, violation: undefined };
    }
    const { world } = reached[at]!;
    for (const step of model.steps(world!)) {
      if (model.problem !== undefined) {
        const steps = [step.what];
        for (let to = at; to > 0; to = reached[to]!.from) steps.unshift(reached[to]!.what);
        const violation = { problem: model.problem, steps };
        return { states: seen.size, isComplete: false, violation };
      }
      const key = keyOf(step.world);
      if (seen.has(key)) continue;
      seen.add(key);
      reached.push({ world: step.world, from: at, what: step.what });
    }
    // Only the way here is needed from now on.
    reached[at]!.world = undefined;
  }
  return { states: seen.size, isComplete: true, violation: undefined };
}

class Model {
  readonly #bounds: Bounds;
  readonly #broken: Break | undefined;
  /** The promise that the last step broke. */
  problem: string | undefined;

  constructor(bounds: Bounds, broken: Break | undefined) {
    this.#bounds = bounds;
    this.#broken = broken;
  }

  /** All brokers are registered, and the first leads. */
  begin(): World {
    const { brokers, appends, crashes, depositions, moves, lags, losses } = this.#bounds;
    const ids = Array.from({ length: brokers }, (_, id) => id);
    const state: PartitionState = {
      leaderId: 0,
      leaderEpoch: 0,
      leaderIncarnation: "1",
      replicas: ids,
      isr: ids,
      elr: [],
      adding: [],
      removing: [],
      uncleanEpoch: -1,
      revision: brokers + 1,
    };
    const world: World = {
      state,
      revision: brokers + 1,
      registrations: ids.map((id) => ({ epoch: id + 1, incarnation: 1 })),
      nodes: ids.map((id) => ({
        up: 2,
        incarnation: 1,
        registered: id + 1,
        log: [],
        flushed: 0,
        highWatermark: 0,
        view: undefined,
        isLeader: false,
        startOffset: 0,
        ends: ids.map(() => undefined),
        endEpochs: ids.map(() => 0),
        pending: [],
        wanted: undefined,
        message: undefined,
        mustFlush: false,
      })),
      told: [],
      left: { appends, crashes, depositions, moves, lags, losses },
    };
    for (const id of ids) this.#learn(world, id);
    return world;
  }

  /** Everything that can happen next. */
  *steps(from: World): Generator<Step, void> {
    for (let id = 0; id < from.nodes.length; id++) {
      if (from.nodes[id]!.up === 2) {
        yield* this.#brokerSteps(from, id);
        if (from.nodes[id]!.isLeader) yield* this.#leaderSteps(from, id);
      }
      if (from.nodes[id]!.message !== undefined) yield* this.#storeSteps(from, id);
      yield* this.#lifeSteps(from, id);
    }
    yield* this.#controllerSteps(from);
  }

  #step(from: World, what: string, change: (world: World) => void): Step {
    this.problem = undefined;
    const world = clone(from);
    change(world);
    this.#check(world);
    dropDead(world, this.#broken === "join without the registration as a guard");
    return { what, world };
  }

  *#brokerSteps(from: World, id: number): Generator<Step, void> {
    const node = from.nodes[id]!;
    if (node.view !== from.state) {
      yield this.#step(from, `${id} learns`, (world) => this.#learn(world, id));
    }
    if (node.flushed < node.log.length) {
      yield this.#step(from, `${id} flushes`, (world) => {
        world.nodes[id]!.flushed = world.nodes[id]!.log.length;
        this.#advance(world, id);
      });
    }
    if (from.registrations[id]!.epoch !== node.registered) {
      yield this.#step(from, `${id} registers again`, (world) => register(world, id));
    } else if (from.left.depositions > 0) {
      yield this.#step(from, `${id} is deposed though it lives`, (world) => {
        world.left.depositions--;
        world.registrations[id] = { epoch: 0, incarnation: 0 };
      });
    }
  }

  *#leaderSteps(from: World, id: number): Generator<Step, void> {
    const leader = from.nodes[id]!;
    const { view } = leader;
    if (from.left.appends > 0) {
      yield this.#step(from, `${id} appends in epoch ${view!.leaderEpoch}`, (world) => {
        const entry = { epoch: view!.leaderEpoch, id: world.left.appends-- };
        world.nodes[id]!.log.push(entry);
      });
    }
    const { minInSync } = this.#bounds;
    const isAsking = leader.wanted !== undefined || leader.message !== undefined;
    for (let other = 0; other < from.nodes.length; other++) {
      if (other === id) continue;
      if (this.#canFetch(from, other, id)) {
        yield this.#step(from, `${other} fetches from ${id}`, (world) => {
          this.#fetch(world, other, id);
        });
      }
      if (isAsking) continue;
      const isGone = from.registrations[other]!.epoch === 0;
      if (view!.isr.includes(other) && (isGone || from.left.lags > 0)) {
        yield this.#step(from, `${id} asks to drop ${other}`, (world) => {
          if (!isGone) world.left.lags--;
          const isOther = (replica: number) => replica === other;
          const followers = { minInSync, mustLeave: isOther, mayJoin: () => false };
          ask(world, id, nextInSync(view!, followers)!, undefined);
        });
      }
      const end = leader.ends[other];
      const mayJoin = end !== undefined && end >= leader.highWatermark &&
        end >= leader.startOffset && !view!.isr.includes(other);
      if (mayJoin) {
        yield this.#step(from, `${id} asks to take in ${other}`, (world) => {
          const isOther = (replica: number) => replica === other;
          const followers = { minInSync, mustLeave: () => false, mayJoin: isOther };
          ask(world, id, nextInSync(view!, followers)!, other);
        });
      }
    }
    if (leader.wanted !== undefined && leader.message === undefined) {
      yield this.#step(from, `${id} forces what is pending`, (world) => {
        const { isr, elr, revision } = view!;
        const own = world.nodes[id]!.registered;
        const message = { isr, elr, expect: revision, own, joining: -1, joiningEpoch: 0 };
        world.nodes[id]!.message = message;
      });
    }
    if (leader.wanted !== undefined && this.#broken === "forget what is pending") {
      yield this.#step(from, `${id} forgets what is pending`, (world) => {
        world.nodes[id]!.wanted = undefined;
        world.nodes[id]!.pending = [];
        this.#advance(world, id);
      });
    }
  }

  /** The change that a broker has sent reaches the store, or is lost. */
  *#storeSteps(from: World, id: number): Generator<Step, void> {
    const { isr, elr, expect, own, joining, joiningEpoch } = from.nodes[id]!.message!;
    const isGuarded = this.#broken !== "join without the registration as a guard";
    const isAccepted = from.state.revision === expect && from.registrations[id]!.epoch === own &&
      (joining < 0 || !isGuarded || from.registrations[joining]!.epoch === joiningEpoch);
    if (isAccepted) {
      yield this.#step(from, `the store accepts ISR ${isr} of ${id}`, (world) => {
        world.state = { ...world.state, isr, elr, revision: ++world.revision };
        world.nodes[id]!.message = undefined;
      });
    } else {
      yield this.#step(from, `the store refuses ISR ${isr} of ${id}`, (world) => {
        world.nodes[id]!.message = undefined;
      });
    }
    if (from.left.losses === 0) return;
    yield this.#step(from, `a change of ${id} is lost`, (world) => {
      world.left.losses--;
      world.nodes[id]!.message = undefined;
    });
  }

  *#lifeSteps(from: World, id: number): Generator<Step, void> {
    const node = from.nodes[id]!;
    if (node.up > 0 && from.left.crashes > 0) {
      for (let kept = node.flushed; kept <= node.log.length; kept++) {
        for (const hasMark of node.highWatermark > 0 ? [true, false] : [true]) {
          yield this.#step(from, `${id} crashes and keeps ${kept}`, (world) => {
            world.left.crashes--;
            crash(world, id, kept, hasMark);
          });
        }
      }
    }
    if (node.up === 0 && from.registrations[id]!.epoch !== 0) {
      yield this.#step(from, `the registration of ${id} ends`, (world) => {
        world.registrations[id] = { epoch: 0, incarnation: 0 };
      });
    }
    if (node.up === 0) {
      yield this.#step(from, `${id} starts`, (world) => {
        const started = world.nodes[id]!;
        started.up = 1;
        started.incarnation++;
        if (this.#broken !== "delete the old registration last") {
          world.registrations[id] = { epoch: 0, incarnation: 0 };
        }
        if (this.#broken !== "fetch before a flush") started.flushed = started.log.length;
        started.mustFlush = true;
      });
    }
    if (node.up === 1) {
      yield this.#step(from, `${id} registers`, (world) => {
        world.nodes[id]!.up = 2;
        register(world, id);
      });
    }
  }

  *#controllerSteps(from: World): Generator<Step, void> {
    const { state, registrations } = from;
    const { leaderId, leaderIncarnation, isr, elr } = state;
    const leader = registrations[leaderId]!;
    const isEarlierAllowed = this.#broken === "lead in the epoch of an earlier process";
    const isGone = leader.epoch === 0 || !isr.includes(leaderId) ||
      (!isEarlierAllowed && leaderIncarnation !== `${leader.incarnation}`);
    const isLive = (id: number) => registrations[id]!.epoch !== 0;
    const { minInSync } = this.#bounds;
    const elect = (id: number, what: string, isMove: boolean) =>
      this.#step(from, `${what} ${id}`, (world) => {
        if (isMove) world.left.moves--;
        const target = { id, incarnation: `${world.registrations[id]!.incarnation}` };
        const next = electedState(world.state, target, { minInSync, isLive });
        world.state = { ...next, revision: ++world.revision };
      });
    if (isGone) {
      const members = isr.filter(isLive);
      const eligible = members.length > 0 ? members : elr.filter(isLive);
      for (const id of eligible) yield elect(id, "the controller elects", false);
    } else if (from.left.moves > 0) {
      for (const id of isr) {
        if (id !== leaderId && isLive(id)) yield elect(id, "an operator moves the leader to", true);
      }
    }
  }

  #learn(world: World, id: number): void {
    const node = world.nodes[id]!;
    const before = node.view;
    const state = world.state;
    node.view = state;
    node.pending = [];
    node.wanted = undefined;
    const isNewEpoch = before?.leaderEpoch !== state.leaderEpoch;
    if (isNewEpoch || state.leaderId !== id) {
      node.isLeader = false;
      node.startOffset = 0;
      this.#forgetEnds(node);
      if (isNewEpoch) node.mustFlush = true;
    }
    const isElected = this.#broken === "lead in the epoch of an earlier process" ||
      state.leaderIncarnation === `${node.incarnation}`;
    if (state.leaderId === id && !node.isLeader && isElected) {
      node.isLeader = true;
      node.startOffset = node.log.length;
      this.#forgetEnds(node);
      if (world.told.some((entry, offset) => !isSame(node.log[offset], entry))) {
        this.problem = `broker ${id} leads and lacks what was told`;
      }
      if (this.#broken === "begin with the high watermark at the log end") {
        node.highWatermark = node.log.length;
        this.#tell(world, id);
      }
    }
    this.#advance(world, id);
  }

  #forgetEnds(node: Node): void {
    if (this.#broken === "remember the ends of an earlier epoch") return;
    node.ends = node.ends.map(() => undefined);
    node.endEpochs = node.endEpochs.map(() => 0);
  }

  #canFetch(world: World, id: number, leaderId: number): boolean {
    const follower = world.nodes[id]!;
    const leader = world.nodes[leaderId]!;
    const isFlushed = follower.flushed === follower.log.length ||
      this.#broken === "count the log end instead of the flushed offset" ||
      (this.#broken === "fetch before a flush" && follower.mustFlush);
    return follower.up === 2 && !follower.isLeader && isFlushed &&
      follower.view?.leaderId === leaderId &&
      follower.view.leaderEpoch === leader.view!.leaderEpoch;
  }

  #fetch(world: World, id: number, leaderId: number): void {
    const follower = world.nodes[id]!;
    const leader = world.nodes[leaderId]!;
    follower.mustFlush = false;
    const fetchOffset = follower.log.length;
    const end = { lastFetchedEpoch: follower.log.at(-1)?.epoch ?? -1, fetchOffset };
    const diverging = divergence(
      end,
      (epoch) => endOf(leader.log, epoch, leader.view!.leaderEpoch),
    );
    if (diverging === undefined || this.#broken === "count a fetch that diverges") {
      leader.ends[id] = Math.min(fetchOffset, leader.log.length);
      leader.endEpochs[id] = follower.registered;
      this.#advance(world, leaderId);
    }
    if (diverging !== undefined) {
      const own = endOf(follower.log, diverging.epoch, -1).endOffset;
      const offset = truncationOffset(diverging, own);
      const latestEpoch = follower.log.at(-1)!.epoch;
      const { highWatermark } = follower;
      if (!mayCut({ offset, highWatermark, latestEpoch, uncleanEpoch: -1 })) {
        this.problem = `broker ${id} must cut below its high watermark`;
      }
      follower.log.length = offset;
      follower.flushed = Math.min(follower.flushed, offset);
      return;
    }
    const next = leader.log[fetchOffset];
    if (next !== undefined) follower.log.push(next);
    const { highWatermark, flushed } = follower;
    const mark = followerHighWatermark(highWatermark, leader.highWatermark, flushed);
    if (mark === highWatermark) return;
    follower.highWatermark = mark;
    this.#tell(world, id);
  }

  #advance(world: World, id: number): void {
    const node = world.nodes[id]!;
    if (!node.isLeader || node.view === undefined) return;
    const { leaderId, isr, elr } = node.view;
    const isEarly = this.#broken === "count a shrink before it is committed";
    const isUnflushed = this.#broken === "count the log end instead of the flushed offset";
    const mark = nextHighWatermark(node.highWatermark, {
      state: {
        leaderId,
        isr: isEarly ? node.wanted?.isr ?? isr : isr,
        elr: this.#broken === "advance the high watermark with an ELR" ? [] : elr,
      },
      pending: isEarly ? [] : node.pending,
      minInSync: this.#bounds.minInSync,
      flushedOffset: isUnflushed ? node.log.length : node.flushed,
      endOf: (replica) => node.ends[replica],
    });
    if (mark === node.highWatermark) return;
    node.highWatermark = mark;
    this.#tell(world, id);
  }

  /** Records below a high watermark are told to somebody. */
  #tell(world: World, id: number): void {
    const { log, highWatermark } = world.nodes[id]!;
    for (let offset = 0; offset < highWatermark; offset++) {
      const entry = log[offset];
      const told = world.told[offset];
      if (entry === undefined) this.problem = `the high watermark of ${id} is above its log end`;
      else if (told === undefined) world.told.push(entry);
      else if (!isSame(entry, told)) {
        this.problem = `what was told at ${offset} is another at ${id}`;
      }
    }
  }

  #check(world: World): void {
    const { nodes, state, told } = world;
    for (const [a, { log }] of nodes.entries()) {
      for (const other of nodes.slice(a + 1)) {
        for (let offset = 0; offset < Math.min(log.length, other.log.length); offset++) {
          const [one, two] = [log[offset]!, other.log[offset]!];
          if (one.epoch === two.epoch && one.id !== two.id) {
            this.problem = `epoch ${one.epoch} has two records at ${offset}`;
          }
        }
      }
    }
    for (const id of [...state.isr, ...state.elr]) {
      const { log, flushed } = nodes[id]!;
      if (told.every((entry, offset) => offset < flushed && isSame(log[offset], entry))) continue;
      this.problem = `broker ${id} is in sync and lacks on disk what was told`;
    }
  }
}

function isSame(a: Entry | undefined, b: Entry): boolean {
  return a?.epoch === b.epoch && a.id === b.id;
}

/** The largest epoch up to one, and its end. */
function endOf(log: readonly Entry[], epoch: number, leaderEpoch: number) {
  let found = leaderEpoch >= 0 && leaderEpoch <= epoch ? leaderEpoch : -1;
  for (const entry of log) if (entry.epoch <= epoch) found = Math.max(found, entry.epoch);
  const end = log.findIndex((entry) => entry.epoch > found);
  return { epoch: found, endOffset: end < 0 ? log.length : end };
}

function ask(
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

function register(world: World, id: number): void {
  const node = world.nodes[id]!;
  node.registered = ++world.revision;
  world.registrations[id] = { epoch: node.registered, incarnation: node.incarnation };
}

function crash(world: World, id: number, kept: number, hasMark: boolean): void {
  const node = world.nodes[id]!;
  node.log.length = kept;
  node.flushed = Math.min(node.flushed, kept);
  node.highWatermark = hasMark ? Math.min(node.highWatermark, kept) : 0;
  node.up = node.registered = node.startOffset = 0;
  node.view = node.wanted = undefined;
  node.isLeader = node.mustFlush = false;
  node.pending = [];
  node.ends = node.ends.map(() => undefined);
  node.endEpochs = node.endEpochs.map(() => 0);
}

function clone(world: World): World {
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
function dropDead(world: World, isUnguarded: boolean): void {
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
function keyOf(world: World): string {
  const { state, registrations, nodes, told, left } = world;
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
    ]),
    entries(told),
    Object.values(left),
  ]);
}
