/**
 * DescribeCluster: the cluster's id, brokers and controller (KIP-700). Versions 0 to 2.
 *
 * Version 1 distinguishes brokers from controllers (KIP-919). Only brokers are described; a broker
 * that is also controller has no other listener. Version 2 can include fenced brokers (KIP-1073): this
 * broker while it is unsure that the metadata store still lists it. Others whose registration has
 * ended are unknown.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  describeCluster,
  type DescribeClusterRequest,
  type DescribeClusterResponse,
} from "../../../protocol/messages/cluster/describe_cluster.ts";
import { NO_AUTHORIZED_OPERATIONS } from "../../../protocol/messages/topics/metadata.ts";
import { clusterOperations } from "../authorized_operations.ts";
import { controllerOf } from "./controller_of.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { inHandler, rule } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { reachableBrokers } from "./reachable_brokers.ts";

const EndpointType = { brokers: 1, controllers: 2 } as const;

/** Serves DescribeCluster. */
export const describeClusterHandler: ApiHandler = handler(
  describeCluster,
  handleDescribeCluster,
  inHandler(rule(AclOperation.describe, AclResourceType.cluster, "shown")),
);

function handleDescribeCluster(
  request: DescribeClusterRequest,
  context: RequestContext,
): DescribeClusterResponse {
  const { cluster } = context.broker;
  const { endpointType, includeFencedBrokers } = request;
  const answer = { endpointType, clusterId: cluster.clusterId };
  if (endpointType !== EndpointType.brokers) {
    const isKnown = endpointType === EndpointType.controllers;
    return {
      ...answer,
      errorCode: isKnown ? ErrorCode.MISMATCHED_ENDPOINT_TYPE : ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
      errorMessage: `Cannot describe endpoints of type ${endpointType}: ` +
        `this listener serves type ${EndpointType.brokers} (brokers)`,
      brokers: [],
    };
  }
  return {
    ...answer,
    errorCode: ErrorCode.NONE,
    controllerId: controllerOf(context),
    brokers: reachableBrokers(context).map(({ id, host, port, rack }) => ({
      brokerId: id,
      host,
      port,
      rack,
      // It may serve again without having been away, so it is listed in any case.
      isFenced: includeFencedBrokers && id === cluster.nodeId && cluster.isFenced,
    })),
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? clusterOperations(context)
      : NO_AUTHORIZED_OPERATIONS,
  };
}
