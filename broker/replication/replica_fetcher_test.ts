import { assert } from "@std/assert";
import type { ClusterState } from "../cluster/cluster_state.ts";
import type { Peers } from "../cluster/peers.ts";
import { silentLogger } from "../logger.ts";
import { ManualClock } from "../time/clock.ts";
import { Following, type FollowingPartition } from "../roles/following.ts";
import { partitionStateOf } from "../cluster/topic_state_testing.ts";
import { ReplicaFetcher } from "./replica_fetcher.ts";
import { ReplicationThrottle } from "./replication_throttle.ts";

/** A replica of partition 0 that has nothing to flush. */
function followingOf(): Following {
  const partition = {
    topicId: "t",
    index: 0,
    log: { flush: () => Promise.resolve() },
    whenCut: () => Promise.resolve(),
  };
  return new Following(partition as unknown as FollowingPartition, partitionStateOf());
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
  const options = {
    clock,
    cluster: cluster as unknown as ClusterState,
    logger: silentLogger,
    throttle: new ReplicationThrottle(clock, () => Infinity),
    leaderRate: () => Infinity,
  };
  const fetcher = new ReplicaFetcher(2, { ...options, peers: peers as unknown as Peers });
  const settle = async () => {
    for (let round = 0; round < 50; round++) await undefined;
  };
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
