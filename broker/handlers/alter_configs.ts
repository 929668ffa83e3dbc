/**
 * AlterConfigs: replaces all that is set for topics or brokers; what is left out falls back to its
 * default. Versions 0 to 2.
 *
 * Deprecated in favour of IncrementalAlterConfigs, but what kafkajs and older librdkafka send. Each
 * resource succeeds or fails as a whole. A null value is refused, as since Kafka 2.3. Version 2 is
 * flexible.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  alterConfigs,
  type AlterConfigsRequest,
  type AlterConfigsResponse,
} from "../../protocol/messages/alter_configs.ts";
import { ApiError } from "../api_error.ts";
import { type ApiHandler, handler, type RequestContext } from "../handler.ts";
import { type AlteredResource, alterResources, type ConfigChange } from "./config_changes.ts";

/** Serves AlterConfigs. */
export const alterConfigsHandler: ApiHandler = handler(alterConfigs, handleAlterConfigs);

async function handleAlterConfigs(
  { resources, validateOnly }: AlterConfigsRequest,
  context: RequestContext,
): Promise<AlterConfigsResponse> {
  return { responses: await alterResources(resources, replacement, validateOnly, context) };
}

function replacement({ configs }: AlteredResource): ConfigChange {
  const texts = new Map<string, string>();
  for (const { name, value } of configs) {
    if (value === null) {
      throw new ApiError(ErrorCode.INVALID_REQUEST, `Cannot set "${name}": the value is null`);
    }
    texts.set(name, value);
  }
  return () => texts;
}
