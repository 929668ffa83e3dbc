/**
 * Questions of handlers to the authorizer.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  AclOperation,
  AclResourceType,
  CLUSTER_RESOURCE,
} from "../../../protocol/messages/security/acl_types.ts";
import { ApiError } from "../../api_error.ts";
import type { BrokerContext, RequestContext } from "../../handler.ts";
import type { RequestOrigin } from "../../security/authorizer.ts";
import { EMBEDDED_LISTENER, type Session } from "../../security/session.ts";

/** What is needed to ask: a request's context, or part of one. */
export interface Asking extends RequestOrigin {
  readonly session: Session;
  readonly broker: Pick<BrokerContext, "authorizer">;
}

const DENIALS: Readonly<Record<number, number>> = {
  [AclResourceType.topic]: ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  [AclResourceType.group]: ErrorCode.GROUP_AUTHORIZATION_FAILED,
  [AclResourceType.cluster]: ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  [AclResourceType.transactionalId]: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  [AclResourceType.delegationToken]: ErrorCode.DELEGATION_TOKEN_AUTHORIZATION_FAILED,
  [AclResourceType.user]: ErrorCode.DELEGATION_TOKEN_AUTHORIZATION_FAILED,
};

/** The error of a denied operation on a resource of a type. */
export function denialOf(resourceType: number): number {
  return DENIALS[resourceType] ?? ErrorCode.CLUSTER_AUTHORIZATION_FAILED;
}

/** Whether the client may do something. That it may not is audited. */
export function authorize(
  asking: Asking,
  operation: number,
  resourceType: number,
  name: string,
): boolean {
  const { session, broker: { authorizer } } = asking;
  return authorizer.isOpen || authorizer.authorize(session, operation, resourceType, name, asking);
}

/** @throws {ApiError} The denial of the resource's type, if the client may not do something. */
export function check(
  asking: Asking,
  operation: number,
  resourceType: number,
  name: string,
): void {
  if (!authorize(asking, operation, resourceType, name)) throw new ApiError(denialOf(resourceType));
}

/** Whether the client may do something; only to decide what is shown, or tried next. */
export function mayDo(
  { session, broker: { authorizer } }: Asking,
  operation: number,
  resourceType: number,
  name: string,
): boolean {
  return authorizer.isOpen || authorizer.mayDo(session, operation, resourceType, name);
}

/** Like {@linkcode mayDo}, for the cluster. */
export function mayDoOnCluster(asking: Asking, operation: number): boolean {
  return mayDo(asking, operation, AclResourceType.cluster, CLUSTER_RESOURCE);
}

/** Whether the client may do something with at least one resource of a type. Not audited. */
export function mayDoSomewhere(
  { session, broker: { authorizer } }: Asking,
  operation: number,
  resourceType: number,
): boolean {
  return authorizer.isOpen || authorizer.mayDoSomewhere(session, operation, resourceType);
}

/**
 * Whether the client may act as another broker of the cluster: it has come by a listener that brokers use,
 * and has CLUSTER_ACTION. That one of the two is not so is audited.
 */
export function mayActAsBroker(
  context: Pick<RequestContext, "session" | "broker"> & RequestOrigin,
): boolean {
  if (comesAsBroker(context)) {
    return authorize(
      context,
      AclOperation.clusterAction,
      AclResourceType.cluster,
      CLUSTER_RESOURCE,
    );
  }
  const { session, clientId, api, broker: { audit } } = context;
  audit.record({
    event: "authz.deny",
    session,
    ...(clientId === undefined ? {} : { clientId }),
    ...(api === undefined ? {} : { api }),
    operation: "CLUSTER_ACTION",
    resourceType: "CLUSTER",
    resource: CLUSTER_RESOURCE,
    rule: "Listener: brokers do not use it",
  });
  return false;
}

/** The same, for what is only counted otherwise: not audited. */
export function isCountedAsBroker(context: Pick<RequestContext, "session" | "broker">): boolean {
  return comesAsBroker(context) && mayDoOnCluster(context, AclOperation.clusterAction);
}

function comesAsBroker({ session, broker }: Pick<RequestContext, "session" | "broker">): boolean {
  const { name } = session.listener;
  return name === EMBEDDED_LISTENER.name || broker.cluster.interBrokerListeners.has(name);
}
