/**
 * ACLs.
 *
 * @module
 */

import type { AclBinding, AclFilter, NewAcl } from "../../../client/mod.ts";
import type { Call } from "../rest/call.ts";
import { badRequest, type Fields } from "../rest/fields.ts";
import { list, object, type Route, type Schema, STRING } from "../rest/route.ts";
import { ACL_WORDS, aclNameOf, aclWordOf } from "./acl_words.ts";
import { onlyLocalWhileOpen } from "./only_local.ts";
import { type Json, LIST, type Resources, resourcesOf } from "./resource.ts";

const TAG = "ACLs";
const ACLS = "/v3/clusters/:cluster/acls";
const KIND = "KafkaAcl";

const BODY: Schema = object({
  resource_type: STRING,
  resource_name: STRING,
  pattern_type: STRING,
  principal: STRING,
  host: STRING,
  operation: STRING,
  permission: STRING,
}, ["resource_type", "resource_name", "pattern_type", "principal", "operation", "permission"]);

const FILTER = {
  resource_type: "TOPIC, GROUP, CLUSTER, TRANSACTIONAL_ID, DELEGATION_TOKEN, USER or ANY",
  resource_name: "The name in the ACL; with MATCH, the name of a resource that it is about",
  pattern_type: "LITERAL, PREFIXED, MATCH or ANY",
  principal: "Such as User:alice",
  host: "The host in the ACL",
  operation: "Such as READ; ANY for all",
  permission: "ALLOW, DENY or ANY",
} as const;

/** What must be said before ACLs are deleted, so that a forgotten parameter does not delete all. */
const REQUIRED_TO_DELETE = ["resource_type", "pattern_type", "operation", "permission"] as const;

/** The routes. */
export const ACL_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: ACLS,
    tag: TAG,
    summary: "ACLs that match a filter",
    query: FILTER,
    answer: LIST,
    async handle(call) {
      const resources = resourcesOf(call);
      const found = await call.admin.describeAcls(filterOf(call));
      return resources.list(`${KIND}List`, ["acls"], found.map((acl) => aclOf(acl, resources)));
    },
  },
  {
    method: "POST",
    path: ACLS,
    tag: TAG,
    summary: "Create an ACL",
    status: 201,
    body: BODY,
    async handle(call) {
      const resources = resourcesOf(call);
      onlyLocalWhileOpen(call, "ACLs");
      const acl = newAcl(await call.json());
      await create(call, [acl]);
      return new Response(null, { status: 201, headers: { location: urlOf(acl, resources) } });
    },
  },
  {
    method: "DELETE",
    path: ACLS,
    tag: TAG,
    summary: "Delete the ACLs that match a filter",
    query: FILTER,
    answer: object({ data: list(object({})) }),
    async handle(call) {
      const resources = resourcesOf(call);
      onlyLocalWhileOpen(call, "ACLs");
      const missing = REQUIRED_TO_DELETE.filter((name) => call.query(name) === undefined);
      if (missing.length > 0) {
        throw badRequest(`The query lacks ${missing.join(", ")}; ANY stands for all`);
      }
      const [result] = await call.admin.deleteAcls([filterOf(call)]);
      if (result!.error !== undefined) throw result!.error;
      return Response.json({ data: result!.deleted.map((acl) => aclOf(acl, resources)) });
    },
  },
  {
    method: "POST",
    path: `${ACLS}:batch`,
    tag: TAG,
    summary: "Create several ACLs",
    status: 201,
    body: object({ data: list(BODY) }, ["data"]),
    async handle(call) {
      resourcesOf(call);
      onlyLocalWhileOpen(call, "ACLs");
      const acls = (await call.json()).requiredObjects("data").map(newAcl);
      await create(call, acls);
      return new Response(null, { status: 201 });
    },
  },
];

/** @throws The first error; those before and after are created. */
async function create(call: Call, acls: readonly NewAcl[]): Promise<void> {
  for (const { error } of await call.admin.createAcls(acls)) {
    if (error !== undefined) throw error;
  }
}

function newAcl(body: Fields): NewAcl {
  const host = body.string("host");
  const acl: Record<string, string> = {
    resourceType: aclNameOf("resource_type", body.requiredString("resource_type")),
    resourceName: body.requiredString("resource_name"),
    patternType: aclNameOf("pattern_type", body.requiredString("pattern_type")),
    principal: body.requiredString("principal"),
    operation: aclNameOf("operation", body.requiredString("operation")),
    permission: aclNameOf("permission", body.requiredString("permission")),
    ...(host === undefined ? {} : { host }),
  };
  return acl as unknown as NewAcl;
}

function filterOf(call: Call): AclFilter {
  const filter: Record<string, string> = {};
  const take = (name: string, field: string) => {
    const text = call.query(name);
    if (text === undefined || text === "") return;
    const word = Object.hasOwn(ACL_WORDS, name) ? aclNameOf(name, text) : text;
    if (word !== "any" || name === "pattern_type") filter[field] = word;
  };
  take("resource_type", "resourceType");
  take("resource_name", "resourceName");
  take("pattern_type", "patternType");
  take("principal", "principal");
  take("host", "host");
  take("operation", "operation");
  take("permission", "permission");
  return filter as unknown as AclFilter;
}

function wordOf(field: string, name: string): string {
  return aclWordOf(field, ACL_WORDS[field]![name] ?? 0);
}

function wordsOf(acl: AclBinding | NewAcl): Json {
  return {
    resource_type: wordOf("resource_type", acl.resourceType),
    resource_name: acl.resourceName,
    pattern_type: wordOf("pattern_type", acl.patternType ?? "literal"),
    principal: acl.principal,
    host: acl.host ?? "*",
    operation: wordOf("operation", acl.operation),
    permission: wordOf("permission", acl.permission),
  };
}

/** The URL at which exactly this ACL is listed. */
function urlOf(acl: AclBinding | NewAcl, resources: Resources): string {
  const query = new URLSearchParams(wordsOf(acl) as Record<string, string>);
  return `${resources.url("acls")}?${query}`;
}

function aclOf(acl: AclBinding, resources: Resources): Json {
  return {
    kind: KIND,
    metadata: { self: urlOf(acl, resources) },
    cluster_id: resources.clusterId,
    ...wordsOf(acl),
  };
}
