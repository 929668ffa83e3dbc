/**
 * What AlterConfigs and IncrementalAlterConfigs have in common: finding the resource, checking what
 * it is to have, and changing it.
 *
 * Topics take any of their settings. Brokers take those that are defaults of topics' settings, for
 * one broker or, with the empty name, for all; others need a restart.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ConfigResourceType } from "../../protocol/messages/describe_configs.ts";
import { ApiError } from "../api_error.ts";
import type { ConfigTexts } from "../config.ts";
import type { RequestContext } from "../handler.ts";
import { SettingValueError } from "../setting.ts";
import { isSettingName, SETTINGS } from "../settings.ts";
import { duplicate, duplicatesOf, failure, type Outcome, SUCCESS } from "./outcome.ts";

/** A resource in a request of either API. */
export interface AlteredResource {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
}

/** From a resource's settings to those it is to have; may be called more than once. */
export type ConfigChange = (configs: ConfigTexts) => ConfigTexts;

/** The largest value, in characters, as in Kafka. */
const MAX_VALUE_LENGTH = 32767;

/** Changes each resource, and answers each, in the order of the request. */
export async function alterResources<R extends AlteredResource>(
  resources: readonly R[],
  changeOf: (resource: R) => ConfigChange,
  validateOnly: boolean,
  context: RequestContext,
): Promise<(Outcome & Pick<AlteredResource, "resourceType" | "resourceName">)[]> {
  const keyOf = ({ resourceType, resourceName }: R) => `${resourceType} ${resourceName}`;
  const duplicates = duplicatesOf(resources.map(keyOf));
  return await Promise.all(resources.map(async (resource) => {
    const { resourceType, resourceName } = resource;
    const outcome = duplicates.has(keyOf(resource))
      ? duplicate(`resource "${resourceName}"`)
      : await alter(resource, changeOf, validateOnly, context);
    return { resourceType, resourceName, ...outcome };
  }));
}

async function alter<R extends AlteredResource>(
  resource: R,
  changeOf: (resource: R) => ConfigChange,
  validateOnly: boolean,
  context: RequestContext,
): Promise<Outcome> {
  const { resourceType, resourceName } = resource;
  try {
    checkKeys(resource);
    const change = changeOf(resource);
    if (resourceType === ConfigResourceType.topic) {
      await context.broker.topics.alterConfigs(resourceName, change, { validateOnly });
    } else if (resourceType === ConfigResourceType.broker) {
      await alterBroker(resourceName, change, validateOnly, context);
    } else {
      throw new ApiError(
        ErrorCode.INVALID_REQUEST,
        `Cannot alter resource of type ${resourceType}: only topics (2) and brokers (4) have ` +
          "settings here",
      );
    }
    return SUCCESS;
  } catch (error) {
    return failure(error, context);
  }
}

function checkKeys({ configs }: AlteredResource): void {
  const [twice] = duplicatesOf(configs.map(({ name }) => name));
  if (twice !== undefined) {
    throw new ApiError(ErrorCode.INVALID_REQUEST, `Cannot alter "${twice}" twice in one request`);
  }
  for (const { name, value } of configs) {
    if (value === null || value.length <= MAX_VALUE_LENGTH) continue;
    throw new ApiError(
      ErrorCode.INVALID_CONFIG,
      `Cannot set "${name}": value has ${value.length} characters, ${MAX_VALUE_LENGTH} are allowed`,
    );
  }
}

async function alterBroker(
  resourceName: string,
  change: ConfigChange,
  validateOnly: boolean,
  { broker }: RequestContext,
): Promise<void> {
  const { cluster, nodeId, logger } = broker;
  if (!cluster.isController()) throw new ApiError(ErrorCode.NOT_CONTROLLER);
  if (resourceName !== "" && resourceName !== String(nodeId)) {
    throw new ApiError(
      ErrorCode.INVALID_REQUEST,
      `Cannot alter broker "${resourceName}": this is broker ${nodeId}`,
    );
  }
  const resource = resourceName === "" ? "all" : nodeId;
  const checked = (configs: ConfigTexts) => {
    const changed = change(configs);
    checkBrokerConfigs(changed);
    return changed;
  };
  checked(cluster.brokerConfigs(resource));
  if (validateOnly) return;
  await cluster.changeBrokerConfigs(resource, checked);
  logger.info("Changed settings of broker", { broker: resource });
}

function checkBrokerConfigs(configs: ConfigTexts): void {
  for (const [name, text] of configs) {
    if (!isSettingName(name)) {
      throw new ApiError(
        ErrorCode.INVALID_REQUEST,
        `Cannot set "${name}": this broker has no such setting`,
      );
    }
    if (SETTINGS[name].scope === "read-only") {
      throw new ApiError(
        ErrorCode.INVALID_REQUEST,
        `Cannot set "${name}" while the broker runs: change its configuration and restart it`,
      );
    }
    try {
      SETTINGS[name].parse(text);
    } catch (error) {
      if (!(error instanceof SettingValueError)) throw error;
      throw new ApiError(ErrorCode.INVALID_REQUEST, `Cannot set "${name}": ${error.message}`);
    }
  }
}
