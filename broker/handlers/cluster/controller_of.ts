/**
 * The broker to which clients send requests for the controller.
 *
 * @module
 */

import type { ClusterState } from "../../cluster/cluster_state.ts";

/**
 * The controller's broker id; this broker's while none is registered, because it forwards requests
 * as soon as there is a controller.
 */
export function controllerOf(cluster: ClusterState): number {
  const { controllerId, nodeId } = cluster;
  return cluster.broker(controllerId) === undefined ? nodeId : controllerId;
}
