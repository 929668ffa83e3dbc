/**
 * ListConfigResources: the resources that have settings (KIP-1142). Versions 0 to 1.
 *
 * Version 0, then named ListClientMetricsResources (KIP-714), lists only client metrics
 * subscriptions.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { ConfigResourceType } from "../../../protocol/messages/configs/describe_configs.ts";
import {
  listConfigResources,
  type ListConfigResourcesRequest,
  type ListConfigResourcesResponse,
} from "../../../protocol/messages/configs/list_config_resources.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { onCluster } from "../access/mod.ts";
import {
  type ApiHandler,
  type BrokerContext,
  handler,
  type RequestContext,
} from "../../handler.ts";

const FIRST_VERSION_WITH_TYPES = 1;

/** Serves ListConfigResources. */
export const listConfigResourcesHandler: ApiHandler = handler(
  listConfigResources,
  handleListConfigResources,
  onCluster(AclOperation.describeConfigs),
);

/** The names of the resources of each type. */
const RESOURCES: ReadonlyMap<number, (broker: BrokerContext) => Iterable<string>> = new Map([
  [ConfigResourceType.topic, topicNames],
  [ConfigResourceType.broker, brokerIds],
  [ConfigResourceType.brokerLogger, brokerIds],
  [
    ConfigResourceType.clientMetrics,
    ({ cluster }) => cluster.configuredResources("client-metrics"),
  ],
  [ConfigResourceType.group, ({ cluster }) => cluster.configuredResources("groups")],
]);

function handleListConfigResources(
  { resourceTypes }: ListConfigResourcesRequest,
  { apiVersion, broker }: RequestContext,
): ListConfigResourcesResponse {
  const hasTypes = apiVersion >= FIRST_VERSION_WITH_TYPES;
  const asked = hasTypes ? new Set(resourceTypes) : new Set([ConfigResourceType.clientMetrics]);
  for (const type of asked) {
    if (RESOURCES.has(type)) continue;
    return { errorCode: ErrorCode.UNSUPPORTED_VERSION, configResources: [] };
  }
  const configResources = [];
  for (const resourceType of asked.size > 0 ? asked : RESOURCES.keys()) {
    for (const resourceName of RESOURCES.get(resourceType)!(broker)) {
      configResources.push({ resourceName, ...(hasTypes ? { resourceType } : {}) });
    }
  }
  return { errorCode: ErrorCode.NONE, configResources };
}

function* topicNames({ cluster }: BrokerContext): Iterable<string> {
  for (const { name } of cluster.topics()) yield name;
}

function* brokerIds({ cluster }: BrokerContext): Iterable<string> {
  for (const { id } of cluster.brokers) yield String(id);
}
