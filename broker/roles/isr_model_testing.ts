/**
 * An exhaustive model of the replication of one partition: every order in which brokers, the
 * metadata store and the controller can act, with a bounded number of faults. It shares its
 * decisions with the broker: who is in sync, what is committed, where logs are cut.
 *
 * Modelled are delayed and lost changes of the metadata, brokers with an old view, wrong
 * depositions, crashes that keep any part of what was not synced, disks that are replaced by empty ones,
 * damaged logs, and an operator who moves leaders or lowers `min.insync.replicas`.
 *
 * @module
 */

import { doubtedState, type PartitionState } from "../cluster/topic_state.ts";
import { divergence, mayCut, truncationOffset } from "./divergence.ts";
import { followerHighWatermark, nextHighWatermark } from "./high_watermark.ts";
import type { Explorable, Step } from "./exploration_testing.ts";
import { electedState, nextInSync, withdrawnState } from "./isr.ts";
import {
  ask,
  clone,
  crash,
  dropDead,
  endOf,
  isSame,
  keyOf,
  type Node,
  register,
  type World,
} from "./isr_world_testing.ts";

/** Rules that can be broken on purpose, to see that the model notices. */
export const BREAKS = [
  "forget what is pending",
  "count a shrink before it is committed",
  "count the log end instead of the flushed offset",
  "lead in the epoch of an earlier process",
  "remember the ends of an earlier epoch",
  "advance the high watermark with an ELR",
  "join without the registration as a guard",
  "join below the high watermark",
  "count a fetch that diverges",
  "fetch before a flush",
  "begin with the high watermark at the log end",
  "settle doubts beside an earlier registration",
  "force what was wanted",
  "leave with a damaged log without a new epoch",
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
  /** How many disks are replaced. */
  readonly lostDisks: number;
  /** How often an operator sets `min.insync.replicas=1`. */
  readonly lowered: number;
  /** How many followers leave because their logs are damaged. */
  readonly damages: number;
}

type ModelStep = Step<World>;

/** Everything that can happen to a partition. */
export class IsrModel implements Explorable<World> {
  readonly #bounds: Bounds;
  readonly #broken: Break | undefined;
  /** The promise that the step under way breaks. */
  #problem: string | undefined;

  constructor(bounds: Bounds, broken?: Break) {
    this.#bounds = bounds;
    this.#broken = broken;
  }

  /** All brokers are registered, and the first leads. */
  begin(): World {
    const { brokers, minInSync, ...left } = this.#bounds;
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
      minInSync,
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
        isLost: false,
        isDamaged: false,
      })),
      told: [],
      left,
    };
    for (const id of ids) this.#learn(world, id);
    return world;
  }

  /** Everything that can happen next. */
  *steps(from: World): Generator<ModelStep, void> {
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

  keyOf(world: World): string {
    return keyOf(world);
  }

  /** Nothing fails any more: a leader must have settled what it asked for, and commit. */
  stuck({ state, nodes, minInSync }: World): string | undefined {
    const leader = nodes[state.leaderId]!;
    if (!leader.isLeader || leader.view !== state) return undefined;
    if (leader.wanted !== undefined) return "an ISR that was asked for is never settled";
    if (state.isr.length < minInSync || leader.highWatermark === leader.log.length) {
      return undefined;
    }
    return `the high watermark stays at ${leader.highWatermark}`;
  }

  #step(from: World, what: string, change: (world: World) => void): ModelStep {
    this.#problem = undefined;
    const world = clone(from);
    change(world);
    this.#check(world);
    dropDead(world, this.#broken === "join without the registration as a guard");
    return { what, world, problem: this.#problem };
  }

  *#brokerSteps(from: World, id: number): Generator<ModelStep, void> {
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
    const { state, minInSync, left } = from;
    const mayLeave = state.isr.includes(id) && state.isr.length > minInSync;
    if (left.damages > 0 && node.view === state && state.leaderId !== id && mayLeave) {
      yield this.#step(from, `${id} leaves with a damaged log`, (world) => {
        world.left.damages--;
        world.nodes[id]!.isDamaged = true;
        const next = withdrawnState(state, id);
        const isSameEpoch = this.#broken === "leave with a damaged log without a new epoch";
        const leaderEpoch = isSameEpoch ? state.leaderEpoch : next.leaderEpoch;
        world.state = { ...next, leaderEpoch, revision: ++world.revision };
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

  *#leaderSteps(from: World, id: number): Generator<ModelStep, void> {
    const leader = from.nodes[id]!;
    const { view } = leader;
    if (from.left.appends > 0) {
      yield this.#step(from, `${id} appends in epoch ${view!.leaderEpoch}`, (world) => {
        const entry = { epoch: view!.leaderEpoch, id: world.left.appends-- };
        world.nodes[id]!.log.push(entry);
      });
    }
    const { minInSync } = from;
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
      const isCommitted = this.#broken === "join below the high watermark" ||
        end !== undefined && end >= leader.highWatermark;
      const mayJoin = end !== undefined && isCommitted && end >= leader.startOffset &&
        !view!.isr.includes(other);
      if (mayJoin) {
        yield this.#step(from, `${id} asks to take in ${other}`, (world) => {
          const isOther = (replica: number) => replica === other;
          const followers = { minInSync, mustLeave: () => false, mayJoin: isOther };
          ask(world, id, nextInSync(view!, followers)!, other);
        });
      }
    }
    const emptied = nextInSync(view!, {
      minInSync,
      mustLeave: () => false,
      mayJoin: () => false,
    });
    if (!isAsking && emptied !== undefined) {
      yield this.#step(from, `${id} asks to empty the ELR`, (world) => {
        ask(world, id, emptied, undefined);
      });
    }
    if (leader.wanted !== undefined && leader.message === undefined) {
      yield this.#step(from, `${id} forces what is pending`, (world) => {
        const node = world.nodes[id]!;
        if (this.#broken === "force what was wanted") {
          node.message = { ...node.wanted!, own: node.registered };
          return;
        }
        const { isr, elr, revision } = view!;
        const own = node.registered;
        node.message = { isr, elr, expect: revision, own, joining: -1, joiningEpoch: 0 };
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
  *#storeSteps(from: World, id: number): Generator<ModelStep, void> {
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

  *#lifeSteps(from: World, id: number): Generator<ModelStep, void> {
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
      if (canLoseDisk(from, id)) {
        yield this.#step(from, `${id} loses its disk`, (world) => {
          world.left.crashes--;
          world.left.lostDisks--;
          crash(world, id, 0, false);
          world.nodes[id]!.flushed = 0;
          world.nodes[id]!.isLost = true;
        });
      }
    }
    if (node.up === 0 && from.registrations[id]!.epoch !== 0) {
      yield this.#step(from, `the registration of ${id} ends`, (world) => {
        world.registrations[id] = { epoch: 0, incarnation: 0 };
      });
    }
    // The number belongs to another disk while that is registered.
    const isBeside = this.#broken === "settle doubts beside an earlier registration";
    const isRefused = node.isLost && from.registrations[id]!.epoch !== 0 && !isBeside;
    if (node.up === 0 && !isRefused) {
      yield this.#step(from, `${id} starts`, (world) => {
        const started = world.nodes[id]!;
        started.up = 1;
        started.incarnation++;
        if (!isBeside) world.registrations[id] = { epoch: 0, incarnation: 0 };
        if (this.#broken !== "fetch before a flush") started.flushed = started.log.length;
        started.mustFlush = true;
        if (!started.isLost) return;
        started.isLost = false;
        const next = doubtedState(world.state, id);
        if (next !== undefined) world.state = { ...next, revision: ++world.revision };
      });
    }
    if (node.up === 1) {
      yield this.#step(from, `${id} registers`, (world) => {
        world.nodes[id]!.up = 2;
        register(world, id);
      });
    }
  }

  *#controllerSteps(from: World): Generator<ModelStep, void> {
    const { state, registrations } = from;
    const { leaderId, leaderIncarnation, isr, elr } = state;
    const leader = registrations[leaderId]!;
    const isEarlierAllowed = this.#broken === "lead in the epoch of an earlier process";
    const isGone = leader.epoch === 0 || !isr.includes(leaderId) ||
      (!isEarlierAllowed && leaderIncarnation !== `${leader.incarnation}`);
    const isLive = (id: number) => registrations[id]!.epoch !== 0;
    const { minInSync } = from;
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
    }
    if (from.left.lowered > 0 && from.minInSync > 1) {
      yield this.#step(from, "an operator sets min.insync.replicas=1", (world) => {
        world.left.lowered--;
        world.minInSync = 1;
        for (const id of world.nodes.keys()) this.#advance(world, id);
      });
    }
    if (!isGone && from.left.moves > 0) {
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
    if (node.isDamaged && state.leaderId !== id && !state.isr.includes(id)) {
      // All that it has may be damaged.
      node.isDamaged = false;
      node.log.length = node.flushed = node.highWatermark = 0;
    }
    const isElected = this.#broken === "lead in the epoch of an earlier process" ||
      state.leaderIncarnation === `${node.incarnation}`;
    if (state.leaderId === id && !node.isLeader && isElected) {
      node.isLeader = true;
      node.startOffset = node.log.length;
      this.#forgetEnds(node);
      if (world.told.some((entry, offset) => !isSame(node.log[offset], entry))) {
        this.#problem = `broker ${id} leads and lacks what was told`;
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
        this.#problem = `broker ${id} must cut below its high watermark`;
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
      minInSync: world.minInSync,
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
      if (entry === undefined) this.#problem = `the high watermark of ${id} is above its log end`;
      else if (told === undefined) world.told.push(entry);
      else if (!isSame(entry, told)) {
        this.#problem = `what was told at ${offset} is another at ${id}`;
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
            this.#problem = `epoch ${one.epoch} has two records at ${offset}`;
          }
        }
      }
    }
    for (const id of [...state.isr, ...state.elr]) {
      const { log, flushed, isLost } = nodes[id]!;
      if (isLost) continue;
      if (told.every((entry, offset) => offset < flushed && isSame(log[offset], entry))) continue;
      this.#problem = `broker ${id} is in sync and lacks on disk what was told`;
    }
  }
}

/**
 * Whether a disk may be replaced without the loss of all copies: another replica has everything, and no
 * change under way leaves it out.
 */
function canLoseDisk({ left, state, nodes }: World, id: number): boolean {
  if (left.lostDisks === 0 || nodes.some(({ isLost }) => isLost)) return false;
  const hasOther = ({ isr, elr }: Pick<PartitionState, "isr" | "elr">) =>
    [...isr, ...elr].some((other) => other !== id);
  return hasOther(state) &&
    nodes.every(({ message }) => message === undefined || hasOther(message));
}
