/**
 * UnregisterBroker: forgets a broker that has stopped for good, so that its number is free (KIP-500).
 * Version 0.
 *
 * A running broker is refused, and, other than in Kafka, one that still has replicas: it would take
 * them with it.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  unregisterBroker,
  type UnregisterBrokerRequest,
  type UnregisterBrokerResponse,
} from "../../../protocol/messages/cluster/unregister_broker.ts";
import type { ClusterState } from "../../cluster/cluster_state.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { onCluster } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { failure, SUCCESS } from "../outcome.ts";

/** Serves UnregisterBroker. */
export const unregisterBrokerHandler: ApiHandler = handler(
  unregisterBroker,
  handleUnregisterBroker,
  onCluster(AclOperation.alter),
);

async function handleUnregisterBroker(
  { brokerId }: UnregisterBrokerRequest,
  context: RequestContext,
): Promise<UnregisterBrokerResponse> {
  const { cluster } = context.broker;
  const refuse = (reason: string) => ({
    errorCode: ErrorCode.INVALID_REQUEST,
    errorMessage: `Cannot unregister broker ${brokerId}: ${reason}`,
  });
  try {
    return await cluster.retry(async () => {
      if (cluster.broker(brokerId) !== undefined) return refuse("it is running");
      const replicas = replicasOf(cluster, brokerId);
      if (replicas > 0) {
        return refuse(
          `it has replicas of ${replicas} partitions; move them to other brokers first`,
        );
      }
      if (await cluster.membership.forget(brokerId)) return SUCCESS;
      return {
        errorCode: ErrorCode.BROKER_ID_NOT_REGISTERED,
        errorMessage: `Broker ID ${brokerId} is not currently registered`,
      };
    });
  } catch (error) {
    return failure(error, context);
  }
}

function replicasOf(cluster: ClusterState, id: number): number {
  let count = 0;
  for (const { partitions } of cluster.topics()) {
    for (const { replicas } of partitions) if (replicas.includes(id)) count++;
  }
  return count;
}
