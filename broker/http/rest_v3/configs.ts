/**
 * Configs of topics, of brokers, and of all brokers.
 *
 * @module
 */

import type { ConfigEntry, ConfigResource, ConfigSource } from "../../../client/mod.ts";
import { HttpError } from "../http_error.ts";
import type { Call } from "../rest/call.ts";
import { badRequest } from "../rest/fields.ts";
import { BOOLEAN, list, object, type Route, STRING } from "../rest/route.ts";
import { findBroker } from "./clusters.ts";
import { type Json, LIST, noContent, type Resources, resourcesOf } from "./resource.ts";

/** Something that has configs: where it is in paths, and in Kafka. */
interface Owner {
  readonly tag: string;
  /** The path of its configs. */
  readonly path: string;
  readonly kind: string;
  /** The owner that a path names. */
  find(call: Call): Promise<ConfigResource> | ConfigResource;
  /** Segments of the configs' URL. */
  segments(resource: ConfigResource): readonly string[];
  /** Fields of a config that name its owner. */
  fields(resource: ConfigResource): Json;
  /** Whether a config belongs in the list. */
  has?(entry: ConfigEntry): boolean;
}

const CLUSTER = "/v3/clusters/:cluster";

const OF_TOPIC: Owner = {
  tag: "Topic configs",
  path: `${CLUSTER}/topics/:topic/configs`,
  kind: "KafkaTopicConfig",
  find: (call) => ({ type: "topic", name: call.param("topic") }),
  segments: ({ name }) => ["topics", name, "configs"],
  fields: ({ name }) => ({ topic_name: name }),
};

const OF_BROKER: Owner = {
  tag: "Broker configs",
  path: `${CLUSTER}/brokers/:broker/configs`,
  kind: "KafkaBrokerConfig",
  find: async (call) => ({ type: "broker", name: String((await findBroker(call)).id) }),
  segments: ({ name }) => ["brokers", name, "configs"],
  fields: ({ name }) => ({ broker_id: Number(name) }),
};

const OF_ALL_BROKERS: Owner = {
  tag: "Broker configs",
  path: `${CLUSTER}/broker-configs`,
  kind: "KafkaClusterConfig",
  find: () => ({ type: "broker", name: "" }),
  segments: () => ["broker-configs"],
  fields: () => ({ config_type: "BROKER" }),
  has: ({ source }) => source === "dynamicDefaultBroker",
};

const SOURCES: Readonly<Record<ConfigSource, string>> = {
  topic: "DYNAMIC_TOPIC_CONFIG",
  group: "GROUP_CONFIG",
  clientMetrics: "CLIENT_METRICS_CONFIG",
  dynamicBrokerLogger: "DYNAMIC_BROKER_LOGGER_CONFIG",
  dynamicBroker: "DYNAMIC_BROKER_CONFIG",
  dynamicDefaultBroker: "DYNAMIC_DEFAULT_BROKER_CONFIG",
  staticBroker: "STATIC_BROKER_CONFIG",
  default: "DEFAULT_CONFIG",
  unknown: "UNKNOWN",
};

/** Of configs that were changed at runtime. */
const DYNAMIC: ReadonlySet<ConfigSource> = new Set(["dynamicBroker", "dynamicDefaultBroker"]);

const OPERATIONS: ReadonlySet<string> = new Set(["SET", "DELETE"]);

/** The routes. */
export const CONFIG_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: `${CLUSTER}/topics/-/configs`,
    tag: OF_TOPIC.tag,
    summary: "The configs of all topics",
    answer: LIST,
    async handle(call) {
      const resources = resourcesOf(call);
      const data: Json[] = [];
      for (const { name } of await call.admin.listTopics({ internal: true })) {
        const resource: ConfigResource = { type: "topic", name };
        for (const entry of await call.admin.describeConfigs(resource, { synonyms: true })) {
          data.push(config(OF_TOPIC, resource, entry, resources));
        }
      }
      return resources.list("KafkaTopicConfigList", ["topics", "-", "configs"], data);
    },
  },
  {
    method: "GET",
    path: `${CLUSTER}/brokers/-/configs`,
    tag: OF_BROKER.tag,
    summary: "The configs of all brokers that were changed at runtime",
    answer: LIST,
    async handle(call) {
      const resources = resourcesOf(call);
      const data: Json[] = [];
      const { brokers } = await call.admin.describeCluster();
      for (const { id } of brokers) {
        const resource: ConfigResource = { type: "broker", name: String(id) };
        for (const entry of await call.admin.describeConfigs(resource, { synonyms: true })) {
          if (!DYNAMIC.has(entry.source)) continue;
          data.push(config(OF_BROKER, resource, entry, resources));
        }
      }
      return resources.list("KafkaBrokerConfigList", ["brokers", "-", "configs"], data);
    },
  },
  ...[OF_TOPIC, OF_BROKER, OF_ALL_BROKERS].flatMap(routesOf),
];

function routesOf(owner: Owner): Route[] {
  const { tag, path, kind } = owner;
  const one = `${path}/:config`;
  return [
    {
      method: "GET",
      path,
      tag,
      summary: "All configs",
      query: {
        include_documentation: "true for what each does, and its type; not in Confluent's API",
      },
      answer: LIST,
      async handle(call) {
        const resources = resourcesOf(call);
        const resource = await owner.find(call);
        const data = (await entriesOf(call, owner, resource))
          .map((entry) => config(owner, resource, entry, resources));
        return resources.list(`${kind}List`, owner.segments(resource), data);
      },
    },
    {
      method: "GET",
      path: one,
      tag,
      summary: "One config",
      async handle(call) {
        const resources = resourcesOf(call);
        const resource = await owner.find(call);
        const entry = (await entriesOf(call, owner, resource))
          .find(({ name }) => name === call.param("config"));
        if (entry === undefined) throw noConfig(call.param("config"));
        return Response.json(config(owner, resource, entry, resources));
      },
    },
    {
      method: "PUT",
      path: one,
      tag,
      summary: "Set a config",
      status: 204,
      body: object({ value: STRING }, ["value"]),
      async handle(call) {
        resourcesOf(call);
        const value = (await call.json()).string("value") ?? null;
        await call.admin.alterConfigs(await owner.find(call), { [call.param("config")]: value });
        return noContent();
      },
    },
    {
      method: "DELETE",
      path: one,
      tag,
      summary: "Reset a config to its default",
      status: 204,
      async handle(call) {
        resourcesOf(call);
        await call.admin.alterConfigs(await owner.find(call), { [call.param("config")]: null });
        return noContent();
      },
    },
    {
      method: "POST",
      path: `${path}:alter`,
      tag,
      summary: "Change several configs at once; what is not named stays",
      status: 204,
      body: object({
        data: list(object({ name: STRING, value: STRING, operation: STRING }, ["name"])),
        validate_only: BOOLEAN,
      }, ["data"]),
      async handle(call) {
        resourcesOf(call);
        const body = await call.json();
        const changes: Record<string, string | null> = {};
        for (const change of body.requiredObjects("data")) {
          const name = change.requiredString("name");
          const operation = change.string("operation") ?? "SET";
          if (!OPERATIONS.has(operation)) {
            throw badRequest(`"${operation}" is not an operation: SET and DELETE are`);
          }
          if (Object.hasOwn(changes, name)) throw badRequest(`"${name}" is there twice`);
          changes[name] = operation === "DELETE" ? null : change.string("value") ?? null;
        }
        const validateOnly = body.boolean("validate_only") ?? false;
        await call.admin.alterConfigs(await owner.find(call), changes, { validateOnly });
        return noContent();
      },
    },
  ];
}

async function entriesOf(
  call: Call,
  owner: Owner,
  resource: ConfigResource,
): Promise<readonly ConfigEntry[]> {
  const documentation = call.query("include_documentation") === "true";
  const options = { synonyms: true, documentation };
  const entries = await call.admin.describeConfigs(resource, options);
  return owner.has === undefined ? entries : entries.filter((entry) => owner.has!(entry));
}

function config(
  owner: Owner,
  resource: ConfigResource,
  { name, value, source, isReadOnly, isSensitive, synonyms, type, documentation }: ConfigEntry,
  resources: Resources,
): Json {
  const segments = owner.segments(resource);
  return {
    kind: owner.kind,
    metadata: {
      self: resources.url(...segments, name),
      resource_name: `crn:///kafka=${resources.clusterId}/${crn(resource)}config=${name}`,
    },
    cluster_id: resources.clusterId,
    ...owner.fields(resource),
    name,
    value,
    is_default: source === "default",
    is_read_only: isReadOnly,
    is_sensitive: isSensitive,
    source: SOURCES[source],
    synonyms: synonyms.map((synonym) => ({
      name: synonym.name,
      value: synonym.value,
      source: SOURCES[synonym.source],
    })),
    ...(documentation === null ? {} : { documentation, type }),
  };
}

function crn({ type, name }: ConfigResource): string {
  return name === "" ? "" : `${type}=${name}/`;
}

function noConfig(name: string): HttpError {
  return new HttpError(404, `There is no config "${name}"`);
}
