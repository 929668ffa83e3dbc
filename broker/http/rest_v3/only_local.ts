/**
 * Who may close an open cluster, by its first user or rule.
 *
 * @module
 */

import { HttpError } from "../http_error.ts";
import { isForLoopback } from "../own_request.ts";
import type { Call } from "../rest/call.ts";

/**
 * The client within this process is local; who asks it may not be.
 *
 * @param what What is changed, such as `ACLs`.
 * @throws {HttpError} 403.
 */
export function onlyLocalWhileOpen({ request, source, context }: Call, what: string): void {
  if (!context.broker.authorizer.isOpen || (source.isOwn && isForLoopback(request))) return;
  throw new HttpError(
    403,
    `Until the cluster has a user or an ACL, only clients on the broker's machine can change ${what}, ` +
      "without a proxy, and by localhost or its address",
    { errorCode: 40301 },
  );
}
