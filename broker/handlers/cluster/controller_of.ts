/**
 * Which broker clients send requests for the controller to.
 *
 * @module
 */

import type { ClusterState } from "../../cluster/cluster_state.ts";

/** The controller; this broker, which forwards to it as soon as there is one, while none is registered. */
export function controllerOf(cluster: ClusterState): number {
  const { controllerId, nodeId } = cluster;
  return cluster.broker(controllerId) === undefined ? nodeId : controllerId;
}
