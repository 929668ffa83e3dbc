/**
 * Describing and altering configs.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  ConfigResourceType,
  ConfigSource as Source,
  ConfigType as Type,
  describeConfigs,
} from "../../protocol/messages/configs/describe_configs.ts";
import {
  ConfigOperation,
  incrementalAlterConfigs,
} from "../../protocol/messages/configs/incremental_alter_configs.ts";
import type { Api, DecodedFields, Fields } from "../../protocol/schema/schema.ts";
import type {
  ChangeOptions,
  ConfigChange,
  ConfigEntry,
  ConfigResource,
  ConfigSource,
  ConfigType,
  DescribeConfigsOptions,
} from "./admin_types.ts";
import { type ClientCore, isUnknownTopic } from "../connection/client_core.ts";
import type { RequestBody, RequestOptions } from "../connection/connection.ts";
import { KafkaError, UsageError } from "../errors.ts";

const SOURCE_NAMES: ReadonlyMap<number, string> = names(Source);
const TYPE_NAMES: ReadonlyMap<number, string> = names(Type);

function names(codes: { readonly [name: string]: number }): ReadonlyMap<number, string> {
  return new Map(Object.entries(codes).map(([name, code]) => [code, name]));
}

/** Describes the configs of one resource. */
export async function describeResourceConfigs(
  core: ClientCore,
  resource: ConfigResource,
  options: DescribeConfigsOptions,
): Promise<ConfigEntry[]> {
  const action = `describe configs of ${resource.type} "${resource.name}"`;
  const body = {
    resources: [{
      resourceType: typeCode(resource),
      resourceName: resource.name,
      configurationKeys: options.names ?? null,
    }],
    ...(options.synonyms ? { includeSynonyms: true } : {}),
  };
  return await core.retry(action, options, async (signal) => {
    const response = await requestFor(core, resource, describeConfigs, (version) => ({
      ...body,
      // Brokers return documentation from version 3.
      ...(options.documentation && version >= 3 ? { includeDocumentation: true } : {}),
    }), { signal });
    const [result] = response.results;
    if (result === undefined) throw new KafkaError(action, ErrorCode.UNKNOWN_SERVER_ERROR);
    if (result.errorCode !== ErrorCode.NONE) {
      throw new KafkaError(action, result.errorCode, result.errorMessage);
    }
    return result.configs
      .map((config): ConfigEntry => ({
        name: config.name,
        value: config.value,
        source: sourceName(config.configSource),
        isReadOnly: config.readOnly,
        isSensitive: config.isSensitive,
        type: (TYPE_NAMES.get(config.configType) ?? "unknown") as ConfigType,
        synonyms: config.synonyms.map(({ name, value, source }) => ({
          name,
          value,
          source: sourceName(source),
        })),
        documentation: config.documentation,
      }))
      .sort((a, b) => a.name < b.name ? -1 : 1);
  }, isUnknownTopic);
}

/** Alters configs of one resource. */
export async function alterTopicConfigs(
  core: ClientCore,
  resource: ConfigResource,
  changes: { readonly [name: string]: ConfigChange },
  options: ChangeOptions,
): Promise<void> {
  const action = `alter configs of ${resource.type} "${resource.name}"`;
  const body = {
    resources: [{
      resourceType: typeCode(resource),
      resourceName: resource.name,
      configs: Object.entries(changes).map(([name, change]) => alteration(name, change)),
    }],
    validateOnly: options.validateOnly ?? false,
  };
  await core.retry(action, options, async (signal) => {
    const response = await requestFor(core, resource, incrementalAlterConfigs, body, { signal });
    for (const { errorCode, errorMessage } of response.responses) {
      if (errorCode !== ErrorCode.NONE) throw new KafkaError(action, errorCode, errorMessage);
    }
  }, isUnknownTopic);
}

/**
 * Sends the request to the broker that owns the configs, or to the controller for all other
 * resources.
 */
async function requestFor<Req extends Fields, Res extends Fields>(
  core: ClientCore,
  { type, name }: ConfigResource,
  api: Api<Req, Res>,
  body: RequestBody<Req>,
  options: RequestOptions,
): Promise<DecodedFields<Res>> {
  if ((type !== "broker" && type !== "brokerLogger") || name === "") {
    return await core.requestController(api, body, options);
  }
  const id = Number(name);
  if (!Number.isInteger(id)) {
    throw new UsageError(`Cannot address broker "${name}": the name must be a node id`);
  }
  if (core.metadata.broker(id) === undefined) await core.metadata.refresh();
  return await core.requestBroker(id, api, body, options);
}

function typeCode({ type }: ConfigResource): number {
  const code = (ConfigResourceType as { readonly [name: string]: number | undefined })[type];
  if (code === undefined) throw new UsageError(`Cannot address "${type}": it has no configs`);
  return code;
}

function sourceName(code: number): ConfigSource {
  return (SOURCE_NAMES.get(code) ?? "unknown") as ConfigSource;
}

function alteration(
  name: string,
  change: ConfigChange,
): { name: string; configOperation: number; value: string | null } {
  if (change === null) return { name, configOperation: ConfigOperation.delete, value: null };
  if (typeof change === "object") {
    return "append" in change
      ? { name, configOperation: ConfigOperation.append, value: change.append }
      : { name, configOperation: ConfigOperation.subtract, value: change.subtract };
  }
  return { name, configOperation: ConfigOperation.set, value: String(change) };
}
