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
import { TimeSlice } from "../../storage/mod.ts";
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

/** A step of work: requests may be about very many things, whether or not they are allowed. */
type Steps<Result> = Generator<Change | undefined, Result, void>;

/** Lists what a request has changed. */
type ChangesOf<A extends Api> = (request: RequestOf<A>, response: ResponseTo<A>) => Steps<void>;

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
  changes(createTopics, function* ({ topics, validateOnly }, response) {
    if (validateOnly) return;
    const asked = yield* byKey(topics, ({ name }) => name);
    for (const result of response.topics) {
      yield;
      if (!isDone(result)) continue;
      const { name, numPartitions, replicationFactor } = result;
      const configs = asked.get(name)?.configs.map(({ name, value }) => [name, value]) ?? [];
      const after = { partitions: numPartitions, replicationFactor };
      const isPlain = configs.length === 0;
      yield topic(name, isPlain ? after : { ...after, configs: Object.fromEntries(configs) });
    }
  }),
  changes(deleteTopics, function* (_, { responses }) {
    for (const result of responses) {
      yield isDone(result) ? topic(result.name ?? result.topicId ?? "") : undefined;
    }
  }),
  changes(createPartitions, function* ({ topics, validateOnly }, { results }) {
    if (validateOnly) return;
    const asked = yield* byKey(topics, ({ name }) => name);
    for (const result of results) {
      const { name } = result;
      yield isDone(result) ? topic(name, { partitions: asked.get(name)?.count }) : undefined;
    }
  }),
  changes(deleteRecords, function* ({ topics }, response) {
    const asked = yield* byPartition(topics);
    for (const { name, partitions } of response.topics) {
      for (const result of partitions) {
        const resource = `${name}-${result.partitionIndex}`;
        yield isDone(result)
          ? topic(resource, { beforeOffset: asked.get(resource)?.offset })
          : undefined;
      }
    }
  }),
  changes(alterPartitionReassignments, function* ({ topics }, { responses }) {
    const asked = yield* byPartition(topics);
    for (const { name, partitions } of responses) {
      for (const result of partitions) {
        const resource = `${name}-${result.partitionIndex}`;
        yield isDone(result)
          ? topic(resource, { replicas: asked.get(resource)?.replicas })
          : undefined;
      }
    }
  }),
  changes(alterConfigs, function* ({ resources, validateOnly }, { responses }) {
    if (validateOnly) return;
    const byResource = yield* byKey(resources, resourceKey);
    for (const result of responses) {
      yield;
      const asked = isDone(result) ? byResource.get(resourceKey(result)) : undefined;
      if (asked === undefined) continue;
      const after = asked.configs.map(({ name, value }) => [name, shown(name, value)]);
      yield config(result, Object.fromEntries(after));
    }
  }),
  changes(incrementalAlterConfigs, function* ({ resources, validateOnly }, { responses }) {
    if (validateOnly) return;
    const byResource = yield* byKey(resources, resourceKey);
    for (const result of responses) {
      yield;
      const asked = isDone(result) ? byResource.get(resourceKey(result)) : undefined;
      if (asked === undefined) continue;
      const after = asked.configs.map(({ name, value, configOperation }) => {
        const operation = OPERATION_WORDS.get(configOperation);
        const text = shown(name, value);
        return [name, operation === "set" ? text : { [operation ?? "unknown"]: text }];
      });
      yield config(result, Object.fromEntries(after));
    }
  }),
  changes(alterUserScramCredentials, function* ({ deletions }, { results }) {
    const deleted = yield* byKey(deletions, ({ name }) => name);
    for (const result of results) {
      yield;
      if (!isDone(result)) continue;
      const { user } = result;
      const after = deleted.has(user) ? null : { credential: HIDDEN };
      yield { resourceType: "USER", resource: user, after };
    }
  }),
  changes(updateFeatures, function* ({ featureUpdates, validateOnly }, response) {
    if (!isDone(response) || validateOnly) return;
    for (const { feature, maxVersionLevel } of featureUpdates) {
      yield { resourceType: "FEATURE", resource: feature, after: { level: maxVersionLevel } };
    }
  }),
  changes(unregisterBroker, function* ({ brokerId }, response) {
    if (!isDone(response)) return;
    yield { resourceType: "BROKER", resource: String(brokerId), after: null };
  }),
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
      if (answer !== NO_RESPONSE) await record(api, changesOf(request, answer), context);
      return answer;
    },
  };
}

async function record(api: Api, changed: Steps<void>, context: RequestContext): Promise<void> {
  const { broker: { audit }, session, clientId } = context;
  const slice = new TimeSlice();
  for (const change of changed) {
    if (change !== undefined) {
      audit.record({ event: "change", session, clientId, api: api.name, ...change });
    }
    if (slice.isOver) await slice.pause();
  }
}

/** What was asked for, by its key. */
function* byKey<T>(items: readonly T[], keyOf: (item: T) => string): Steps<Map<string, T>> {
  const found = new Map<string, T>();
  for (const item of items) {
    found.set(keyOf(item), item);
    yield;
  }
  return found;
}

/** What was asked for of partitions. */
function* byPartition<P extends { readonly partitionIndex: number }>(
  topics: readonly { readonly name: string; readonly partitions: readonly P[] }[],
): Steps<Map<string, P>> {
  const found = new Map<string, P>();
  for (const { name, partitions } of topics) {
    for (const partition of partitions) {
      found.set(`${name}-${partition.partitionIndex}`, partition);
      yield;
    }
  }
  return found;
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
