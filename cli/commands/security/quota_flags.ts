/**
 * Whom quotas concern on the command line, by the flags of rpk.
 *
 * @module
 */

import type { ClientQuota, QuotaEntity } from "../../../client/mod.ts";
import type { Json } from "../../records/json.ts";
import type { Flags } from "../../program/flag.ts";
import { UsageError } from "../../errors.ts";

const TYPES = { "user": "user", "client-id": "clientId", "ip": "ip" } as const;

/** The types of entities. */
export const ENTITY_TYPES: readonly string[] = Object.keys(TYPES);

/** A type of entities. */
type EntityType = keyof typeof TYPES;

/** Flags that name entities. */
export const entityFlags = {
  name: {
    many: true,
    value: "TYPE=NAME",
    parse: parseEntityName,
    env: false,
    doc: "Whom the quota is for: user=NAME, client-id=ID, or ip=ADDRESS",
  },
  default: {
    choices: ENTITY_TYPES,
    separator: ",",
    value: "TYPE",
    parse: parseEntityType,
    env: false,
    doc: "For all users, client-ids or ips without a quota of their own",
  },
} as const satisfies Flags;

/** Parses `user=alice`. */
function parseEntityName(text: string): readonly [EntityType, string] {
  const equals = text.indexOf("=");
  if (equals <= 0 || equals === text.length - 1) {
    throw new SyntaxError(`Cannot read "${text}": expected TYPE=NAME, such as user=alice`);
  }
  return [parseEntityType(text.slice(0, equals)), text.slice(equals + 1)];
}

/** Parses the type of an entity; Kafka's tools have plurals. */
export function parseEntityType(text: string): EntityType {
  const singular = text.toLowerCase().replace(/s$/, "").replace(/^client$/, "client-id");
  if (Object.hasOwn(TYPES, singular)) return singular as EntityType;
  throw new SyntaxError(
    `Cannot use "${text}": expected one of ${Object.keys(TYPES).join(", ")}`,
  );
}

/**
 * What flags name, with `fill` for the types of `any`.
 *
 * @throws {UsageError} If a type is named twice.
 */
export function entityOf<T>(
  names: readonly (readonly [EntityType, string])[],
  defaults: readonly EntityType[],
  any: readonly EntityType[] = [],
  fill?: T,
): { user?: string | null | T; clientId?: string | null | T; ip?: string | null | T } {
  const entity: { [type: string]: string | null | T } = {};
  const add = (type: EntityType, value: string | null | T) => {
    if (Object.hasOwn(entity, TYPES[type])) {
      throw new UsageError(`Cannot name several of ${type} for one quota`);
    }
    entity[TYPES[type]] = value;
  };
  for (const [type, name] of names) add(type, name);
  for (const type of defaults) add(type, null);
  for (const type of any) add(type, fill!);
  return entity;
}

/** An entity in words: `user=alice, client-id=<default>`. */
export function entityInWords(entity: QuotaEntity): string {
  return (Object.entries(TYPES) as [EntityType, keyof QuotaEntity][])
    .filter(([, key]) => entity[key] !== undefined)
    .map(([type, key]) => `${type}=${entity[key] ?? "<default>"}`)
    .join(", ");
}

/** Quotas in JSON; a null name is the default. */
export function quotaToJson({ entity, values }: ClientQuota): Json {
  return {
    entity: Object.fromEntries(
      (Object.entries(TYPES) as [EntityType, keyof QuotaEntity][])
        .filter(([, key]) => entity[key] !== undefined)
        .map(([type, key]) => [type, entity[key]!]),
    ),
    values: { ...values },
  };
}
