/**
 * ACLs: there is no authorizer yet, so that none can be kept.
 *
 * @module
 */

import { HttpError } from "../http_error.ts";
import type { Method, Route } from "../rest/route.ts";
import { resourcesOf } from "./resource.ts";

const ACLS = "/v3/clusters/:cluster/acls";

/** The routes. */
export const ACL_ROUTES: readonly Route[] = [
  route("GET", ACLS, "ACLs that match a filter"),
  route("POST", ACLS, "Create an ACL"),
  route("DELETE", ACLS, "Delete the ACLs that match a filter"),
  route("POST", `${ACLS}:batch`, "Create several ACLs"),
];

function route(method: Method, path: string, summary: string): Route {
  return {
    method,
    path,
    tag: "ACLs",
    summary: `${summary}; not implemented yet`,
    status: 501,
    handle(call) {
      resourcesOf(call);
      throw new HttpError(501, "There are no ACLs: this broker has no authorizer yet");
    },
  };
}
