/**
 * What can go wrong with the machines of a cluster, and for how long.
 *
 * @module
 */

import type { Random } from "../../../protocol/random_testing.ts";
import type { BrokerCluster } from "../../support/broker/broker_cluster.ts";
import type { Machine } from "../../support/machine.ts";
import type { FaultNetwork } from "./network.ts";

/** Where faults happen. */
export interface FaultSite {
  readonly cluster: BrokerCluster;
  readonly network: FaultNetwork;
  readonly brokers: readonly Machine[];
  readonly etcd: readonly Machine[];
  readonly random: Random;
  /** Resolves when every broker sees all brokers, and all replicas in sync. */
  inSync(): Promise<void>;
}

/** A fault. */
export interface Fault {
  readonly name: string;
  /** Whether a cluster whose partitions have replicas should hardly notice it. */
  readonly isSingle: boolean;
  /**
   * Makes it happen, and ends it; resolves when all processes run and reach each other.
   *
   * @returns The ids of the brokers that were affected.
   */
  inject(site: FaultSite): Promise<readonly number[]>;
}

const SECOND = 1000;

/** All faults. */
export const FAULTS: readonly Fault[] = [
  single("kill -9", async ({ cluster }, id, pause) => {
    await cluster.kill(id);
    await pause(0.5, 4);
    await cluster.start(id);
  }),
  single("stop and continue", async ({ cluster }, id, pause) => {
    cluster.broker(id).pause();
    await pause(1.5, 10);
    cluster.broker(id).resume();
  }),
  single("unplugged", async ({ network, brokers }, id, pause) => {
    await network.unplug(brokers[id - 1]!);
    await pause(1.5, 10);
    await network.heal();
  }),
  single("unplugged for a moment", async ({ network, brokers }, id, pause) => {
    await network.unplug(brokers[id - 1]!);
    await pause(0.2, 1.5);
    await network.heal();
  }),
  single("cut off etcd", async ({ network, brokers, etcd }, id, pause) => {
    for (const member of etcd) await network.cut(brokers[id - 1]!, member);
    await pause(1.5, 12);
    await network.heal();
  }),
  single("cannot send to etcd", async ({ network, brokers, etcd }, id, pause) => {
    for (const member of etcd) await network.block(brokers[id - 1]!, member);
    await pause(1.5, 12);
    await network.heal();
  }),
  pair("two cut from each other", async ({ network, brokers }, [one, other], pause) => {
    await network.cut(brokers[one - 1]!, brokers[other - 1]!);
    await pause(1.5, 10);
    await network.heal();
  }),
  pair("one cannot send to the other", async ({ network, brokers }, [one, other], pause) => {
    await network.block(brokers[one - 1]!, brokers[other - 1]!);
    await pause(1.5, 10);
    await network.heal();
  }),
  single("restart", async ({ cluster }, id) => {
    await cluster.stop(id);
    await cluster.start(id);
  }),
  {
    name: "rolling restart",
    isSingle: false,
    inject: async ({ cluster, inSync }) => {
      for (const id of cluster.addresses.map((_, at) => at + 1)) {
        await cluster.stop(id);
        await cluster.start(id);
        await inSync();
      }
      return [];
    },
  },
  {
    name: "kill -9 of etcd's leader",
    isSingle: true,
    inject: async ({ cluster: { etcd }, random }) => {
      const leader = await etcd.leader();
      await etcd.kill(leader);
      await sleep(random, 1, 5);
      etcd.restart(leader);
      await etcd.ready(leader);
      return [];
    },
  },
  {
    name: "stop of etcd's leader",
    isSingle: true,
    inject: async ({ cluster: { etcd }, random }) => {
      const leader = await etcd.leader();
      etcd.pause(leader);
      await sleep(random, 1, 8);
      etcd.resume(leader);
      return [];
    },
  },
  {
    name: "kill -9 of a broker and etcd's leader",
    isSingle: false,
    inject: async ({ cluster, random }) => {
      const { etcd } = cluster;
      const leader = await etcd.leader();
      const id = idOf(cluster, random);
      await Promise.all([etcd.kill(leader), cluster.kill(id)]);
      await sleep(random, 1, 5);
      etcd.restart(leader);
      await etcd.ready(leader);
      await cluster.start(id);
      return [id];
    },
  },
  {
    name: "kill -9 of all brokers",
    isSingle: false,
    inject: async ({ cluster }) => {
      const ids = cluster.addresses.map((_, at) => at + 1);
      await Promise.all(ids.map((id) => cluster.kill(id)));
      await Promise.all(ids.map((id) => cluster.start(id)));
      return ids;
    },
  },
];

type Pause = (minSeconds: number, maxSeconds: number) => Promise<void>;

/** A fault of one broker. */
function single(
  name: string,
  inject: (site: FaultSite, id: number, pause: Pause) => Promise<void>,
): Fault {
  return {
    name,
    isSingle: true,
    inject: async (site) => {
      const id = idOf(site.cluster, site.random);
      await inject(site, id, (min, max) => sleep(site.random, min, max));
      return [id];
    },
  };
}

/** A fault between two brokers. */
function pair(
  name: string,
  inject: (site: FaultSite, ids: readonly [number, number], pause: Pause) => Promise<void>,
): Fault {
  return {
    name,
    isSingle: true,
    inject: async (site) => {
      const { cluster, random } = site;
      const one = idOf(cluster, random);
      const others = cluster.addresses.map((_, at) => at + 1).filter((id) => id !== one);
      const ids = [one, random.pick(others)] as const;
      await inject(site, ids, (min, max) => sleep(random, min, max));
      return ids;
    },
  };
}

function idOf({ addresses }: BrokerCluster, random: Random): number {
  return 1 + random.below(addresses.length);
}

/**
 * Lets a fault last. Most last just longer than it takes to notice them, and one in four or five
 * outlasts the brokers' sessions.
 */
async function sleep(random: Random, minSeconds: number, maxSeconds: number): Promise<void> {
  const seconds = minSeconds + random.next() ** 3 * (maxSeconds - minSeconds);
  await new Promise((resolve) => setTimeout(resolve, seconds * SECOND));
}
