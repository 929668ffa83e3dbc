/**
 * Chooses a replica near to a consumer (KIP-392).
 *
 * @module
 */

import type { ClusterState } from "../cluster/cluster_state.ts";
import type { ReplicatedPartition } from "../roles/replicated_partition.ts";

/**
 * The in-sync replica that a consumer in a rack should read from, instead of this leader; undefined if
 * there is none, or this broker is in that rack.
 *
 * @param fetchOffset Where the consumer is; the replica must have that much.
 */
export function preferredReplica(
  { leadership, state: { leaderId, isr } }: ReplicatedPartition,
  rack: string,
  fetchOffset: number,
  cluster: ClusterState,
): number | undefined {
  if (leadership === undefined || rack === "" || cluster.broker(leaderId)?.rack === rack) {
    return undefined;
  }
  // Followers are not sure of themselves, either.
  if (cluster.isFenced) return undefined;
  let best: number | undefined;
  let bestEnd = fetchOffset - 1;
  for (const id of isr) {
    const end = leadership.endOf(id);
    if (end === undefined || end <= bestEnd || cluster.broker(id)?.rack !== rack) continue;
    best = id;
    bestEnd = end;
  }
  return best;
}
