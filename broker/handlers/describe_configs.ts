/**
 * DescribeConfigs: settings of topics, this broker, its logger, groups and subscriptions to clients'
 * metrics, and where each value comes from. Versions 1 to 4.
 *
 * A broker's resource is named by its id; the empty name stands for what was set on all brokers
 * while running. Keys that are asked for and do not exist are left out, as in Kafka. A group has
 * settings whether or not there is one of that name.
 *
 * Version 1 adds synonyms (KIP-226), 3 types and documentation (KIP-569), 4 is flexible.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  ConfigResourceType,
  describeConfigs,
  type DescribeConfigsRequest,
  type DescribeConfigsResponse,
} from "../../protocol/messages/describe_configs.ts";
import { ApiError } from "../api_error.ts";
import { type ApiHandler, handler, type RequestContext } from "../handler.ts";
import { type ConfigEntry, configResource, describeLoggers } from "./config_resources/mod.ts";
import { failure, SUCCESS } from "./outcome.ts";

type Resource = DescribeConfigsRequest["resources"][number];
type Result = DescribeConfigsResponse["results"][number];

/** Serves DescribeConfigs. */
export const describeConfigsHandler: ApiHandler = handler(
  describeConfigs,
  (request, context) => ({
    results: request.resources.map((resource) => describe(resource, request, context)),
  }),
);

function describe(
  resource: Resource,
  request: DescribeConfigsRequest,
  context: RequestContext,
): Result {
  const { resourceType, resourceName } = resource;
  try {
    const configs = entriesOf(resource, context).map((entry) => ({
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
  { resourceType, resourceName, configurationKeys }: Resource,
  context: RequestContext,
): ConfigEntry[] {
  const isAsked = asked(configurationKeys);
  if (resourceType === ConfigResourceType.brokerLogger) {
    return describeLoggers(resourceName, isAsked, context);
  }
  const resource = configResource(resourceType);
  if (resource !== undefined) return resource.describe(resourceName, isAsked, context);
  throw new ApiError(
    ErrorCode.INVALID_REQUEST,
    `Unexpected resource type ${resourceType}: settings have topics (2), brokers (4), loggers (8), ` +
      "client metrics (16) and groups (32)",
  );
}

/** An empty list of keys means all of them, as null does. */
function asked(keys: readonly string[] | null): (name: string) => boolean {
  if (keys === null || keys.length === 0) return () => true;
  const wanted = new Set(keys);
  return (name) => wanted.has(name);
}
