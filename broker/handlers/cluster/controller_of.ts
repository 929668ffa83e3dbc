/**
 * The broker to which clients send requests for the controller.
 *
 * @module
 */

import type { RequestContext } from "../../handler.ts";
import { reachableBroker } from "./reachable_brokers.ts";

/**
 * The controller's broker id; this broker's while none is registered, or the client cannot reach it,
 * because it forwards requests as soon as there is a controller.
 */
export function controllerOf(context: RequestContext): number {
  const { controllerId, nodeId } = context.broker.cluster;
  return reachableBroker(controllerId, context) === undefined ? nodeId : controllerId;
}
