/**
 * Topics.
 *
 * @module
 */

import type { ConfigValue, NewTopic, TopicDescription } from "../../../client/mod.ts";
import { AclOperation, aclWord } from "../../../protocol/messages/security/acl_types.ts";
import { topicOperations } from "../../handlers/authorized_operations.ts";
import type { Call } from "../rest/call.ts";
import { badRequest, type Fields } from "../rest/fields.ts";
import { BOOLEAN, INTEGER, list, object, type Route, STRING } from "../rest/route.ts";
import { describeTopic } from "../rest/topics.ts";
import { type Json, LIST, noContent, type Resources, resourcesOf } from "./resource.ts";

const TAG = "Topics";
const TOPICS = "/v3/clusters/:cluster/topics";

/** The routes. */
export const TOPIC_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: TOPICS,
    tag: TAG,
    summary: "All topics",
    answer: LIST,
    async handle(call) {
      const resources = resourcesOf(call);
      const listed = await call.admin.listTopics({ internal: true });
      const data = listed.map(({ name, isInternal, partitions, replicas }) =>
        topicOf({ name, isInternal, partitions, replicas }, resources)
      );
      return resources.list("KafkaTopicList", ["topics"], data);
    },
  },
  {
    method: "POST",
    path: TOPICS,
    tag: TAG,
    summary: "Create a topic",
    status: 201,
    body: object({
      topic_name: STRING,
      partitions_count: INTEGER,
      replication_factor: INTEGER,
      replicas_assignments: list(object({ partition_id: INTEGER, broker_ids: list(INTEGER) })),
      configs: list(object({ name: STRING, value: STRING }, ["name"])),
      validate_only: BOOLEAN,
    }, ["topic_name"]),
    async handle(call) {
      const resources = resourcesOf(call);
      const body = await call.json();
      const topic = newTopic(body);
      const validateOnly = body.boolean("validate_only") ?? false;
      const created = await call.admin.createTopic(topic, { validateOnly });
      const answer = topicOf({ ...created, isInternal: false }, resources);
      if (validateOnly) return Response.json(answer);
      return Response.json(answer, {
        status: 201,
        headers: { location: resources.url("topics", topic.name) },
      });
    },
  },
  {
    method: "GET",
    path: `${TOPICS}/:topic`,
    tag: TAG,
    summary: "One topic",
    query: {
      include_authorized_operations:
        "true for what the client may do with the topic. Default: false",
    },
    async handle(call) {
      const described = summary(await describeTopic(call), resourcesOf(call));
      if (call.query("include_authorized_operations") !== "true") return Response.json(described);
      return Response.json({ ...described, authorized_operations: operationsOf(call) });
    },
  },
  {
    method: "PATCH",
    path: `${TOPICS}/:topic`,
    tag: TAG,
    summary: "Add partitions to a topic",
    body: object({ partitions_count: INTEGER }, ["partitions_count"]),
    async handle(call) {
      const resources = resourcesOf(call);
      const count = (await call.json()).requiredInteger("partitions_count");
      await call.admin.createPartitions(call.param("topic"), count);
      return Response.json(summary(await describeTopic(call), resources));
    },
  },
  {
    method: "DELETE",
    path: `${TOPICS}/:topic`,
    tag: TAG,
    summary: "Delete a topic and all its records",
    status: 204,
    async handle(call) {
      resourcesOf(call);
      await call.admin.deleteTopic(call.param("topic"));
      return noContent();
    },
  },
];

/** Kafka's words for what a client may do with the topic that a path names. */
function operationsOf(call: Call): string[] {
  const { session, broker } = call.context;
  const bits = topicOperations({ session, broker }, call.param("topic"));
  return Object.values(AclOperation).filter((operation) => bits & 1 << operation)
    .map((operation) => aclWord(AclOperation, operation));
}

function summary(
  { name, isInternal, partitions }: TopicDescription,
  resources: Resources,
): Json {
  const replicas = partitions[0]?.replicas.length ?? 0;
  return topicOf({ name, isInternal, partitions: partitions.length, replicas }, resources);
}

interface TopicSummary {
  readonly name: string;
  readonly isInternal: boolean;
  readonly partitions: number;
  readonly replicas: number;
}

function topicOf(
  { name, isInternal, partitions, replicas }: TopicSummary,
  resources: Resources,
): Json {
  const below = (...segments: string[]) => resources.link("topics", name, ...segments);
  return resources.resource("KafkaTopic", [["topic", "topics", name]], {
    topic_name: name,
    is_internal: isInternal,
    replication_factor: replicas,
    partitions_count: partitions,
    partitions: below("partitions"),
    configs: below("configs"),
    partition_reassignments: below("partitions", "-", "reassignment"),
    authorized_operations: [],
  });
}

function newTopic(body: Fields): NewTopic {
  const partitions = body.integer("partitions_count");
  const replicas = body.integer("replication_factor");
  const assignments = assignmentsOf(body);
  const configs: Record<string, ConfigValue> = {};
  for (const config of body.objects("configs") ?? []) {
    const name = config.requiredString("name");
    if (Object.hasOwn(configs, name)) throw badRequest(`The config "${name}" is there twice`);
    configs[name] = config.string("value") ?? null;
  }
  return {
    name: body.requiredString("topic_name"),
    ...(partitions === undefined ? {} : { partitions }),
    ...(replicas === undefined ? {} : { replicas }),
    ...(assignments === undefined ? {} : { assignments }),
    configs,
  };
}

function assignmentsOf(body: Fields): number[][] | undefined {
  const given = body.objects("replicas_assignments");
  if (given === undefined) return undefined;
  const assignments: number[][] = [];
  for (const assignment of given) {
    const partition = assignment.requiredInteger("partition_id");
    if (partition < 0 || partition >= given.length || assignments[partition] !== undefined) {
      throw badRequest(
        `Replica assignments must name partitions 0 to ${given.length - 1} once each`,
      );
    }
    assignments[partition] = (assignment.list("broker_ids") ?? []).map(Number);
  }
  return assignments;
}
