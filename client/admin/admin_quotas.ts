/**
 * Quotas of clients and users (KIP-546).
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { alterClientQuotas } from "../../protocol/messages/security/alter_client_quotas.ts";
import { describeClientQuotas } from "../../protocol/messages/security/describe_client_quotas.ts";
import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import { KafkaError, UsageError } from "../errors.ts";
import type { ChangeOptions } from "./admin_types.ts";
import { changeAtController } from "./change_at_controller.ts";
import type {
  ClientQuota,
  ClientQuotaAlteration,
  ClientQuotaResult,
  QuotaEntity,
  QuotaFilter,
} from "./security_types.ts";

/** Kafka's types of entities by the name that they have here. */
const TYPES: Readonly<Record<keyof QuotaEntity, string>> = {
  user: "user",
  clientId: "client-id",
  ip: "ip",
};

const MatchType = { exact: 0, default: 1, any: 2 } as const;

/** Describes the quotas that match a filter. */
export async function describeQuotas(
  core: ClientCore,
  { strict, ...named }: QuotaFilter,
  options: OperationOptions,
): Promise<ClientQuota[]> {
  const action = "describe client quotas";
  const components = entriesOf(named).map(([entityType, name]) => ({
    entityType,
    matchType: name === true ? MatchType.any : name === null ? MatchType.default : MatchType.exact,
    match: typeof name === "string" ? name : null,
  }));
  const body = { components, strict: strict ?? false };
  return await core.retry(action, options, async (signal) => {
    const answer = await core.requestAny(describeClientQuotas, body, { signal });
    if (answer.errorCode !== ErrorCode.NONE) {
      throw new KafkaError(action, answer.errorCode, answer.errorMessage);
    }
    return (answer.entries ?? []).map(({ entity, values }) => ({
      entity: entityOf(entity),
      values: Object.fromEntries(values.map(({ key, value }) => [key, value])),
    }));
  });
}

/** Changes quotas. Each entity has its own result. */
export async function alterQuotas(
  core: ClientCore,
  alterations: readonly ClientQuotaAlteration[],
  options: ChangeOptions,
): Promise<ClientQuotaResult[]> {
  if (alterations.length === 0) return [];
  const entries = alterations.map(({ entity, values }) => {
    const named = entriesOf(entity);
    if (named.length === 0) {
      throw new UsageError("Cannot alter quotas of nobody: name a user, clientId or ip");
    }
    return {
      entity: named.map(([entityType, entityName]) => ({ entityType, entityName })),
      ops: Object.entries(values).map(([key, value]) => ({
        key,
        value: value ?? 0,
        remove: value === null,
      })),
    };
  });
  return await changeAtController(
    core,
    "alter client quotas",
    alterClientQuotas,
    { entries, validateOnly: options.validateOnly ?? false },
    options,
    (answer) =>
      answer.entries.map(({ entity, errorCode, errorMessage }) => ({
        entity: entityOf(entity),
        error: errorCode === ErrorCode.NONE
          ? undefined
          : new KafkaError("alter client quotas", errorCode, errorMessage),
      })),
  );
}

/** The parts of an entity or filter that are given. */
function entriesOf<T>(
  named: { readonly [name in keyof QuotaEntity]?: T | undefined },
): [entityType: string, name: T][] {
  const entries: [string, T][] = [];
  for (const name of Object.keys(TYPES) as (keyof QuotaEntity)[]) {
    const value = named[name];
    if (value !== undefined) entries.push([TYPES[name], value]);
  }
  return entries;
}

function entityOf(
  parts: readonly { readonly entityType: string; readonly entityName: string | null }[],
): QuotaEntity {
  const entity: { -readonly [name in keyof QuotaEntity]: QuotaEntity[name] } = {};
  for (const name of Object.keys(TYPES) as (keyof QuotaEntity)[]) {
    const part = parts.find(({ entityType }) => entityType === TYPES[name]);
    if (part !== undefined) entity[name] = part.entityName;
  }
  return entity;
}
