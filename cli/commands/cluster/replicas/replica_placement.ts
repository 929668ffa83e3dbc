/**
 * Plans where the replicas of partitions should be: pure functions of what the cluster has.
 *
 * Plans move as little as possible. New replicas go to racks that a partition does not have yet, then to
 * the brokers with the fewest replicas; leaders to those that are preferred leaders of the fewest
 * partitions.
 *
 * @module
 */

import type { BrokerNode, TopicDescription } from "../../../../client/mod.ts";
import { CommandError } from "../../../errors.ts";

/** The replicas of a partition, now and as planned; the preferred leader is the first. */
export interface ReplicaMove {
  readonly topic: string;
  readonly partition: number;
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** What plans depend on. */
export interface PlacementView {
  /** The live brokers. */
  readonly brokers: readonly BrokerNode[];
  /** Those of them that are being drained: they get nothing. */
  readonly draining: ReadonlySet<number>;
  /** All topics of the cluster. */
  readonly topics: readonly TopicDescription[];
}

type Partition = TopicDescription["partitions"][number];

/** A partition whose replicas are planned. */
export interface Planned {
  readonly topic: string;
  readonly partition: Partition;
}

/**
 * Gives each partition a number of replicas. The first replica remains the first.
 *
 * @throws {CommandError} If there are too few brokers.
 */
export function planReplicaCount(
  view: PlacementView,
  topics: readonly TopicDescription[],
  count: number,
): ReplicaMove[] {
  const taking = view.brokers.filter(({ id }) => !view.draining.has(id));
  if (count > taking.length) {
    throw new CommandError(
      `Cannot place ${count} replicas: the cluster has ${countOf(taking, "live broker")}` +
        (view.draining.size === 0 ? "" : ` besides ${countOf([...view.draining], "drained one")}`),
    );
  }
  const load = new Load(view);
  return plan(partitionsOf(topics), ({ replicas, isr }) => {
    const next = [...replicas];
    while (next.length > count) next.splice(next.indexOf(load.worst(next, isr)), 1);
    while (next.length < count) next.push(load.best(next)!);
    return next;
  }, load);
}

/**
 * Takes all replicas from a broker.
 *
 * @throws {CommandError} If a partition has replicas on all other brokers.
 */
export function planWithoutBroker(view: PlacementView, id: number): ReplicaMove[] {
  const load = new Load(view, (broker) => broker !== id && !view.draining.has(broker));
  const having = partitionsOf(view.topics)
    .filter(({ partition }) => partition.replicas.includes(id));
  return plan(having, ({ replicas, isr }, name) => {
    const staying = replicas.filter((replica) => replica !== id);
    const added = load.best(staying);
    if (added === undefined) {
      throw new CommandError(
        `Cannot move ${name} from broker ${id}: all other live brokers have a replica of it; add a ` +
          `broker, or lower the number of replicas with "dqueue cluster set-replicas"`,
      );
    }
    if (replicas[0] !== id) return replicas.map((replica) => replica === id ? added : replica);
    // One that has the records already can lead at once.
    const inSync = staying.filter((replica) => isr.includes(replica));
    const leader = load.fewestLed(inSync.length > 0 ? inSync : staying) ?? added;
    return [leader, ...[...staying, added].filter((replica) => replica !== leader)];
  }, load);
}

/** Makes a broker the last choice as leader. Partitions without another replica stay. */
export function planLeadersAway(view: PlacementView, id: number): ReplicaMove[] {
  const load = new Load(view);
  const led = partitionsOf(view.topics).filter(({ partition: { replicas, leaderId } }) =>
    replicas.length > 1 && (replicas[0] === id || leaderId === id)
  );
  return plan(led, ({ replicas, isr }) => {
    const others = replicas.filter((replica) => replica !== id);
    const inSync = others.filter((replica) => isr.includes(replica));
    const leader = load.fewestLed(inSync.length > 0 ? inSync : others)!;
    return [leader, ...others.filter((replica) => replica !== leader), id];
  }, load);
}

/**
 * Spreads partitions evenly over some brokers, with as many replicas as they have.
 *
 * @param targets The ids of the brokers.
 * @throws {CommandError} If there are fewer brokers than a partition has replicas.
 */
export function planSpread(
  view: PlacementView,
  partitions: readonly Planned[],
  targets: readonly number[],
): ReplicaMove[] {
  const live = new Set(view.brokers.map(({ id }) => id));
  const unknown = targets.find((id) => !live.has(id));
  if (unknown !== undefined) {
    throw new CommandError(
      `Cannot use broker ${unknown}: the live brokers are ${[...live].join(", ")}`,
    );
  }
  const large = partitions.find(({ partition }) => partition.replicas.length > targets.length);
  if (large !== undefined) {
    throw new CommandError(
      `Cannot place ${large.partition.replicas.length} replicas of ${nameOf(large)}: --to has ` +
        countOf(targets, "broker"),
    );
  }
  const load = new Load({ ...view, topics: [] }, (id) => targets.includes(id));
  const spread = partitions.map(({ topic, partition: { partition, replicas } }) => {
    const to = replicas.filter((id) => targets.includes(id));
    load.replace([], to);
    return { topic, partition, from: replicas, to: [...to] };
  });
  for (const { from, to } of spread) {
    const before = [...to];
    while (to.length < from.length) to.push(load.best(to)!);
    load.replace(before, to);
  }
  evenReplicas(spread, targets, load);
  evenLeaders(spread, targets, load);
  return spread.filter(({ from, to }) => `${from}` !== `${to}`);
}

/** A partition whose planned replicas can be changed. */
interface OpenMove extends ReplicaMove {
  to: number[];
}

/** Moves single replicas from the brokers with the most to those with the fewest. */
function evenReplicas(moves: readonly OpenMove[], targets: readonly number[], load: Load): void {
  const byLoad = () => targets.toSorted((a, b) => load.replicasOf(a) - load.replicasOf(b));
  for (;;) {
    const sorted = byLoad();
    const least = sorted[0]!;
    const most = sorted.at(-1)!;
    if (load.replicasOf(most) - load.replicasOf(least) <= 1) return;
    const movable = moves.filter(({ to }) => to.includes(most) && !to.includes(least));
    const isSpread = ({ to }: OpenMove) => !load.isNear(least, to.filter((id) => id !== most));
    // What has to be copied anyway comes first.
    const isCopied = ({ from }: OpenMove) => !from.includes(most);
    const move = movable.find((each) => isCopied(each) && isSpread(each)) ??
      movable.find(isSpread) ?? movable[0];
    if (move === undefined) return;
    const before = move.to;
    move.to = before.map((id) => id === most ? least : id);
    load.replace(before, move.to);
  }
}

/** Changes which of their replicas leads partitions. */
function evenLeaders(moves: readonly OpenMove[], targets: readonly number[], load: Load): void {
  for (;;) {
    const sorted = targets.toSorted((a, b) => load.ledBy(b) - load.ledBy(a));
    const change = findLeader(moves, sorted, load);
    if (change === undefined) return;
    const { move, leader } = change;
    const before = move.to;
    move.to = [leader, ...before.filter((id) => id !== leader)];
    load.replace(before, move.to);
  }
}

/** A partition of a broker that leads many, and a replica of it that leads at least two fewer. */
function findLeader(moves: readonly OpenMove[], mostFirst: readonly number[], load: Load) {
  for (const most of mostFirst) {
    for (const least of mostFirst.toReversed()) {
      if (load.ledBy(most) - load.ledBy(least) <= 1) break;
      const move = moves.find(({ to }) => to[0] === most && to.includes(least));
      if (move !== undefined) return { move, leader: least };
    }
  }
  return undefined;
}

function nameOf({ topic, partition: { partition } }: Planned): string {
  return `${topic}-${partition}`;
}

/** All partitions of topics. */
export function partitionsOf(topics: readonly TopicDescription[]): Planned[] {
  return topics.flatMap(({ name, partitions }) =>
    partitions.map((partition) => ({ topic: name, partition }))
  );
}

/** The moves of partitions whose replicas change. */
function plan(
  partitions: readonly Planned[],
  next: (partition: Partition, name: string) => readonly number[],
  load: Load,
): ReplicaMove[] {
  return partitions.flatMap((planned) => {
    const { topic, partition } = planned;
    const { partition: index, replicas: from } = partition;
    const to = next(partition, nameOf(planned));
    load.replace(from, to);
    return `${from}` === `${to}` ? [] : [{ topic, partition: index, from, to }];
  });
}

/** How many replicas brokers have, and of how many they are the preferred leader. */
class Load {
  readonly #racks: Map<number, string | null>;
  readonly #candidates: readonly number[];
  readonly #replicas: Map<number, number> = new Map();
  readonly #led: Map<number, number> = new Map();

  constructor(
    { brokers, draining, topics }: PlacementView,
    isCandidate: (id: number) => boolean = (id) => !draining.has(id),
  ) {
    this.#racks = new Map(brokers.map(({ id, rack }) => [id, rack]));
    this.#candidates = brokers.map(({ id }) => id).filter(isCandidate).sort((a, b) => a - b);
    for (const { partition } of partitionsOf(topics)) this.#count(partition.replicas, 1);
  }

  replicasOf(id: number): number {
    return this.#replicas.get(id) ?? 0;
  }

  ledBy(id: number): number {
    return this.#led.get(id) ?? 0;
  }

  /** The broker that should get another replica; undefined if all have one. */
  best(taken: readonly number[]): number | undefined {
    const isNear = (id: number) => this.isNear(id, taken) ? 1 : 0;
    return this.#candidates.filter((id) => !taken.includes(id)).toSorted((a, b) =>
      isNear(a) - isNear(b) || this.replicasOf(a) - this.replicasOf(b) || a - b
    )[0];
  }

  /** Whether a broker is in the rack of another one; without racks they all are. */
  isNear(id: number, others: readonly number[]): boolean {
    return others.some((other) => this.#racks.get(other) === this.#racks.get(id));
  }

  /** The replica to give up: not the first; one that is away or behind, or shares a rack. */
  worst([first, ...others]: readonly number[], isr: readonly number[]): number {
    const all = [first!, ...others];
    const isAway = (id: number) => this.#racks.has(id) ? 0 : 1;
    const isBehind = (id: number) => isr.includes(id) ? 0 : 1;
    const isDouble = (id: number) => this.isNear(id, all.filter((each) => each !== id)) ? 1 : 0;
    return others.toSorted((a, b) =>
      isAway(b) - isAway(a) || isBehind(b) - isBehind(a) || isDouble(b) - isDouble(a) ||
      this.replicasOf(b) - this.replicasOf(a) || all.indexOf(b) - all.indexOf(a)
    )[0]!;
  }

  /** The broker that is the preferred leader of the fewest partitions. */
  fewestLed(ids: readonly number[]): number | undefined {
    return ids.toSorted((a, b) =>
      this.ledBy(a) - this.ledBy(b) || ids.indexOf(a) - ids.indexOf(b)
    )[0];
  }

  /** Counts what was planned for a partition. */
  replace(from: readonly number[], to: readonly number[]): void {
    this.#count(from, -1);
    this.#count(to, 1);
  }

  #count(replicas: readonly number[], by: number): void {
    for (const id of replicas) this.#replicas.set(id, this.replicasOf(id) + by);
    const [first] = replicas;
    if (first !== undefined) this.#led.set(first, this.ledBy(first) + by);
  }
}

function countOf(items: readonly unknown[], thing: string): string {
  return `${items.length} ${thing}${items.length === 1 ? "" : "s"}`;
}
