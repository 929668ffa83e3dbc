/**
 * Partitions, replicas and reassignments.
 *
 * @module
 */

import type { PartitionMetadata, PartitionReassignment } from "../../../client/mod.ts";
import { HttpError } from "../http_error.ts";
import { badRequest } from "../rest/fields.ts";
import type { Route } from "../rest/route.ts";
import { describeTopic, endsOf, findPartition } from "../rest/topics.ts";
import { findBroker } from "./clusters.ts";
import { type Json, LIST, type Resources, resourcesOf } from "./resource.ts";

const TAG = "Partitions";
const CLUSTER = "/v3/clusters/:cluster";
const PARTITIONS = `${CLUSTER}/topics/:topic/partitions`;
const BOTH_OFFSETS = "earliest_and_latest";

/** The routes. */
export const PARTITION_ROUTES: readonly Route[] = [
  reassignments(`${CLUSTER}/topics/-/partitions/-/reassignment`, "Reassignments of all topics"),
  reassignments(`${PARTITIONS}/-/reassignment`, "Reassignments of a topic"),
  {
    method: "GET",
    path: PARTITIONS,
    tag: TAG,
    summary: "The partitions of a topic",
    answer: LIST,
    async handle(call) {
      const resources = resourcesOf(call);
      const { name, partitions } = await describeTopic(call);
      const data = partitions.map((metadata) => partition(name, metadata, resources));
      return resources.list("KafkaPartitionList", ["topics", name, "partitions"], data);
    },
  },
  {
    method: "GET",
    path: `${PARTITIONS}/:partition`,
    tag: TAG,
    summary: "One partition",
    async handle(call) {
      const resources = resourcesOf(call);
      return Response.json(partition(call.param("topic"), await findPartition(call), resources));
    },
  },
  {
    method: "GET",
    path: `${PARTITIONS}/:partition/offset`,
    tag: TAG,
    summary: "The first offset of a partition, and its end",
    query: { offset_type: "earliest_and_latest, which is the default" },
    async handle(call) {
      const resources = resourcesOf(call);
      const topic = call.param("topic");
      const type = call.query("offset_type") ?? BOTH_OFFSETS;
      if (type !== BOTH_OFFSETS) {
        throw badRequest(`"offset_type" is ${BOTH_OFFSETS}, not "${type}"`);
      }
      const { partition: id } = await findPartition(call);
      const { start, end } = await endsOf(call, topic, id);
      const steps = [["topic", "topics", topic], ["partition", "partitions", id]] as const;
      const resource = resources.resource("KafkaPartitionWithOffsets", steps, {
        topic_name: topic,
        partition_id: id,
        earliest_offset: start,
        latest_offset: end,
      });
      return Response.json(below(resource, "offset"));
    },
  },
  {
    method: "GET",
    path: `${PARTITIONS}/:partition/reassignment`,
    tag: TAG,
    summary: "The reassignment of a partition, if there is one",
    async handle(call) {
      const resources = resourcesOf(call);
      const { partition } = await findPartition(call);
      const topic = call.param("topic");
      const [moving] = await call.admin.listReassignments([{ topic, partition }]);
      if (moving === undefined) throw new HttpError(404, "The partition is not being reassigned");
      return Response.json(reassignment(moving, resources));
    },
  },
  {
    method: "GET",
    path: `${PARTITIONS}/:partition/replicas`,
    tag: TAG,
    summary: "The replicas of a partition",
    answer: LIST,
    async handle(call) {
      const resources = resourcesOf(call);
      const topic = call.param("topic");
      const metadata = await findPartition(call);
      const data = metadata.replicas.map((id) => replica(topic, metadata, id, resources));
      const segments = ["topics", topic, "partitions", metadata.partition, "replicas"];
      return resources.list("KafkaReplicaList", segments, data);
    },
  },
  {
    method: "GET",
    path: `${PARTITIONS}/:partition/replicas/:broker`,
    tag: TAG,
    summary: "One replica",
    async handle(call) {
      const resources = resourcesOf(call);
      const metadata = await findPartition(call);
      const id = call.number("broker");
      if (!metadata.replicas.includes(id)) {
        throw new HttpError(404, `Broker ${id} has no replica of the partition`);
      }
      return Response.json(replica(call.param("topic"), metadata, id, resources));
    },
  },
  {
    method: "GET",
    path: `${CLUSTER}/brokers/:broker/partition-replicas`,
    tag: TAG,
    summary: "The replicas on a broker",
    answer: LIST,
    async handle(call) {
      const resources = resourcesOf(call);
      const { id } = await findBroker(call);
      const names = (await call.admin.listTopics({ internal: true })).map(({ name }) => name);
      const topics = names.length === 0 ? [] : await call.admin.describeTopics(names);
      const data = topics.flatMap(({ name, partitions }) =>
        partitions.filter(({ replicas }) => replicas.includes(id))
          .map((metadata) => replica(name, metadata, id, resources))
      );
      return resources.list("KafkaReplicaList", ["brokers", id, "partition-replicas"], data);
    },
  },
];

/** A list of the partitions whose replicas are being moved. */
function reassignments(path: string, summary: string): Route {
  return {
    method: "GET",
    path,
    tag: TAG,
    summary,
    answer: LIST,
    async handle(call) {
      const resources = resourcesOf(call);
      const name = path.includes(":topic") ? call.param("topic") : undefined;
      const topic = name === undefined ? undefined : await describeTopic(call);
      const data = (await call.admin.listReassignments(
        topic?.partitions.map(({ partition }) => ({ topic: topic.name, partition })),
      )).map((moving) => reassignment(moving, resources));
      const segments = ["topics", name ?? "-", "partitions", "-", "reassignment"];
      return resources.list("KafkaReassignmentList", segments, data);
    },
  };
}

function reassignment(
  { topic, partition: id, adding, removing }: PartitionReassignment,
  resources: Resources,
): Json {
  const steps = [["topic", "topics", topic], ["partition", "partitions", id]] as const;
  const resource = resources.resource("KafkaReassignment", steps, {
    topic_name: topic,
    partition_id: id,
    adding_replicas: adding,
    removing_replicas: removing,
    replicas: resources.link("topics", topic, "partitions", id, "replicas"),
  });
  return below(resource, "reassignment");
}

/** A resource with its place below the one that it is about. */
function below({ kind, metadata, ...fields }: Json, name: string): Json {
  const { self, resource_name: of } = metadata as { self: string; resource_name: string };
  return {
    kind,
    metadata: { self: `${self}/${name}`, resource_name: `${of}/${name}` },
    ...fields,
  };
}

function partition(
  topic: string,
  { partition: id, leaderId }: PartitionMetadata,
  resources: Resources,
): Json {
  const below = (...segments: (string | number)[]) =>
    resources.link("topics", topic, "partitions", id, ...segments);
  const steps = [["topic", "topics", topic], ["partition", "partitions", id]] as const;
  return resources.resource("KafkaPartition", steps, {
    topic_name: topic,
    partition_id: id,
    ...(leaderId < 0 ? {} : { leader: below("replicas", leaderId) }),
    replicas: below("replicas"),
    reassignment: below("reassignment"),
  });
}

function replica(
  topic: string,
  { partition: id, leaderId, isr }: PartitionMetadata,
  brokerId: number,
  resources: Resources,
): Json {
  const steps = [
    ["topic", "topics", topic],
    ["partition", "partitions", id],
    ["replica", "replicas", brokerId],
  ] as const;
  return resources.resource("KafkaReplica", steps, {
    topic_name: topic,
    partition_id: id,
    broker_id: brokerId,
    is_leader: brokerId === leaderId,
    is_in_sync: isr.includes(brokerId),
    broker: resources.link("brokers", brokerId),
  });
}
