/**
 * What a quota is about, and its record in the metadata store:
 *
 *     quotas/user=alice&client-id=app   {"user":"alice","clientId":"app","values":{"producer_byte_rate":1000}}
 *     quotas/user                       {"user":null,"values":{…}}
 *
 * Names in keys are percent-encoded. A part without a name, `null` in the value, is the default of its
 * kind.
 *
 * @module
 */

import type { MetadataEntry } from "../../metadata/metadata_store.ts";

/** The quotas that users, client ids and both together can have. */
export const CLIENT_QUOTAS = [
  "producer_byte_rate",
  "consumer_byte_rate",
  "request_percentage",
  "controller_mutation_rate",
] as const;

/** A quota of users and client ids. */
export type ClientQuota = typeof CLIENT_QUOTAS[number];

/** The quota of addresses: new connections per second. */
export const CONNECTION_QUOTA = "connection_creation_rate";

/** An entity. A part that is undefined does not belong to it; `null` is the default of its kind. */
export interface QuotaEntity {
  readonly user?: string | null;
  readonly clientId?: string | null;
  /** An IP address; it has no other part. */
  readonly ip?: string | null;
}

/** Values by quota. */
export type QuotaValues = Readonly<Record<string, number>>;

/** An entity with its quotas. */
export interface QuotaRecord {
  readonly entity: QuotaEntity;
  readonly values: QuotaValues;
}

/** Prefix of the keys. */
export const QUOTAS_PREFIX = "quotas/";

/** Kafka's names of the parts, in the order of keys. */
export const ENTITY_TYPES = [["user", "user"], ["client-id", "clientId"], ["ip", "ip"]] as const;

const DECODER = new TextDecoder();
const ENCODER = new TextEncoder();

/** The key of an entity. */
export function quotaKey(entity: QuotaEntity): string {
  const parts = ENTITY_TYPES.flatMap(([type, part]) => {
    const name = entity[part];
    if (name === undefined) return [];
    return [name === null ? type : `${type}=${encodeURIComponent(name)}`];
  });
  return `${QUOTAS_PREFIX}${parts.join("&")}`;
}

/** Encodes a record. */
export function formatQuotaRecord({ entity, values }: QuotaRecord): Uint8Array {
  return ENCODER.encode(JSON.stringify({ ...entity, values }));
}

/** Decodes a record; undefined if it is none. */
export function parseQuotaRecord({ value }: MetadataEntry): QuotaRecord | undefined {
  let parsed: Record<string, unknown> | null;
  try {
    parsed = JSON.parse(DECODER.decode(value));
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const { values, ...entity } = parsed;
  const isValid = Object.keys(entity).length > 0 && typeof values === "object" && values !== null &&
    Object.values(values).every((limit) => typeof limit === "number" && limit > 0) &&
    Object.values(entity).every((name) => name === null || typeof name === "string");
  return isValid ? { entity, values: values as QuotaValues } : undefined;
}
