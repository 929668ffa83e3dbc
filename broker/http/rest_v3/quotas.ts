/**
 * Quotas of users, clients and addresses. No other REST API of Kafka has them.
 *
 * @module
 */

import type { ClientQuota, ClientQuotaAlteration, QuotaEntity } from "../../../client/mod.ts";
import { badRequest, type Fields } from "../rest/fields.ts";
import { BOOLEAN, list, object, type Route, STRING } from "../rest/route.ts";
import { onlyLocalWhileOpen } from "./only_local.ts";
import { type Json, LIST, noContent, resourcesOf } from "./resource.ts";

const TAG = "Quotas";
const QUOTAS = "/v3/clusters/:cluster/quotas";

/** The parts of an entity by the names that Kafka's tools have. */
const TYPES: Readonly<Record<string, keyof QuotaEntity>> = {
  "user": "user",
  "client-id": "clientId",
  "ip": "ip",
};

/** The routes. */
export const QUOTA_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: QUOTAS,
    tag: TAG,
    summary: "All quotas. A name that is null stands for those without a quota of their own",
    answer: LIST,
    isExtension: true,
    async handle(call) {
      const resources = resourcesOf(call);
      const found = await call.admin.describeClientQuotas({});
      const data = found.map((quota): Json => ({
        kind: "DqueueQuota",
        cluster_id: resources.clusterId,
        ...quotaOf(quota),
      }));
      return resources.list("DqueueQuotaList", ["quotas"], data);
    },
  },
  {
    method: "POST",
    path: `${QUOTAS}:alter`,
    tag: TAG,
    summary: "Set quotas, such as producer_byte_rate; a value that is null removes one",
    status: 204,
    body: object({
      data: list(object({
        entity: object({ "user": STRING, "client-id": STRING, "ip": STRING }),
        values: object({}),
      }, ["entity", "values"])),
      validate_only: BOOLEAN,
    }, ["data"]),
    isExtension: true,
    async handle(call) {
      resourcesOf(call);
      onlyLocalWhileOpen(call, "quotas");
      const body = await call.json();
      const validateOnly = body.boolean("validate_only") ?? false;
      const alterations = body.requiredObjects("data").map(alterationOf);
      for (const { error } of await call.admin.alterClientQuotas(alterations, { validateOnly })) {
        if (error !== undefined) throw error;
      }
      return noContent();
    },
  },
];

function quotaOf({ entity, values }: ClientQuota): Json {
  return {
    entity: Object.fromEntries(
      Object.entries(TYPES).filter(([, key]) => entity[key] !== undefined)
        .map(([type, key]) => [type, entity[key]]),
    ),
    values,
  };
}

function alterationOf(fields: Fields): ClientQuotaAlteration {
  const given = fields.object("entity");
  const values = fields.object("values");
  if (given === undefined || values === undefined) {
    throw badRequest('Each of "data" has "entity" and "values"');
  }
  const entity: { -readonly [name in keyof QuotaEntity]: QuotaEntity[name] } = {};
  for (const [type, name] of given.entries()) {
    const key = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
    if (key === undefined || (name !== null && typeof name !== "string")) {
      throw badRequest(`"entity" has ${Object.keys(TYPES).join(", ")}, each with a text or null`);
    }
    entity[key] = name;
  }
  const numbers: Record<string, number | null> = {};
  for (const [name, value] of values.entries()) {
    if (value !== null && typeof value !== "number") {
      throw badRequest(`"${name}" is a number, or null to remove it`);
    }
    numbers[name] = value;
  }
  return { entity, values: numbers };
}
