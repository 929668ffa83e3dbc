/**
 * Checks of whole requests, and how checks are joined.
 *
 * @module
 */

import {
  AclOperation,
  AclResourceType,
  CLUSTER_RESOURCE,
} from "../../../protocol/messages/security/acl_types.ts";
import type { Api, RequestOf } from "../../../protocol/schema/schema.ts";
import { ApiError } from "../../api_error.ts";
import type { Access, Handle, RequestContext } from "../../handler.ts";
import type { AccessRule, AccessScope } from "../../security/access_rule.ts";
import { authorize, denialOf, mayActAsBroker, mayDoOnCluster } from "./ask.ts";

/** Declares a check. */
export function rule(
  operation: number,
  resourceType: number,
  scope: AccessScope,
  errorCode: number = denialOf(resourceType),
): AccessRule {
  const hasError = scope === "request" || scope === "item";
  return { operation, resourceType, scope, ...(hasError ? { errorCode } : {}) };
}

/** Checks that the handler makes itself. */
export function inHandler(...rules: readonly AccessRule[]): Access {
  return { rules, guard: (handle) => handle };
}

/** Nothing is checked: anybody may know or do this. */
export const unchecked: Access = inHandler();

/**
 * Refuses requests unless the client may do something with the cluster.
 *
 * @param orOperation Another operation that is sufficient. Default: none.
 */
export function onCluster(operation: number, orOperation?: number): Access {
  const isOfBrokers = operation === AclOperation.clusterAction;
  const { cluster } = AclResourceType;
  const isAllowed = (context: RequestContext) => {
    if (orOperation !== undefined && mayDoOnCluster(context, orOperation)) return true;
    return isOfBrokers
      ? mayActAsBroker(context)
      : authorize(context, operation, cluster, CLUSTER_RESOURCE);
  };
  const checked = rule(operation, cluster, "request");
  const guarded = guarding(checked, isAllowed);
  if (orOperation === undefined) return guarded;
  return { ...guarded, rules: [rule(orOperation, cluster, "instead"), checked] };
}

/**
 * Refuses requests unless the client may do something with a resource that they name.
 *
 * @param nameOf The name; `undefined` if the request names none, and nothing is checked.
 */
export function ofRequest<A extends Api>(
  _api: A,
  operation: number,
  resourceType: number,
  nameOf: (request: RequestOf<A>, context: RequestContext) => string | undefined | null,
): Access {
  return guarding(rule(operation, resourceType, "request"), (context, request) => {
    const name = nameOf(request as RequestOf<A>, context);
    return name === undefined || name === null || authorize(context, operation, resourceType, name);
  });
}

/** Makes several checks in this order. */
export function all(...accesses: readonly Access[]): Access {
  return {
    rules: accesses.flatMap(({ rules }) => rules),
    guard: (handle) => accesses.reduceRight((inner, access) => access.guard(inner), handle),
  };
}

function guarding(
  checked: AccessRule,
  isAllowed: (context: RequestContext, request: unknown) => boolean,
): Access {
  return {
    rules: [checked],
    guard: <A extends Api>(handle: Handle<A>): Handle<A> => (request, context) => {
      if (!context.broker.authorizer.isOpen && !isAllowed(context, request)) {
        throw new ApiError(checked.errorCode!);
      }
      return handle(request, context);
    },
  };
}
