/**
 * What can go wrong with the machines of a cluster, their network and their metadata store.
 *
 * @module
 */

import type { Random } from "../../../protocol/random_testing.ts";
import { type ClusterMachine, GOOD_DISK_MS } from "./cluster_machine.ts";
import type { SimEtcd } from "./etcd.ts";
import type { SimNetwork } from "./network.ts";

/** The faults, by the names under which they can be left out. */
export const CLUSTER_FAULTS = [
  "kill",
  "power",
  "restart",
  "two-die",
  "all-power",
  "lost-disk",
  "pause",
  "clock",
  "partition",
  "one-way",
  "two-apart",
  "cut-connection",
  "store-away",
  "store-gone",
  "store-late",
  "store-election",
  "store-revokes",
  "store-compacts",
  "failed-sync",
  "slow-disk",
] as const;

/** The name of a fault. */
export type ClusterFault = typeof CLUSTER_FAULTS[number];

/** What faults act on. */
export interface FaultContext {
  readonly machines: readonly ClusterMachine[];
  readonly network: SimNetwork;
  readonly etcd: SimEtcd;
  readonly random: Random;
  /** Replicas of topics: one is lost with a disk. */
  readonly replicas: number;
  /** Names of the clients' hosts. */
  readonly hosts: readonly string[];
  /** Whether nothing else is failing. */
  readonly isCalm: boolean;
  /** Whether some partition would lose its last replica in sync with a machine's disk. */
  isLastInSync(machine: ClusterMachine): boolean;
}

/** A fault that has been drawn. */
export interface DrawnFault {
  readonly fault: ClusterFault;
  readonly durationMs: number;
  /** Begins it; returns what ends it. */
  readonly begin: () => () => void;
}

const nothing = () => {};

/** Draws a fault. */
export function drawFault(context: FaultContext): DrawnFault {
  const { machines, network, etcd, random, replicas } = context;
  const machine = random.pick(machines);
  const shortMs = random.below(1500);
  const longMs = random.below(random.chance(0.5) ? 3000 : 9000);
  const draw = random.weighted<() => DrawnFault>([
    [4, () => crash("kill", [machine], "kill", shortMs)],
    [4, () => crash("power", [machine], "power", longMs)],
    [2, () => restart(machine, shortMs)],
    [1.5, () => crash("two-die", twoOf(context), random.pick(["kill", "power"]), longMs)],
    [1, () => crash("all-power", machines, "power", longMs)],
    [4, () => pause(machine, longMs)],
    [1, () => clock(machine, random, longMs)],
    [2, () => isolate("partition", context, machine, [true, true], longMs)],
    [
      2,
      () =>
        isolate("one-way", context, machine, random.pick([[true, false], [false, true]]), longMs),
    ],
    [1, () => block("two-apart", network, pairs(twoOf(context).map(({ name }) => name)), longMs)],
    [1, () => instant("cut-connection", () => network.cut(machine.name, () => random.chance(0.5)))],
    [3, () => storeAway(random.chance(0.4) ? machines : [machine], network, longMs)],
    [1.4, () => storeGone(context, machine)],
    [5, () => storeLate(machine, network, random, longMs)],
    [1, () => instant("store-election", () => etcd.elect())],
    [0.5, () => instant("store-revokes", () => etcd.revokeAll())],
    [1, () => instant("store-compacts", () => etcd.compact())],
    [1, () => failedSync(machine, random, shortMs)],
    [3, () => slowDisk(machine, random, longMs)],
    [replicas > 1 ? 4 : 0, () => lostDisk(context, machine, shortMs)],
  ]);
  return draw();
}

function instant(fault: ClusterFault, act: () => void): DrawnFault {
  return {
    fault,
    durationMs: 0,
    begin: () => {
      act();
      return nothing;
    },
  };
}

/** Draws two machines. */
export function twoOf(
  { machines, random }: Pick<FaultContext, "machines" | "random">,
): ClusterMachine[] {
  const first = random.pick(machines);
  const others = machines.filter((machine) => machine !== first);
  return others.length === 0 ? [first] : [first, random.pick(others)];
}

function crash(
  fault: ClusterFault,
  machines: readonly ClusterMachine[],
  kind: "kill" | "power",
  durationMs: number,
): DrawnFault {
  return {
    fault,
    durationMs,
    begin: () => {
      for (const machine of machines) machine.crash(kind);
      return () => {
        for (const machine of machines) machine.start();
      };
    },
  };
}

function restart(machine: ClusterMachine, durationMs: number): DrawnFault {
  return {
    fault: "restart",
    durationMs,
    begin: () => {
      machine.stop();
      return () => machine.start();
    },
  };
}

function pause(machine: ClusterMachine, durationMs: number): DrawnFault {
  return {
    fault: "pause",
    durationMs,
    begin: () => {
      machine.pause();
      return () => {
        if (machine.isPaused) machine.resume();
      };
    },
  };
}

function clock(machine: ClusterMachine, random: Random, durationMs: number): DrawnFault {
  return {
    fault: "clock",
    durationMs,
    begin: () => {
      machine.setClock({
        offsetMs: random.pick([0, -5000, 400, 20_000]),
        rate: random.pick([1, 0.98, 1.02]),
      });
      return () => machine.setClock({ offsetMs: 0, rate: 1 });
    },
  };
}

type Direction = readonly [from: string, to: string];

function pairs([first, second]: readonly string[]): Direction[] {
  return second === undefined ? [] : [[first!, second], [second, first!]];
}

function block(
  fault: ClusterFault,
  network: SimNetwork,
  directions: readonly Direction[],
  durationMs: number,
): DrawnFault {
  return {
    fault,
    durationMs,
    begin: () => {
      for (const [from, to] of directions) network.setBlocked(from, to, true);
      return () => {
        for (const [from, to] of directions) network.setBlocked(from, to, false);
      };
    },
  };
}

/** Cuts a machine from the others, in some directions; from the store and the clients perhaps, too. */
function isolate(
  fault: ClusterFault,
  { machines, network, random, hosts }: FaultContext,
  machine: ClusterMachine,
  [isOutward, isInward]: readonly [boolean, boolean],
  durationMs: number,
): DrawnFault {
  const others = machines.filter((other) => other !== machine).map(({ name }) => name);
  const all = random.chance(0.5) ? [...others, ...hosts] : others;
  const isStoreAway = random.chance(0.5);
  const { begin } = block(
    fault,
    network,
    all.flatMap((name): Direction[] => [
      ...(isOutward ? [[machine.name, name] as const] : []),
      ...(isInward ? [[name, machine.name] as const] : []),
    ]),
    durationMs,
  );
  return {
    fault,
    durationMs,
    begin: () => {
      const end = begin();
      if (!isStoreAway) return end;
      const endStore = storeAway([machine], network, durationMs).begin();
      return () => {
        endStore();
        end();
      };
    },
  };
}

function storeAway(
  machines: readonly ClusterMachine[],
  { timeline }: SimNetwork,
  durationMs: number,
  fault: "store-away" | "store-gone" = "store-away",
): DrawnFault {
  return {
    fault,
    durationMs,
    begin: () => {
      for (const { weather } of machines) {
        weather.isAway = true;
        weather.badUntilMs = Infinity;
      }
      return () => {
        for (const { weather } of machines) {
          weather.isAway = false;
          weather.badUntilMs = timeline.nowMs;
        }
      };
    },
  };
}

/**
 * For longer than sessions last, so that other brokers take over if they reach it: from all, one, or all
 * others, which may follow each other meanwhile.
 */
function storeGone(
  { machines, network, random }: FaultContext,
  machine: ClusterMachine,
): DrawnFault {
  const others = machines.filter((other) => other !== machine);
  const cutOff = random.pick([machines, [machine], others]);
  return storeAway(cutOff, network, 7000 + random.below(15_000), "store-gone");
}

function storeLate(
  { weather }: ClusterMachine,
  { timeline }: SimNetwork,
  random: Random,
  durationMs: number,
): DrawnFault {
  return {
    fault: "store-late",
    durationMs,
    begin: () => {
      weather.lagMs = random.pick([50, 400, 1000]);
      weather.watchLagMs = random.pick([0, 0, 2500]);
      weather.lossRate = random.pick([0, 0.2, 0.5, 0.9]);
      weather.echoRate = random.pick([0, 0.3]);
      weather.badUntilMs = Infinity;
      return () => {
        weather.badUntilMs = timeline.nowMs;
        weather.lagMs =
          weather.watchLagMs =
          weather.lossRate =
          weather.echoRate =
            0;
      };
    },
  };
}

/**
 * Replaces a disk by an empty one, unless that must lose records: also while something else fails, when
 * a change that leaves this replica alone in sync may be under way.
 */
function lostDisk(
  { machines, isCalm, isLastInSync }: FaultContext,
  machine: ClusterMachine,
  durationMs: number,
): DrawnFault {
  return {
    fault: "lost-disk",
    durationMs,
    begin: () => {
      const isOnlyOne = machines.every(({ isUp, isDiskLost }) => isUp && !isDiskLost);
      if (!isCalm || !isOnlyOne || isLastInSync(machine)) return nothing;
      machine.crash("power");
      machine.loseDisk();
      return () => machine.start();
    },
  };
}

function failedSync(machine: ClusterMachine, random: Random, durationMs: number): DrawnFault {
  return {
    fault: "failed-sync",
    durationMs,
    begin: () => {
      machine.fs.failNext("sync", random.pick(["EIO", "ENOSPC"]), random.below(8));
      return () => {
        // The operator starts it again.
        machine.crash("kill");
        machine.start();
      };
    },
  };
}

function slowDisk(machine: ClusterMachine, random: Random, durationMs: number): DrawnFault {
  return {
    fault: "slow-disk",
    durationMs,
    begin: () => {
      machine.diskMs = random.pick([20, 200, 1000, 4000]);
      return () => machine.diskMs = GOOD_DISK_MS;
    },
  };
}
