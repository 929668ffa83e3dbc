/**
 * IncrementalAlterConfigs: changes single settings of topics, brokers, groups or client metrics
 * subscriptions (KIP-339), and log levels (KIP-412). Versions 0 and 1.
 *
 * SET assigns a value, DELETE removes it so that the default applies; APPEND and SUBTRACT change a
 * list setting, starting from its effective value. Each resource succeeds or fails as a whole.
 * Version 1 is flexible.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { ConfigResourceType } from "../../../protocol/messages/configs/describe_configs.ts";
import {
  incrementalAlterConfigs,
  type IncrementalAlterConfigsRequest,
  type IncrementalAlterConfigsResponse,
} from "../../../protocol/messages/configs/incremental_alter_configs.ts";
import { ApiError } from "../../api_error.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { eachItem } from "../access/mod.ts";
import { deniedConfigs, ofConfigs } from "./config_access.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { brief } from "../../settings/unknown_setting.ts";
import { alterResource, alterResources } from "./config_changes.ts";
import { alterLoggers, type ConfigChange, configResource } from "./resources/mod.ts";

type Resource = IncrementalAlterConfigsRequest["resources"][number];
type Change = Resource["configs"][number];

const Operation = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

/** Serves IncrementalAlterConfigs. */
export const incrementalAlterConfigsHandler: ApiHandler = handler(
  incrementalAlterConfigs,
  handleIncrementalAlterConfigs,
  eachItem(incrementalAlterConfigs, "resources", "responses", {
    operation: AclOperation.alterConfigs,
    ...ofConfigs,
    denied: deniedConfigs,
  }),
);

async function handleIncrementalAlterConfigs(
  { resources, validateOnly }: IncrementalAlterConfigsRequest,
  context: RequestContext,
): Promise<IncrementalAlterConfigsResponse> {
  const alter = (resource: Resource) => {
    checkValues(resource);
    if (resource.resourceType === ConfigResourceType.brokerLogger) {
      return alterLoggers(resource.resourceName, resource.configs, validateOnly, context);
    }
    return alterResource(resource, increment(resource, context), validateOnly, context);
  };
  return { responses: await alterResources(resources, alter, context) };
}

function checkValues({ configs }: Resource): void {
  for (const { name, configOperation, value } of configs) {
    if (configOperation === Operation.delete || value !== null) continue;
    throw new ApiError(ErrorCode.INVALID_REQUEST, `Null value not supported for : ${brief(name)}`);
  }
}

function increment({ resourceType, configs }: Resource, context: RequestContext): ConfigChange {
  return (current) => {
    const texts = new Map(current);
    for (const change of configs) {
      const text = apply(change, current.get(change.name), resourceType, context);
      if (text === undefined) texts.delete(change.name);
      else texts.set(change.name, text);
    }
    return texts;
  };
}

/** The text of a setting after a change; `undefined` if it is removed. */
function apply(
  { name, configOperation, value }: Change,
  current: string | undefined,
  resourceType: number,
  context: RequestContext,
): string | undefined {
  switch (configOperation) {
    case Operation.set:
      return value!;
    case Operation.delete:
      return undefined;
    case Operation.append:
    case Operation.subtract: {
      const operation = configOperation === Operation.append ? "APPEND" : "SUBTRACT";
      const inherited = listOf(name, resourceType, operation, context);
      const items = itemsOf(current ?? inherited);
      const changed = itemsOf(value!);
      const taken = new Set(changed);
      return configOperation === Operation.append
        ? [...new Set([...items, ...changed])].join(",")
        : items.filter((item) => !taken.has(item)).join(",");
    }
    default:
      throw new ApiError(
        ErrorCode.INVALID_REQUEST,
        `Cannot change "${name}": unknown operation ${configOperation}`,
      );
  }
}

/**
 * The effective value of a list setting. @throws {ApiError} INVALID_CONFIG if the setting is not a
 * list.
 */
function listOf(
  name: string,
  resourceType: number,
  operation: string,
  context: RequestContext,
): string {
  const resource = configResource(resourceType);
  if (resource?.typeOf(name) === "list") return resource.inherited(name, context);
  throw new ApiError(
    ErrorCode.INVALID_CONFIG,
    `Can't ${operation} to key ${brief(name)} because its type is not LIST.`,
  );
}

function itemsOf(text: string): string[] {
  return text.split(",").map((item) => item.trim()).filter((item) => item !== "");
}
