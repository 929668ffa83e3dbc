/**
 * AlterConfigs: replaces the configuration of topics, brokers, groups or client metrics
 * subscriptions. Settings not listed return to their defaults. Versions 0 to 2.
 *
 * Deprecated in favour of IncrementalAlterConfigs, but used by kafkajs and older librdkafka. Each
 * resource succeeds or fails as a whole. `null` values are rejected, as since Kafka 2.3. Version 2
 * is flexible.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  alterConfigs,
  type AlterConfigsRequest,
  type AlterConfigsResponse,
} from "../../../protocol/messages/configs/alter_configs.ts";
import { ConfigResourceType } from "../../../protocol/messages/configs/describe_configs.ts";
import { ApiError } from "../../api_error.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { eachItem } from "../access/mod.ts";
import { deniedConfigs, ofConfigs } from "./config_access.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { brief } from "../../settings/unknown_setting.ts";
import { type AlteredResource, alterResource, alterResources } from "./config_changes.ts";
import type { ConfigChange } from "./resources/mod.ts";

/** Serves AlterConfigs. */
export const alterConfigsHandler: ApiHandler = handler(
  alterConfigs,
  handleAlterConfigs,
  eachItem(alterConfigs, "resources", "responses", {
    operation: AclOperation.alterConfigs,
    ...ofConfigs,
    denied: deniedConfigs,
  }),
);

async function handleAlterConfigs(
  { resources, validateOnly }: AlterConfigsRequest,
  context: RequestContext,
): Promise<AlterConfigsResponse> {
  const alter = (resource: AlteredResource) => {
    if (resource.resourceType === ConfigResourceType.brokerLogger) {
      throw new ApiError(
        ErrorCode.INVALID_REQUEST,
        "Log levels can only be changed by IncrementalAlterConfigs",
      );
    }
    return alterResource(resource, replacement(resource), validateOnly, context);
  };
  return { responses: await alterResources(resources, alter, context) };
}

function replacement({ configs }: AlteredResource): ConfigChange {
  const texts = new Map<string, string>();
  for (const { name, value } of configs) {
    if (value === null) {
      throw new ApiError(
        ErrorCode.INVALID_REQUEST,
        `Null value not supported for : ${brief(name)}`,
      );
    }
    texts.set(name, value);
  }
  return () => texts;
}
