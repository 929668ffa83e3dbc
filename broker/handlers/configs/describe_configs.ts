/**
 * DescribeConfigs: settings of topics, this broker, its logger, groups and client metrics
 * subscriptions, with the source of each value. Versions 1 to 4.
 *
 * A broker resource is named by the broker's id; the empty name selects the settings of all brokers
 * that were set at run time. Requested keys that do not exist are omitted, as in Kafka. A group has
 * settings even if it does not exist.
 *
 * Version 1 adds synonyms (KIP-226), 3 types and documentation (KIP-569), 4 is flexible.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  ConfigResourceType,
  describeConfigs,
  type DescribeConfigsRequest,
  type DescribeConfigsResponse,
} from "../../../protocol/messages/configs/describe_configs.ts";
import { ResponseBudget } from "../response_budget.ts";
import { ApiError } from "../../api_error.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { eachItem } from "../access/mod.ts";
import { deniedConfigs, ofConfigs } from "./config_access.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { type ConfigEntry, configResource, describeLoggers } from "./resources/mod.ts";
import { awaitEach, byName, mapEach } from "../each_item.ts";
import { failure, SUCCESS } from "../outcome.ts";

type Resource = DescribeConfigsRequest["resources"][number];
type Result = DescribeConfigsResponse["results"][number];

/** A resource and the requested settings. */
interface RequestedResource {
  readonly resource: Resource;
  readonly isRequested: (name: string) => boolean;
}

/** Upper bound of the encoded size of an entry, without its strings. */
const ENTRY_BYTES = 20;

/** Serves DescribeConfigs. */
export const describeConfigsHandler: ApiHandler = handler(
  describeConfigs,
  handleDescribeConfigs,
  eachItem(describeConfigs, "resources", "results", {
    operation: AclOperation.describeConfigs,
    ...ofConfigs,
    denied: (resource, errorCode) => ({ ...deniedConfigs(resource, errorCode), configs: [] }),
  }),
);

async function handleDescribeConfigs(
  request: DescribeConfigsRequest,
  context: RequestContext,
): Promise<DescribeConfigsResponse> {
  const resources = await awaitEach(
    request.resources,
    async (resource): Promise<RequestedResource> => ({
      resource,
      isRequested: await asked(resource.configurationKeys),
    }),
  );
  const budget = new ResponseBudget(context);
  // Each resource is described once for its size and discarded, so that only the response uses
  // memory.
  let isFull = false;
  const fits = await mapEach(resources, (resource) => {
    isFull ||= !budget.reserve(sizeOf(describe(resource, request, context)));
    return !isFull;
  });
  await budget.claim();
  let index = 0;
  const results = await mapEach(
    resources,
    (resource) => describe(resource, request, context, fits[index++]),
  );
  return { results };
}

function describe(
  { resource, isRequested }: RequestedResource,
  request: DescribeConfigsRequest,
  context: RequestContext,
  fits = true,
): Result {
  const { resourceType, resourceName } = resource;
  try {
    if (!fits) throw new ResponseBudget(context).refusal();
    const configs = entriesOf(resource, isRequested, context).map((entry) => ({
      ...entry,
      synonyms: request.includeSynonyms ? entry.synonyms : [],
      documentation: request.includeDocumentation ? entry.documentation : null,
    }));
    return { resourceType, resourceName, configs, ...SUCCESS };
  } catch (error) {
    return { resourceType, resourceName, configs: [], ...failure(error, context) };
  }
}

function entriesOf(
  { resourceType, resourceName }: Resource,
  isRequested: RequestedResource["isRequested"],
  context: RequestContext,
): ConfigEntry[] {
  if (resourceType === ConfigResourceType.brokerLogger) {
    return describeLoggers(resourceName, isRequested, context);
  }
  const resource = configResource(resourceType);
  if (resource !== undefined) return resource.describe(resourceName, isRequested, context);
  throw new ApiError(
    ErrorCode.INVALID_REQUEST,
    `Unexpected resource type ${resourceType}: settings have topics (2), brokers (4), loggers (8), ` +
      "client metrics (16) and groups (32)",
  );
}

/** Upper bound of the encoded size of a result. */
function sizeOf({ resourceName, configs, errorMessage }: Result): number {
  let size = ENTRY_BYTES + 3 * (resourceName.length + (errorMessage ?? "").length);
  for (const { name, value, documentation, synonyms = [] } of configs) {
    size += ENTRY_BYTES + name.length + (value ?? "").length + (documentation ?? "").length;
    for (const synonym of synonyms) {
      size += ENTRY_BYTES + synonym.name.length + (synonym.value ?? "").length;
    }
  }
  return size;
}

/** An empty list of keys selects all settings, like `null`. */
async function asked(keys: readonly string[] | null): Promise<RequestedResource["isRequested"]> {
  if (keys === null || keys.length === 0) return () => true;
  const wanted = await byName(keys, (key) => key);
  return (name) => wanted.has(name);
}
