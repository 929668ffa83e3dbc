/**
 * The resource types with settings that clients can read and change. Loggers are separate because
 * their levels are not part of the cluster metadata.
 *
 * @module
 */

import { ConfigResourceType } from "../../../../protocol/messages/configs/describe_configs.ts";
import { brokerResource } from "./broker_resource.ts";
import { clientMetricsResource } from "./client_metrics_resource.ts";
import type { ConfigResource } from "./config_resource.ts";
import { groupResource } from "./group_resource.ts";
import { topicResource } from "./topic_resource.ts";

export { type ConfigEntry, topicConfigEntry } from "./config_entries.ts";
export type { ConfigChange, ConfigResource } from "./config_resource.ts";
export { alterLoggers, describeLoggers, type LoggerChange } from "./logger_resource.ts";

/** The resource type for a value of `ConfigResourceType`. */
export function configResource(type: number): ConfigResource | undefined {
  switch (type) {
    case ConfigResourceType.topic:
      return topicResource;
    case ConfigResourceType.broker:
      return brokerResource;
    case ConfigResourceType.group:
      return groupResource;
    case ConfigResourceType.clientMetrics:
      return clientMetricsResource;
    default:
      return undefined;
  }
}
