/**
 * Records in the audit log what requests have changed: topics, settings and users. Rules and quotas are
 * recorded by their handlers, which know what was there before.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { updateFeatures } from "../../protocol/messages/cluster/update_features.ts";
import { unregisterBroker } from "../../protocol/messages/cluster/unregister_broker.ts";
import { alterConfigs } from "../../protocol/messages/configs/alter_configs.ts";
import { ConfigOperation, ConfigResourceType } from "../../protocol/messages/configs/mod.ts";
import { incrementalAlterConfigs } from "../../protocol/messages/configs/incremental_alter_configs.ts";
import { deleteRecords } from "../../protocol/messages/records/delete_records.ts";
import { alterUserScramCredentials } from "../../protocol/messages/security/alter_user_scram_credentials.ts";
import { alterPartitionReassignments } from "../../protocol/messages/topics/alter_partition_reassignments.ts";
import { createPartitions } from "../../protocol/messages/topics/create_partitions.ts";
import { createTopics } from "../../protocol/messages/topics/create_topics.ts";
import { deleteTopics } from "../../protocol/messages/topics/delete_topics.ts";
import type { Api, RequestOf, ResponseTo } from "../../protocol/schema/schema.ts";
import {
  type ApiHandler,
  type HandlerResult,
  NO_RESPONSE,
  type RequestContext,
} from "../handler.ts";
import { knownSetting } from "../settings/settings.ts";

/** Something that was changed. */
interface Change {
  /** Kafka's word for its type. */
  readonly resourceType: string;
  readonly resource: string;
  /** What is there now, as far as the request says. */
  readonly after?: unknown;
}

/** Lists what a request has changed. */
type ChangesOf<A extends Api> = (request: RequestOf<A>, response: ResponseTo<A>) => Change[];

const HIDDEN = "[hidden]";
/** Names of settings, also of ones that do not exist, whose values may be secrets. */
const SECRET_NAME = /password|secret|jaas|credential|\bkey$/i;

const RESOURCE_TYPES: ReadonlyMap<number, string> = new Map([
  [ConfigResourceType.topic, "TOPIC"],
  [ConfigResourceType.broker, "BROKER"],
  [ConfigResourceType.brokerLogger, "BROKER_LOGGER"],
  [ConfigResourceType.clientMetrics, "CLIENT_METRICS"],
  [ConfigResourceType.group, "GROUP"],
]);

const OPERATION_WORDS: ReadonlyMap<number, string> = new Map(
  Object.entries(ConfigOperation).map(([word, number]) => [number, word]),
);

const CHANGES: ReadonlyMap<number, ChangesOf<Api>> = new Map([
  changes(createTopics, ({ topics, validateOnly }, response) => {
    if (validateOnly) return [];
    const asked = new Map(topics.map((topic) => [topic.name, topic]));
    return response.topics.filter(isDone).map(({ name, numPartitions, replicationFactor }) => {
      const configs = asked.get(name)?.configs.map(({ name, value }) => [name, value]) ?? [];
      const after = { partitions: numPartitions, replicationFactor };
      const isPlain = configs.length === 0;
      return topic(name, isPlain ? after : { ...after, configs: Object.fromEntries(configs) });
    });
  }),
  changes(
    deleteTopics,
    (_, { responses }) =>
      responses.filter(isDone).map(({ name, topicId }) => topic(name ?? topicId ?? "")),
  ),
  changes(createPartitions, ({ topics, validateOnly }, { results }) => {
    if (validateOnly) return [];
    const counts = new Map(topics.map(({ name, count }) => [name, count]));
    return results.filter(isDone)
      .map(({ name }) => topic(name, { partitions: counts.get(name) }));
  }),
  changes(deleteRecords, ({ topics }, response) => {
    const offsets = new Map(
      topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, offset }) => [`${name}-${partitionIndex}`, offset])
      ),
    );
    return response.topics.flatMap(({ name, partitions }) =>
      partitions.filter(isDone).map(({ partitionIndex }): Change => {
        const resource = `${name}-${partitionIndex}`;
        return { ...topic(resource, { beforeOffset: offsets.get(resource) }) };
      })
    );
  }),
  changes(alterPartitionReassignments, ({ topics }, { responses }) => {
    const replicas = new Map(
      topics.flatMap(({ name, partitions }) =>
        partitions.map((partition) => [`${name}-${partition.partitionIndex}`, partition.replicas])
      ),
    );
    return responses.flatMap(({ name, partitions }) =>
      partitions.filter(isDone).map(({ partitionIndex }) => {
        const resource = `${name}-${partitionIndex}`;
        return topic(resource, { replicas: replicas.get(resource) });
      })
    );
  }),
  changes(alterConfigs, ({ resources, validateOnly }, { responses }) => {
    if (validateOnly) return [];
    const byResource = new Map(resources.map((resource) => [resourceKey(resource), resource]));
    return responses.flatMap((result): Change[] => {
      const asked = byResource.get(resourceKey(result));
      if (!isDone(result) || asked === undefined) return [];
      const after = asked.configs.map(({ name, value }) => [name, shown(name, value)]);
      return [config(result, Object.fromEntries(after))];
    });
  }),
  changes(incrementalAlterConfigs, ({ resources, validateOnly }, { responses }) => {
    if (validateOnly) return [];
    const byResource = new Map(resources.map((resource) => [resourceKey(resource), resource]));
    return responses.flatMap((result): Change[] => {
      const asked = byResource.get(resourceKey(result));
      if (!isDone(result) || asked === undefined) return [];
      const after = asked.configs.map(({ name, value, configOperation }) => {
        const operation = OPERATION_WORDS.get(configOperation);
        const text = shown(name, value);
        return [name, operation === "set" ? text : { [operation ?? "unknown"]: text }];
      });
      return [config(result, Object.fromEntries(after))];
    });
  }),
  changes(alterUserScramCredentials, ({ deletions }, { results }) => {
    const deleted = new Set(deletions.map(({ name }) => name));
    return results.filter(isDone).map(({ user }) => ({
      resourceType: "USER",
      resource: user,
      after: deleted.has(user) ? null : { credential: HIDDEN },
    }));
  }),
  changes(
    updateFeatures,
    ({ featureUpdates, validateOnly }, { errorCode }) =>
      errorCode !== ErrorCode.NONE || validateOnly
        ? []
        : featureUpdates.map(({ feature, maxVersionLevel }) => ({
          resourceType: "FEATURE",
          resource: feature,
          after: { level: maxVersionLevel },
        })),
  ),
  changes(
    unregisterBroker,
    ({ brokerId }, { errorCode }) =>
      errorCode === ErrorCode.NONE
        ? [{ resourceType: "BROKER", resource: String(brokerId), after: null }]
        : [],
  ),
]);

/**
 * Records what an API's requests change. It must be where they are carried out, not where they are
 * forwarded.
 */
export function audited(handler: ApiHandler): ApiHandler {
  const { api, handle } = handler;
  const changesOf = CHANGES.get(api.key);
  if (changesOf === undefined) throw new TypeError(`${api.name} changes nothing that is audited`);
  return {
    ...handler,
    handle: async (request, context): Promise<HandlerResult<Api>> => {
      const answer = await handle(request, context);
      if (answer !== NO_RESPONSE) record(api, changesOf(request, answer), context);
      return answer;
    },
  };
}

function record(api: Api, changed: readonly Change[], context: RequestContext): void {
  const { broker: { audit }, session, clientId } = context;
  for (const change of changed) {
    audit.record({ event: "change", session, clientId, api: api.name, ...change });
  }
}

function changes<A extends Api>(api: A, list: ChangesOf<A>): [key: number, list: ChangesOf<Api>] {
  return [api.key, list as unknown as ChangesOf<Api>];
}

function isDone({ errorCode }: { readonly errorCode: number }): boolean {
  return errorCode === ErrorCode.NONE;
}

function topic(resource: string, after: unknown = null): Change {
  return { resourceType: "TOPIC", resource, after };
}

interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
}

function resourceKey({ resourceType, resourceName }: Resource): string {
  return `${resourceType} ${resourceName}`;
}

function config({ resourceType, resourceName }: Resource, configs: unknown): Change {
  const type = RESOURCE_TYPES.get(resourceType) ?? "UNKNOWN";
  return { resourceType: type, resource: resourceName, after: { configs } };
}

function shown(name: string, value: string | null): string | null {
  const isSecret = knownSetting(name)?.isSensitive === true || SECRET_NAME.test(name);
  return value !== null && isSecret ? HIDDEN : value;
}
