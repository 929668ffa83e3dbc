/**
 * The common part of AlterConfigs and IncrementalAlterConfigs: validating, applying and answering
 * changes per resource.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { ApiError } from "../../api_error.ts";
import type { RequestContext } from "../../handler.ts";
import { brief } from "../../settings/unknown_setting.ts";
import { type ConfigChange, configResource } from "./resources/mod.ts";
import { awaitEach, byName, CHANGES_AT_ONCE } from "../each_item.ts";
import { duplicate, duplicatesOf, failure, type Outcome, SUCCESS } from "../outcome.ts";

/** A resource in a request of either API. */
export interface AlteredResource {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
}

/** Maximum length of a value in characters, as in Kafka. */
const MAX_VALUE_LENGTH = 32767;

/** Applies the change of each resource. Results are in request order. */
export async function alterResources<R extends AlteredResource>(
  resources: readonly R[],
  alter: (resource: R) => void | Promise<void>,
  context: RequestContext,
): Promise<(Outcome & Pick<AlteredResource, "resourceType" | "resourceName">)[]> {
  const keyOf = ({ resourceType, resourceName }: R) => `${resourceType} ${resourceName}`;
  const named = await byName(resources, keyOf);
  return await awaitEach(resources, async (resource) => {
    const { resourceType, resourceName } = resource;
    const outcome = named.get(keyOf(resource))!.count > 1
      ? duplicate(`resource "${resourceName}"`)
      : await outcomeOf(resource, alter, context);
    return { resourceType, resourceName, ...outcome };
  }, CHANGES_AT_ONCE);
}

async function outcomeOf<R extends AlteredResource>(
  resource: R,
  alter: (resource: R) => void | Promise<void>,
  context: RequestContext,
): Promise<Outcome> {
  try {
    checkKeys(resource);
    await alter(resource);
    return SUCCESS;
  } catch (error) {
    return failure(error, context);
  }
}

/**
 * Changes the settings of a resource.
 *
 * @throws {ApiError} If the resource does not exist or its new settings are invalid.
 */
export async function alterResource(
  { resourceType, resourceName }: AlteredResource,
  change: ConfigChange,
  validateOnly: boolean,
  context: RequestContext,
): Promise<void> {
  const resource = configResource(resourceType);
  if (resource === undefined) {
    throw new ApiError(ErrorCode.INVALID_REQUEST, `Unknown resource type ${resourceType}`);
  }
  await resource.alter(resourceName, change, validateOnly, context);
}

/** Maximum number of settings of one resource in a request. */
const MAX_CONFIGS = 1000;

function checkKeys({ configs }: AlteredResource): void {
  if (configs.length > MAX_CONFIGS) {
    throw new ApiError(
      ErrorCode.INVALID_REQUEST,
      `Cannot alter ${configs.length} settings in one request: the maximum is ${MAX_CONFIGS}`,
    );
  }
  const [twice] = duplicatesOf(configs.map(({ name }) => name));
  if (twice !== undefined) {
    throw new ApiError(
      ErrorCode.INVALID_REQUEST,
      `Cannot alter "${brief(twice)}" twice in one request`,
    );
  }
  for (const { name, value } of configs) {
    if (value === null || value.length <= MAX_VALUE_LENGTH) continue;
    throw new ApiError(
      ErrorCode.INVALID_CONFIG,
      `Cannot set "${
        brief(name)
      }": value has ${value.length} characters, the maximum is ${MAX_VALUE_LENGTH}`,
    );
  }
}
