/**
 * What AlterConfigs and IncrementalAlterConfigs have in common: checking what each resource is to have,
 * changing it, and answering.
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

/** The largest value, in characters, as in Kafka. */
const MAX_VALUE_LENGTH = 32767;

/** Changes each resource, and answers each, in the order of the request. */
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
 * @throws {ApiError} If there is no such resource, or it cannot have these settings.
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

/** Settings of one resource that may be changed in one request. */
const MAX_CONFIGS = 1000;

function checkKeys({ configs }: AlteredResource): void {
  if (configs.length > MAX_CONFIGS) {
    throw new ApiError(
      ErrorCode.INVALID_REQUEST,
      `Cannot alter ${configs.length} settings at once: ${MAX_CONFIGS} are allowed, which are more than there are`,
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
      }": value has ${value.length} characters, ${MAX_VALUE_LENGTH} are allowed`,
    );
  }
}
