/**
 * Helpers shared by the group APIs.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { Api } from "../../../protocol/schema/schema.ts";
import { NO_AUTHORIZED_OPERATIONS } from "../../../protocol/messages/topics/metadata.ts";
import { ApiError } from "../../api_error.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import type { TopicState } from "../../cluster/cluster_state.ts";
import { GROUP_VERSION } from "../../cluster/features.ts";
import type { GroupClient } from "../../groups/environment.ts";
import { coordinatorErrorCode } from "../../coordinators/shard.ts";
import type { Access, RequestContext } from "../../handler.ts";
import { mayDo, ofRequest } from "../access/mod.ts";
import { groupOperations } from "../authorized_operations.ts";

/** The client of a request, as stored with group members. */
export function groupClient(context: RequestContext): GroupClient {
  const { apiVersion, clientId, peer, broker } = context;
  const host = peer.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  // Java formats addresses this way, and tools print them unchanged.
  const client = { apiVersion, clientId, clientHost: `/${host}` };
  if (broker.authorizer.isOpen) return client;
  const { describe } = AclOperation;
  const mayDescribe = (topic: string) => mayDo(context, describe, AclResourceType.topic, topic);
  return { ...client, mayDescribe };
}

/** The error code for a failed group request. */
export function groupErrorCode(error: unknown, { broker }: RequestContext): number {
  return coordinatorErrorCode(error, broker.logger);
}

/** The client's operations on a group, if requested. */
export function requestedOperations(
  isRequested: boolean,
  groupId: string,
  context: RequestContext,
): number {
  return isRequested ? groupOperations(context, groupId) : NO_AUTHORIZED_OPERATIONS;
}

/** Refuses requests unless the client may do something with the group that they name. */
export function ofGroup(api: Api, operation: number): Access {
  const groupIdOf = (request: unknown) => (request as { readonly groupId: string }).groupId;
  return ofRequest(api, operation, AclResourceType.group, groupIdOf);
}

/** Whether a topic has the partition. */
export function hasPartition(topic: TopicState | undefined, index: number): boolean {
  return topic !== undefined && index >= 0 && index < topic.partitions.length;
}

/** @throws {ApiError} UNSUPPORTED_VERSION if the KIP-848 protocol is disabled for the cluster. */
export function checkConsumerProtocol({ broker: { cluster } }: RequestContext): void {
  if (cluster.featureLevels.get(GROUP_VERSION) !== 0) return;
  throw new ApiError(
    ErrorCode.UNSUPPORTED_VERSION,
    `The consumer group protocol is not enabled: feature ${GROUP_VERSION} is finalized at 0`,
  );
}
