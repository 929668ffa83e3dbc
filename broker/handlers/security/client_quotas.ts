/**
 * DescribeClientQuotas and AlterClientQuotas (KIP-546). Versions 0 to 1.
 *
 * Quotas of users, client ids, both together, and addresses (KIP-612) are kept in the metadata store;
 * every broker serves them. Each entry of a request succeeds or fails on its own; of several for one
 * entity the first is carried out, and they have one answer, INVALID_REQUEST. Unlike in Kafka, quotas of
 * addresses are not taken for host names, nor any that is not a finite number. Version 1 is flexible.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  alterClientQuotas,
  type AlterClientQuotasRequest,
  type AlterClientQuotasResponse,
} from "../../../protocol/messages/security/alter_client_quotas.ts";
import {
  describeClientQuotas,
  type DescribeClientQuotasRequest,
  type DescribeClientQuotasResponse,
} from "../../../protocol/messages/security/describe_client_quotas.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { ApiError } from "../../api_error.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { parseAddress } from "../../../protocol/ip_address.ts";
import {
  CLIENT_QUOTAS,
  CONNECTION_QUOTA,
  ENTITY_TYPES,
  formatQuotaRecord,
  parseQuotaRecord,
  type QuotaEntity,
  quotaKey,
  type QuotaRecord,
  type QuotaValues,
} from "../../security/quotas/quota_entity.ts";
import { onCluster } from "../access/mod.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { awaitEach, CHANGES_AT_ONCE, mapEach } from "../each_item.ts";
import { failure, SUCCESS } from "../outcome.ts";
import { onlyLocalWhileOpen } from "./only_local_while_open.ts";

type Component = DescribeClientQuotasRequest["components"][number];
type EntryRequest = AlterClientQuotasRequest["entries"][number];
type EntryResponse = AlterClientQuotasResponse["entries"][number];
type Operation = EntryRequest["ops"][number];
type EntityPart = typeof ENTITY_TYPES[number][1];

const MatchType = { exact: 0, default: 1, any: 2 } as const;

/** Size of an entry in the response, without its entity. */
const ENTRY_BYTES = 120;
/** Size of the values of an entity in the response. */
const VALUES_BYTES = 200;

const IP = "ip";
const PARTS: ReadonlyMap<string, EntityPart> = new Map(ENTITY_TYPES);
const CLIENT_KEYS: ReadonlySet<string> = new Set(CLIENT_QUOTAS);
const IP_KEYS: ReadonlySet<string> = new Set([CONNECTION_QUOTA]);
/** Types of quotas that Kafka keeps as whole numbers, and the largest. */
const WHOLE: ReadonlyMap<string, readonly [type: string, max: number]> = new Map([
  ["producer_byte_rate", ["a LONG", 2 ** 63]],
  ["consumer_byte_rate", ["a LONG", 2 ** 63]],
  [CONNECTION_QUOTA, ["an INT", 2 ** 31 - 1]],
]);

/** Serves DescribeClientQuotas. */
export const describeClientQuotasHandler: ApiHandler = handler(
  describeClientQuotas,
  handleDescribeClientQuotas,
  onCluster(AclOperation.describeConfigs),
);

/** Serves AlterClientQuotas. */
export const alterClientQuotasHandler: ApiHandler = handler(
  alterClientQuotas,
  handleAlterClientQuotas,
  onCluster(AclOperation.alterConfigs),
);

async function handleDescribeClientQuotas(
  { components, strict }: DescribeClientQuotasRequest,
  context: RequestContext,
): Promise<DescribeClientQuotasResponse> {
  try {
    checkFilter(components);
  } catch (error) {
    return { ...failure(error, context), entries: null };
  }
  const found: QuotaRecord[] = [];
  const records = [...context.broker.cluster.security.all("quotas/").values()];
  await mapEach(records, (entry) => {
    const record = parseQuotaRecord(entry);
    if (record !== undefined && matches(record.entity, components, strict)) found.push(record);
  });
  await claimResponseMemory(
    sumOf(
      found,
      ({ entity }) => VALUES_BYTES + sumOf(partsOf(entity), ([, n]) => 16 + textBytes(n)),
    ),
    context,
  );
  const entries = found.map(({ entity, values }) => ({
    entity: partsOf(entity).map(([entityType, entityName]) => ({ entityType, entityName })),
    values: Object.entries(values).map(([key, value]) => ({ key, value })),
  }));
  return { ...SUCCESS, entries };
}

function checkFilter(components: readonly Component[]): void {
  const seen = new Set<string>();
  for (const component of components) {
    checkComponent(component);
    const { entityType } = component;
    if (seen.has(entityType)) {
      throw invalid(`Entity type ${entityType} cannot appear more than once in the filter.`);
    }
    seen.add(entityType);
  }
  if (!seen.has(IP) || seen.size === 1) return;
  throw invalid(
    "Invalid entity filter component combination. IP filter component should not be used " +
      "with user or clientId filter component.",
  );
}

function checkComponent({ entityType, matchType, match }: Component): void {
  if (entityType === "") throw invalid("Invalid empty entity type.");
  if (!PARTS.has(entityType)) {
    throw new ApiError(ErrorCode.UNSUPPORTED_VERSION, `Unsupported entity type ${entityType}`);
  }
  switch (matchType) {
    case MatchType.exact:
      if (match !== null) break;
      throw invalid("Request specified MATCH_TYPE_EXACT, but set match string to null.");
    case MatchType.default:
    case MatchType.any:
      if (match === null) break;
      throw invalid(
        `Request specified MATCH_TYPE_${
          matchType === MatchType.default ? "DEFAULT" : "SPECIFIED"
        }, ` +
          "but also specified a match string.",
      );
    default:
      throw invalid(`Unknown match type ${matchType}`);
  }
}

/** Whether an entity has all parts that a filter asks for, and, if it is strict, no others. */
function matches(
  entity: QuotaEntity,
  components: readonly Component[],
  isStrict: boolean,
): boolean {
  if (isStrict && partsOf(entity).length !== components.length) return false;
  return components.every(({ entityType, matchType, match }) => {
    const name = entity[PARTS.get(entityType)!];
    if (name === undefined) return false;
    return matchType === MatchType.any || name === match;
  });
}

function partsOf(entity: QuotaEntity): [type: string, name: string | null][] {
  return ENTITY_TYPES.flatMap(([type, part]): [string, string | null][] => {
    const name = entity[part];
    return name === undefined ? [] : [[type, name]];
  });
}

async function handleAlterClientQuotas(
  { entries, validateOnly }: AlterClientQuotasRequest,
  context: RequestContext,
): Promise<AlterClientQuotasResponse> {
  onlyLocalWhileOpen(context);
  // The message may repeat a type or a key.
  const bytes = sumOf(
    entries,
    ({ entity, ops }) =>
      ENTRY_BYTES + sumOf(ops, ({ key }) => textBytes(key)) +
      sumOf(
        entity,
        ({ entityType, entityName }) => 2 * textBytes(entityType) + textBytes(entityName),
      ),
  );
  await claimResponseMemory(bytes, context);
  const named = new Map<string, { readonly entry: EntryRequest; isTwice: boolean }>();
  await mapEach(entries, (entry) => {
    const text = entityText(entry);
    const known = named.get(text);
    if (known === undefined) named.set(text, { entry, isTwice: false });
    else known.isTwice = true;
  });
  const answers = await awaitEach(
    [...named],
    async ([text, { entry, isTwice }]) => {
      const answer = await alter(entry, validateOnly, context);
      if (!isTwice) return answer;
      const errorMessage = `Ignoring duplicate entity ${text}`;
      return { ...answer, errorCode: ErrorCode.INVALID_REQUEST, errorMessage };
    },
    CHANGES_AT_ONCE,
  );
  return { entries: answers };
}

/** The same for the same entity, in whichever order its parts are. */
function entityText({ entity }: EntryRequest): string {
  return entity.map(({ entityType, entityName }) => `${entityType}=${JSON.stringify(entityName)}`)
    .sort().join(", ");
}

async function alter(
  entry: EntryRequest,
  validateOnly: boolean,
  context: RequestContext,
): Promise<EntryResponse> {
  const { entity, ops } = entry;
  try {
    check(entry);
    const parts = entity.map(({ entityType, entityName }) => [PARTS.get(entityType)!, entityName]);
    if (!validateOnly) await change(Object.fromEntries(parts), ops, context);
    return { ...SUCCESS, entity };
  } catch (error) {
    return { ...failure(error, context), entity };
  }
}

/** Changes quotas of an entity; others of it stay. */
async function change(
  entity: QuotaEntity,
  ops: readonly Operation[],
  { broker, session, clientId }: RequestContext,
): Promise<void> {
  const { cluster, audit } = broker;
  const { security } = cluster;
  const key = quotaKey(entity);
  let before: QuotaValues = {};
  const after: Record<string, number> = {};
  await cluster.retry(async () => {
    const known = security.get(key);
    before = (known && parseQuotaRecord(known)?.values) ?? {};
    for (const name of Object.keys(after)) delete after[name];
    Object.assign(after, before);
    for (const { key: name, value, remove } of ops) {
      if (remove) delete after[name];
      else after[name] = value;
    }
    const isEmpty = Object.keys(after).length === 0;
    if (isEmpty && known === undefined) return;
    const value = isEmpty ? null : formatQuotaRecord({ entity, values: after });
    await security.commit([{ key, value }], [security.expectation(key)]);
  });
  audit.record({
    event: "change",
    session,
    clientId,
    api: alterClientQuotas.name,
    resourceType: "CLIENT_QUOTA",
    resource: partsOf(entity).map(([type, name]) => `${type}=${name ?? "<default>"}`).join(","),
    before,
    after,
  });
}

function check({ entity, ops }: EntryRequest): void {
  if (entity.length === 0) throw invalid("Invalid empty client quota entity");
  const types = new Set<string>();
  for (const { entityType, entityName } of entity) {
    if (!PARTS.has(entityType)) throw invalid(`Unhandled client quota entity type: ${entityType}`);
    if (entityName === "") throw invalid(`Empty ${entityType} not supported`);
    if (types.has(entityType)) throw invalid(`Entity type ${entityType} is there twice`);
    types.add(entityType);
    if (entityType === IP && entityName !== null && parseAddress(entityName) === undefined) {
      throw invalid(`${entityName} is not a valid IP address.`);
    }
  }
  if (types.has(IP) && types.size > 1) {
    throw invalid(
      "Invalid quota entity combination, IP entity should not be combined with User or ClientId",
    );
  }
  const keys = types.has(IP) ? IP_KEYS : CLIENT_KEYS;
  const seen = new Set<string>();
  for (const { key, value, remove } of ops) {
    if (seen.has(key)) throw invalid(`Duplicate quota key ${key}`);
    seen.add(key);
    // What does not exist is removed.
    if (remove) continue;
    if (!keys.has(key)) throw invalid(`Invalid configuration key ${key}`);
    checkValue(key, value);
  }
}

function checkValue(key: string, value: number): void {
  if (!(value > 0)) throw invalid(`Quota ${key} must be greater than 0`);
  const whole = WHOLE.get(key);
  if (whole === undefined) {
    if (!Number.isFinite(value)) throw invalid(`Quota ${key} must be finite`);
    return;
  }
  const [type, max] = whole;
  if (value > max) throw invalid(`Proposed value for ${key} is too large for ${type}.`);
  if (value % 1 > 1e-6) throw invalid(`${key} cannot be a fractional value.`);
}

function invalid(message: string): ApiError {
  return new ApiError(ErrorCode.INVALID_REQUEST, message);
}
