import { assert, assertEquals } from "@std/assert";
import type { ClusterState } from "../cluster/cluster_state.ts";
import type { Peers } from "../peers/peers.ts";
import { silentLogger } from "../logger.ts";
import { ManualClock } from "../time/clock.ts";
import { Following, type FollowingPartition } from "../roles/following.ts";
import { partitionStateOf } from "../cluster/topic_state_testing.ts";
import { ReplicaFetcher } from "./replica_fetcher.ts";
import { ReplicationThrottle } from "./replication_throttle.ts";

/** A replica of a partition that has nothing to flush. */
function followingOf(index = 0, flush = () => Promise.resolve()): Following {
  const partition = {
    topicId: "t",
    index,
    log: { flush, logEndOffset: 7, latestEpoch: 1 },
    highWatermark: () => 0,
    logStartOffset: () => 0,
    whenCut: () => Promise.resolve(),
  };
  return new Following(partition as unknown as FollowingPartition, partitionStateOf());
}

/** A fetcher from broker 2, with as much of the cluster and of its peers as it asks. */
function fetcherWith(
  { clock, cluster, peers }: {
    readonly clock: ManualClock;
    readonly cluster: object;
    readonly peers: object;
  },
): ReplicaFetcher {
  return new ReplicaFetcher(2, {
    clock,
    cluster: cluster as ClusterState,
    peers: peers as Peers,
    logger: silentLogger,
    throttle: new ReplicationThrottle(clock, () => Infinity),
    leaderRate: () => Infinity,
  });
}

/** Resolves when what needs no timer has been done. */
async function settle(): Promise<void> {
  for (let round = 0; round < 50; round++) await undefined;
}

Deno.test("ReplicaFetcher fetches a partition that is added while it ends for want of others", async () => {
  const clock = new ManualClock();
  let attempts = 0;
  const cluster = {
    nodeId: 1,
    brokerEpoch: 7,
    broker: () => {
      attempts++;
      return undefined;
    },
  };
  const peers = { disconnect: () => {} };
  const fetcher = fetcherWith({ clock, cluster, peers });
  // However many rounds of microtasks lie between the two.
  for (let rounds = 0; rounds < 12; rounds++) {
    const [first, second] = [followingOf(), followingOf()];
    fetcher.add(first);
    await settle();
    fetcher.remove(first);
    fetcher.retry();
    for (let round = 0; round < rounds; round++) await undefined;
    fetcher.add(second);
    const before = attempts;
    await settle();
    clock.advance(1000);
    await settle();
    assert(attempts > before, `after ${rounds} rounds it is not fetched`);
    fetcher.remove(second);
    fetcher.retry();
    await settle();
  }
  await fetcher.close();
});

Deno.test("ReplicaFetcher tells no position that was added while others were flushed before it is flushed", async () => {
  const clock = new ManualClock();
  const told: number[][] = [];
  const peers = {
    disconnect: () => {},
    request: (_to: unknown, _api: unknown, _version: number, request: {
      readonly topics: readonly {
        readonly partitions: readonly { readonly partition: number }[];
      }[];
    }) => {
      told.push(request.topics.flatMap((topic) => topic.partitions.map((of) => of.partition)));
      return Promise.reject(new Error("nobody is there"));
    },
  };
  const cluster = { nodeId: 1, brokerEpoch: 7, broker: () => ({ id: 2 }) };
  const fetcher = fetcherWith({ clock, cluster, peers });
  const first = Promise.withResolvers<void>();
  fetcher.add(followingOf(0, () => first.promise));
  await settle();
  // Another becomes a follower while the first one is flushed; its disk is slow.
  const second = Promise.withResolvers<void>();
  fetcher.add(followingOf(1, () => second.promise));
  first.resolve();
  await settle();
  assertEquals(told, [[0]]);
  clock.advance(1000);
  await settle();
  assertEquals(told, [[0]]);
  second.resolve();
  await settle();
  assertEquals(told.map((of) => of.toSorted()), [[0], [0, 1]]);
  await fetcher.close();
});
