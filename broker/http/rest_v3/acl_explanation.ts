/**
 * Whether somebody may do something, and which ACL decides. No other REST API of Kafka has it.
 *
 * @module
 */

import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { parseAddress } from "../../../protocol/ip_address.ts";
import type { Explanation } from "../../security/authorizer.ts";
import { parsePrincipal } from "../../security/principal.ts";
import { EMBEDDED_LISTENER } from "../../security/session.ts";
import type { Call } from "../rest/call.ts";
import { badRequest } from "../rest/fields.ts";
import { BOOLEAN, object, type Route, STRING } from "../rest/route.ts";
import { aclNumberOf, aclWordOf } from "./acl_words.ts";
import { type Json, resourcesOf } from "./resource.ts";

/** A host that only rules for all hosts concern. */
const LOOPBACK = "127.0.0.1";

/** The routes. */
export const ACL_EXPLANATION_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v3/clusters/:cluster/acls:explain",
    showsCluster: true,
    tag: "ACLs",
    summary: "Whether a principal may do something, and which ACL decides",
    query: {
      principal: "Who, such as User:alice",
      operation: "What, such as READ",
      resource_type: "TOPIC, GROUP, CLUSTER, TRANSACTIONAL_ID, DELEGATION_TOKEN or USER",
      resource_name: "The name of the resource",
      host: "The address that the client comes from. Default: 127.0.0.1",
    },
    answer: object({ allowed: BOOLEAN, reason: STRING, rule: object({}) }),
    isExtension: true,
    handle(call) {
      const { clusterId } = resourcesOf(call);
      const { allow, reason, rule } = explain(call);
      return Response.json({
        kind: "DqueueAclExplanation",
        cluster_id: clusterId,
        allowed: allow,
        reason,
        rule: rule === undefined ? null : ruleOf(rule),
      });
    },
  },
];

function explain(call: Call): Omit<Explanation, "reason"> & { readonly reason: string } {
  const { authorizer } = call.context.broker;
  const principal = parsePrincipal(required(call, "principal"));
  if (principal === undefined) throw badRequest('"principal" is TYPE:NAME, such as User:alice');
  const host = call.query("host") ?? LOOPBACK;
  if (parseAddress(host) === undefined) throw badRequest('"host" is an IP address');
  const operation = aclNumberOf("operation", required(call, "operation"));
  const type = aclNumberOf("resource_type", required(call, "resource_type"));
  if (operation === AclOperation.any || operation === AclOperation.all) {
    throw badRequest('"operation" is one operation, not several');
  }
  if (type === AclResourceType.any) throw badRequest('"resource_type" is one type, not several');
  const name = required(call, "resource_name");
  if (authorizer.isOpen || authorizer.explain === undefined) return { allow: true, reason: "open" };
  const session = { principal, host, listener: EMBEDDED_LISTENER, isLocal: false };
  return authorizer.explain(session, operation, type, name);
}

function required(call: Call, name: string): string {
  const text = call.query(name);
  if (text === undefined || text === "") throw badRequest(`The query lacks ${name}`);
  return text;
}

function ruleOf(rule: NonNullable<Explanation["rule"]>): Json {
  return {
    resource_type: aclWordOf("resource_type", rule.type),
    resource_name: rule.name,
    pattern_type: aclWordOf("pattern_type", rule.pattern),
    principal: rule.principal,
    host: rule.host,
    operation: aclWordOf("operation", rule.operation),
    permission: aclWordOf("permission", rule.permission),
  };
}
