/**
 * Clusters and brokers.
 *
 * @module
 */

import type { BrokerNode } from "../../../client/mod.ts";
import { HttpError } from "../http_error.ts";
import type { Call } from "../rest/call.ts";
import type { Route } from "../rest/route.ts";
import { type Json, LIST, listResponse, Resources, resourcesOf } from "./resource.ts";

const TAG = "Clusters";
const CLUSTER = "/v3/clusters/:cluster";

/** The routes. */
export const CLUSTER_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v3/clusters",
    tag: TAG,
    summary: "The cluster, as a list of one",
    answer: LIST,
    async handle(call) {
      const resources = new Resources(call);
      return listResponse("KafkaClusterList", resources.clustersUrl, [
        await cluster(call, resources),
      ]);
    },
  },
  {
    method: "GET",
    path: CLUSTER,
    tag: TAG,
    summary: "The cluster",
    async handle(call) {
      return Response.json(await cluster(call, resourcesOf(call)));
    },
  },
  {
    method: "GET",
    path: `${CLUSTER}/brokers`,
    tag: TAG,
    summary: "The brokers",
    answer: LIST,
    async handle(call) {
      const resources = resourcesOf(call);
      const { brokers } = await call.admin.describeCluster();
      return resources.list(
        "KafkaBrokerList",
        ["brokers"],
        brokers.map((node) => broker(node, resources)),
      );
    },
  },
  {
    method: "GET",
    path: `${CLUSTER}/brokers/:broker`,
    tag: TAG,
    summary: "One broker",
    async handle(call) {
      const resources = resourcesOf(call);
      return Response.json(broker(await findBroker(call), resources));
    },
  },
];

/** The broker that a path names. */
export async function findBroker(call: Call): Promise<BrokerNode> {
  const id = call.number("broker");
  const { brokers } = await call.admin.describeCluster();
  const found = brokers.find((node) => node.id === id);
  if (found === undefined) throw new HttpError(404, `There is no broker ${id}`);
  return found;
}

async function cluster(call: Call, resources: Resources): Promise<Json> {
  const { controllerId } = await call.admin.describeCluster();
  return resources.resource("KafkaCluster", [], {
    ...(controllerId < 0 ? {} : { controller: resources.link("brokers", controllerId) }),
    acls: resources.link("acls"),
    brokers: resources.link("brokers"),
    broker_configs: resources.link("broker-configs"),
    consumer_groups: resources.link("consumer-groups"),
    topics: resources.link("topics"),
    partition_reassignments: {
      related: `${resources.url("topics")}/-/partitions/-/reassignment`,
    },
  });
}

function broker({ id, host, port, rack }: BrokerNode, resources: Resources): Json {
  return resources.resource("KafkaBroker", [["broker", "brokers", id]], {
    broker_id: id,
    host,
    port,
    rack: rack ?? null,
    configs: resources.link("brokers", id, "configs"),
    partition_replicas: resources.link("brokers", id, "partition-replicas"),
  });
}
