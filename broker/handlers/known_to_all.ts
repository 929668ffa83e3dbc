/**
 * Handlers of requests that change metadata.
 *
 * @module
 */

import type { Api } from "../../protocol/schema/schema.ts";
import type { ApiHandler, HandlerResult } from "../handler.ts";

/**
 * Delays the controller's response to a request that has changed metadata until all brokers know
 * the change, so that the client can continue with any of them.
 */
export function knownToAll(handler: ApiHandler): ApiHandler {
  const { handle } = handler;
  return {
    ...handler,
    handle: async (request, context): Promise<HandlerResult<Api>> => {
      const { cluster, heartbeats } = context.broker;
      const before = cluster.lastDecision;
      const answer = await handle(request, context);
      const { lastDecision } = cluster;
      if (lastDecision > before && cluster.isController()) await heartbeats.known(lastDecision);
      return answer;
    },
  };
}
