/**
 * DescribeConfigs: settings of topics and of this broker, and where each value comes from.
 * Versions 1 to 4.
 *
 * A broker's resource is named by its id; the empty name stands for what was set on all brokers
 * while running. Keys that are asked for and do not exist are left out, as in Kafka. Loggers, groups
 * and client metrics have no settings here, and are refused.
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
import { isSettingName, SETTING_NAMES } from "../settings.ts";
import { TOPIC_SETTING_NAMES } from "../topics/topic_config.ts";
import { checkTopicName } from "../topics/topic_name.ts";
import { brokerConfigEntry, type ConfigEntry, topicConfigEntry } from "./config_entries.ts";
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

function entriesOf(resource: Resource, context: RequestContext): ConfigEntry[] {
  switch (resource.resourceType) {
    case ConfigResourceType.topic:
      return topicEntries(resource, context);
    case ConfigResourceType.broker:
      return brokerEntries(resource, context);
    default:
      throw new ApiError(
        ErrorCode.INVALID_REQUEST,
        `Cannot describe resource of type ${resource.resourceType}: only topics (2) and brokers ` +
          "(4) have settings here",
      );
  }
}

function topicEntries(
  { resourceName, configurationKeys }: Resource,
  { broker }: RequestContext,
): ConfigEntry[] {
  checkTopicName(resourceName);
  const topic = broker.topics.get(resourceName);
  if (topic === undefined) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  return asked(TOPIC_SETTING_NAMES, configurationKeys)
    .map((name) => topicConfigEntry(topic.config, name));
}

function brokerEntries(
  { resourceName, configurationKeys }: Resource,
  { broker }: RequestContext,
): ConfigEntry[] {
  const { config, nodeId } = broker;
  if (resourceName === "") {
    const names = [...config.ofCluster.keys()].filter(isSettingName);
    return asked(names, configurationKeys).map((name) => brokerConfigEntry(config, name, true));
  }
  if (resourceName !== String(nodeId)) {
    throw new ApiError(
      ErrorCode.INVALID_REQUEST,
      `Cannot describe broker "${resourceName}": this is broker ${nodeId}`,
    );
  }
  return asked(SETTING_NAMES, configurationKeys).map((name) => brokerConfigEntry(config, name));
}

/** An empty list of keys means all of them, as null does. */
function asked<N extends string>(
  names: readonly N[],
  keys: readonly string[] | null,
): readonly N[] {
  if (keys === null || keys.length === 0) return names;
  const wanted = new Set(keys);
  return names.filter((name) => wanted.has(name));
}
