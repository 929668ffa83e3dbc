/**
 * DescribeClientQuotas and AlterClientQuotas (KIP-546). Versions 0 to 1.
 *
 * There are no quotas: a filter is validated as in Kafka and matches nothing, removing a quota
 * succeeds, and setting one is refused with UNSUPPORTED_VERSION instead of being ignored. Version 1
 * is flexible.
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
import { ApiError } from "../../api_error.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { onCluster } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { mapEach } from "../each_item.ts";
import { failure, SUCCESS } from "../outcome.ts";

type Component = DescribeClientQuotasRequest["components"][number];
type EntryRequest = AlterClientQuotasRequest["entries"][number];
type EntryResponse = AlterClientQuotasResponse["entries"][number];

const MatchType = { exact: 0, default: 1, any: 2 } as const;

/** Size of an entry in the response, without its entity. */
const ENTRY_BYTES = 120;

const IP = "ip";
const ENTITY_TYPES: ReadonlySet<string> = new Set(["user", "client-id", IP]);

const CLIENT_KEYS: ReadonlySet<string> = new Set([
  "producer_byte_rate",
  "consumer_byte_rate",
  "request_percentage",
  "controller_mutation_rate",
]);
const IP_KEYS: ReadonlySet<string> = new Set(["connection_creation_rate"]);

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

function handleDescribeClientQuotas(
  { components }: DescribeClientQuotasRequest,
  context: RequestContext,
): DescribeClientQuotasResponse {
  try {
    const seen = new Set<string>();
    for (const component of components) {
      checkComponent(component);
      const { entityType } = component;
      if (seen.has(entityType)) {
        throw invalid(`Entity type ${entityType} cannot appear more than once in the filter.`);
      }
      seen.add(entityType);
    }
    if (seen.has(IP) && seen.size > 1) {
      throw invalid(
        "Invalid entity filter component combination. IP filter component should not be used " +
          "with user or clientId filter component.",
      );
    }
    return { ...SUCCESS, entries: [] };
  } catch (error) {
    return { ...failure(error, context), entries: null };
  }
}

function checkComponent({ entityType, matchType, match }: Component): void {
  if (entityType === "") throw invalid("Invalid empty entity type.");
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
  if (!ENTITY_TYPES.has(entityType)) {
    throw new ApiError(ErrorCode.UNSUPPORTED_VERSION, `Unsupported entity type ${entityType}`);
  }
}

async function handleAlterClientQuotas(
  { entries }: AlterClientQuotasRequest,
  context: RequestContext,
): Promise<AlterClientQuotasResponse> {
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
  return { entries: await mapEach(entries, (entry) => alter(entry, context)) };
}

function alter(entry: EntryRequest, context: RequestContext): EntryResponse {
  const { entity } = entry;
  try {
    check(entry);
    return { ...SUCCESS, entity };
  } catch (error) {
    return { ...failure(error, context), entity };
  }
}

function check({ entity, ops }: EntryRequest): void {
  if (entity.length === 0) throw invalid("Invalid empty client quota entity");
  for (const { entityType, entityName } of entity) {
    if (!ENTITY_TYPES.has(entityType)) {
      throw invalid(`Unhandled client quota entity type: ${entityType}`);
    }
    if (entityName === "") throw invalid(`Empty ${entityType} not supported`);
  }
  const hasIp = entity.some(({ entityType }) => entityType === IP);
  if (hasIp && entity.some(({ entityType }) => entityType !== IP)) {
    throw invalid(
      "Invalid quota entity combination, IP entity should not be combined with User or ClientId",
    );
  }
  const keys = hasIp ? IP_KEYS : CLIENT_KEYS;
  for (const { key, value, remove } of ops) {
    if (remove) continue;
    if (!keys.has(key)) throw invalid(`Invalid configuration key ${key}`);
    if (!(value > 0)) throw invalid(`Quota ${key} must be greater than 0`);
    throw new ApiError(
      ErrorCode.UNSUPPORTED_VERSION,
      `Cannot set quota ${key}: this broker has no client quotas`,
    );
  }
}

function invalid(message: string): ApiError {
  return new ApiError(ErrorCode.INVALID_REQUEST, message);
}
