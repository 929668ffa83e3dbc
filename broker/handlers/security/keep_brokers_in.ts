/**
 * Keeps the first user or rule from locking the brokers of a cluster out of each other.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  AclOperation,
  AclPermissionType,
  AclResourceType,
  CLUSTER_RESOURCE,
} from "../../../protocol/messages/security/acl_types.ts";
import { ApiError } from "../../api_error.ts";
import type { ClusterState } from "../../cluster/cluster_state.ts";
import type { RequestContext } from "../../handler.ts";
import type { AclRule } from "../../security/authorizer/acl_rule.ts";
import { ANONYMOUS, formatPrincipal } from "../../security/principal.ts";
import { EMBEDDED_SESSION } from "../../security/session.ts";

const WHOEVER: readonly string[] = [formatPrincipal(ANONYMOUS), "User:*"];
const BY_BROKERS: readonly number[] = [AclOperation.clusterAction, AclOperation.all];

/**
 * Refuses a change that closes an open cluster whose brokers reach each other without a name: as
 * User:ANONYMOUS they would refuse each other from then on, unless that may act as a broker.
 *
 * @param created Rules that the change creates.
 * @throws {ApiError} POLICY_VIOLATION.
 */
export function keepBrokersIn(
  { broker: { authorizer, cluster } }: RequestContext,
  created: Iterable<AclRule> = [],
): void {
  if (!authorizer.isOpen || authorizer.mayDoOnceClosed === undefined) return;
  const listener = namelessListener(cluster);
  if (listener === undefined || [...created].some(letsBrokersIn)) return;
  const { clusterAction } = AclOperation;
  const nameless = { ...EMBEDDED_SESSION, principal: ANONYMOUS };
  const isIn = authorizer.mayDoOnceClosed(
    nameless,
    clusterAction,
    AclResourceType.cluster,
    CLUSTER_RESOURCE,
  );
  if (isIn) return;
  throw new ApiError(
    ErrorCode.POLICY_VIOLATION,
    `The brokers reach each other by listener ${listener} without a login, and would refuse each other ` +
      "once there is a user or an ACL: first have them use a listener with SASL " +
      "(inter.broker.listener.name), or put User:ANONYMOUS into super.users of all brokers",
  );
}

/** A listener by which others reach this broker without a name; undefined if there is none. */
function namelessListener({ brokers, nodeId }: ClusterState): string | undefined {
  for (const { id, endpoints, interBrokerListener } of brokers) {
    if (id === nodeId) continue;
    const endpoint = endpoints.find(({ name }) => name === interBrokerListener);
    if (endpoint?.protocol === "PLAINTEXT") return interBrokerListener;
  }
  return undefined;
}

function letsBrokersIn({ type, principal, operation, permission }: AclRule): boolean {
  return type === AclResourceType.cluster && permission === AclPermissionType.allow &&
    WHOEVER.includes(principal) && BY_BROKERS.includes(operation);
}
