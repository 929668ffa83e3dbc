/**
 * Who may set up security.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { ApiError } from "../../api_error.ts";
import type { RequestContext } from "../../handler.ts";

/**
 * Refuses a change of users, ACLs, quotas or tokens that comes from another machine while the cluster is
 * open. Otherwise the first stranger to send one would own the cluster.
 *
 * @throws {ApiError} CLUSTER_AUTHORIZATION_FAILED.
 */
export function onlyLocalWhileOpen({ broker: { authorizer }, session }: RequestContext): void {
  if (!authorizer.isOpen || session.isLocal) return;
  throw new ApiError(
    ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
    "Until the cluster has a user or an ACL, only clients on the broker's machine can change users, " +
      "ACLs, quotas and delegation tokens",
  );
}
