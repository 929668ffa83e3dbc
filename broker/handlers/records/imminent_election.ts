/**
 * Requests that arrive at the next leader of a partition just before it knows that it leads.
 *
 * Brokers learn of an election one after the other, within some milliseconds. A client that was sent here
 * by one that is faster would be refused, and come back only after its back-off of 100 ms or more.
 *
 * @module
 */

import type { ClusterState } from "../../cluster/cluster_state.ts";
import type { RequestContext } from "../../handler.ts";
import type { Partition } from "../../topics/partition.ts";

/** How long a request waits for an election. */
const MAX_WAIT_MS = 200;

/**
 * Whether this broker, which does not lead the partition, may be elected any moment: it is in sync, and
 * the leader has gone or is about to stop.
 */
export function mayLeadSoon(partition: Partition, cluster: ClusterState): boolean {
  const { isr, leaderId } = partition;
  if (cluster.isFenced || partition.isLeader || !isr.includes(cluster.nodeId)) return false;
  return cluster.broker(leaderId) === undefined || cluster.isShuttingDown(leaderId);
}

/**
 * Resolves when a leader has been elected, or it takes too long, or nobody waits for the response any
 * more.
 */
export function whenElected(
  partition: Partition,
  { broker: { timeouts }, signal }: RequestContext,
): Promise<void> {
  const { leaderEpoch } = partition;
  return new Promise((resolve) => {
    const end = () => {
      timeouts.clear(timeout);
      unsubscribe();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timeout = timeouts.set(end, MAX_WAIT_MS);
    const unsubscribe = partition.subscribe(() => {
      if (partition.leaderEpoch !== leaderEpoch) end();
    });
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
