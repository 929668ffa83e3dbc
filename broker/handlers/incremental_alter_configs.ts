/**
 * IncrementalAlterConfigs: changes settings of topics or brokers one by one (KIP-339). Versions 0
 * and 1.
 *
 * SET gives a value, DELETE takes it away, so that the default counts again; APPEND and SUBTRACT add
 * to and take from a setting that is a list, starting from what counts now. Each resource succeeds or
 * fails as a whole. Version 1 is flexible.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ConfigResourceType } from "../../protocol/messages/describe_configs.ts";
import {
  incrementalAlterConfigs,
  type IncrementalAlterConfigsRequest,
  type IncrementalAlterConfigsResponse,
} from "../../protocol/messages/incremental_alter_configs.ts";
import { ApiError } from "../api_error.ts";
import type { BrokerConfig } from "../config.ts";
import { type ApiHandler, handler, type RequestContext } from "../handler.ts";
import type { Setting } from "../setting.ts";
import { isSettingName, SETTINGS } from "../settings.ts";
import { isTopicSettingName, TOPIC_SETTINGS, TopicConfig } from "../topics/topic_config.ts";
import { alterResources, type ConfigChange } from "./config_changes.ts";

type Resource = IncrementalAlterConfigsRequest["resources"][number];
type Change = Resource["configs"][number];

const Operation = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

/** Serves IncrementalAlterConfigs. */
export const incrementalAlterConfigsHandler: ApiHandler = handler(
  incrementalAlterConfigs,
  handleIncrementalAlterConfigs,
);

async function handleIncrementalAlterConfigs(
  { resources, validateOnly }: IncrementalAlterConfigsRequest,
  context: RequestContext,
): Promise<IncrementalAlterConfigsResponse> {
  const changeOf = (resource: Resource) => increment(resource, context.broker.config);
  return { responses: await alterResources(resources, changeOf, validateOnly, context) };
}

function increment({ resourceType, configs }: Resource, broker: BrokerConfig): ConfigChange {
  for (const { name, configOperation, value } of configs) {
    if (configOperation !== Operation.delete && value === null) {
      throw new ApiError(ErrorCode.INVALID_REQUEST, `Cannot change "${name}": the value is null`);
    }
  }
  return (current) => {
    const texts = new Map(current);
    for (const change of configs) {
      const text = apply(change, current.get(change.name), resourceType, broker);
      if (text === undefined) texts.delete(change.name);
      else texts.set(change.name, text);
    }
    return texts;
  };
}

/** The text that a setting has after a change; `undefined` for none. */
function apply(
  { name, configOperation, value }: Change,
  current: string | undefined,
  resourceType: number,
  broker: BrokerConfig,
): string | undefined {
  switch (configOperation) {
    case Operation.set:
      return value!;
    case Operation.delete:
      return undefined;
    case Operation.append:
    case Operation.subtract: {
      const inherited = listOf(name, resourceType, broker);
      const items = itemsOf(current ?? inherited);
      const changed = itemsOf(value!);
      return configOperation === Operation.append
        ? [...new Set([...items, ...changed])].join(",")
        : items.filter((item) => !changed.includes(item)).join(",");
    }
    default:
      throw new ApiError(
        ErrorCode.INVALID_REQUEST,
        `Cannot change "${name}": there is no operation ${configOperation}`,
      );
  }
}

/** What counts for a list while nothing is set. @throws {ApiError} INVALID_CONFIG if it is none. */
function listOf(name: string, resourceType: number, broker: BrokerConfig): string {
  if (resourceType === ConfigResourceType.topic && isTopicSettingName(name)) {
    if (TOPIC_SETTINGS[name].setting.type === "list") {
      return new TopicConfig(broker, new Map()).textOf(name);
    }
  } else if (resourceType === ConfigResourceType.broker && isSettingName(name)) {
    const setting = SETTINGS[name] as unknown as Setting;
    if (setting.type === "list") return setting.format(broker.get(name)) ?? "";
  }
  throw new ApiError(
    ErrorCode.INVALID_CONFIG,
    `Cannot add to or take from "${name}": it is no setting that is a list`,
  );
}

function itemsOf(text: string): string[] {
  return text.split(",").map((item) => item.trim()).filter((item) => item !== "");
}
