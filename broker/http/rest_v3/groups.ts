/**
 * Consumer groups, their members, and how far they are behind.
 *
 * @module
 */

import type { GroupDescription, GroupMember, GroupState } from "../../../client/mod.ts";
import { HttpError } from "../http_error.ts";
import type { Call } from "../rest/call.ts";
import type { Route } from "../rest/route.ts";
import { type GroupLag, lagsOf } from "./group_lags.ts";
import { type Json, LIST, noContent, type Resources, resourcesOf } from "./resource.ts";

const TAG = "Consumer groups";
const GROUPS = "/v3/clusters/:cluster/consumer-groups";
const GROUP = `${GROUPS}/:group`;
const LIST_NAME = "consumer-groups";

/** Kafka's states in the spelling of Confluent's API. */
const STATES: Readonly<Record<GroupState, string>> = {
  Empty: "EMPTY",
  PreparingRebalance: "PREPARING_REBALANCE",
  CompletingRebalance: "COMPLETING_REBALANCE",
  Assigning: "ASSIGNING",
  Reconciling: "RECONCILING",
  Stable: "STABLE",
  Dead: "DEAD",
  Unknown: "UNKNOWN",
};

/** How many groups are described with one request. */
const BATCH = 100;

/** The routes. */
export const GROUP_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: GROUPS,
    tag: TAG,
    summary: "All groups",
    answer: LIST,
    async handle(call) {
      const resources = resourcesOf(call);
      const ids = (await call.admin.listGroups()).map(({ groupId }) => groupId);
      const data: Json[] = [];
      for (let at = 0; at < ids.length; at += BATCH) {
        const groups = await call.admin.describeGroups(ids.slice(at, at + BATCH));
        for (const group of groups) data.push(groupOf(group, resources));
      }
      return resources.list("KafkaConsumerGroupList", [LIST_NAME], data);
    },
  },
  {
    method: "GET",
    path: GROUP,
    tag: TAG,
    summary: "One group",
    async handle(call) {
      return Response.json(groupOf(await find(call), resourcesOf(call)));
    },
  },
  {
    method: "DELETE",
    path: GROUP,
    tag: TAG,
    summary: "Delete a group without members, and its offsets",
    status: 204,
    isExtension: true,
    async handle(call) {
      resourcesOf(call);
      await call.admin.deleteGroup(call.param("group"));
      return noContent();
    },
  },
  {
    method: "GET",
    path: `${GROUP}/consumers`,
    tag: TAG,
    summary: "The members of a group",
    answer: LIST,
    async handle(call) {
      const resources = resourcesOf(call);
      const { groupId, members } = await find(call);
      const data = members.map((member) => consumer(groupId, member, resources));
      return resources.list("KafkaConsumerList", [LIST_NAME, groupId, "consumers"], data);
    },
  },
  {
    method: "GET",
    path: `${GROUP}/consumers/:consumer`,
    tag: TAG,
    summary: "One member",
    async handle(call) {
      const resources = resourcesOf(call);
      return Response.json(consumer(call.param("group"), await findMember(call), resources));
    },
  },
  {
    method: "GET",
    path: `${GROUP}/consumers/:consumer/assignments`,
    tag: TAG,
    summary: "The partitions of a member",
    answer: LIST,
    async handle(call) {
      const resources = resourcesOf(call);
      const member = await findMember(call);
      const group = call.param("group");
      const data = member.assignment.map((at) => assignment(group, member, at, resources));
      const segments = [LIST_NAME, group, "consumers", member.memberId, "assignments"];
      return resources.list("KafkaConsumerAssignmentList", segments, data);
    },
  },
  {
    method: "GET",
    path: `${GROUP}/consumers/:consumer/assignments/:topic/partitions/:partition`,
    tag: TAG,
    summary: "One partition of a member",
    async handle(call) {
      const resources = resourcesOf(call);
      const member = await findMember(call);
      const place = { topic: call.param("topic"), partition: call.number("partition") };
      const isItsOwn = member.assignment.some(({ topic, partition }) =>
        topic === place.topic && partition === place.partition
      );
      if (!isItsOwn) throw new HttpError(404, "The partition is not assigned to the member");
      return Response.json(assignment(call.param("group"), member, place, resources));
    },
  },
  {
    method: "GET",
    path: `${GROUP}/lag-summary`,
    tag: TAG,
    summary: "How far a group is behind, in all and where most",
    async handle(call) {
      const resources = resourcesOf(call);
      const group = await find(call);
      return Response.json(lagSummary(group, await lagsOf(call, group), resources));
    },
  },
  {
    method: "GET",
    path: `${GROUP}/lags`,
    tag: TAG,
    summary: "How far a group is behind, by partition",
    answer: LIST,
    async handle(call) {
      const resources = resourcesOf(call);
      const group = await find(call);
      const data = (await lagsOf(call, group)).map((lag) => lagOf(group, lag, resources));
      return resources.list("KafkaConsumerLagList", [LIST_NAME, group.groupId, "lags"], data);
    },
  },
  {
    method: "GET",
    path: `${GROUP}/lags/:topic/partitions/:partition`,
    tag: TAG,
    summary: "How far a group is behind in one partition",
    async handle(call) {
      const resources = resourcesOf(call);
      const group = await find(call);
      const partition = call.number("partition");
      const lag = (await lagsOf(call, group)).find((lag) =>
        lag.topic === call.param("topic") && lag.partition === partition
      );
      if (lag === undefined) throw new HttpError(404, "The group has no offset of the partition");
      return Response.json(lagOf(group, lag, resources));
    },
  },
];

/** The group that a path names. */
export function find(call: Call): Promise<GroupDescription> {
  return call.admin.describeGroup(call.param("group"));
}

async function findMember(call: Call): Promise<GroupMember> {
  const { members } = await find(call);
  const id = call.param("consumer");
  const member = members.find(({ memberId }) => memberId === id);
  if (member === undefined) throw new HttpError(404, `The group has no member "${id}"`);
  return member;
}

function groupOf(
  { groupId, type, state, protocolType, assignor, coordinator, members }: GroupDescription,
  resources: Resources,
): Json {
  return resources.resource("KafkaConsumerGroup", [["consumer-group", LIST_NAME, groupId]], {
    consumer_group_id: groupId,
    // Kafka calls a group simple if it only has offsets.
    is_simple: protocolType === "",
    partition_assignor: assignor,
    state: STATES[state],
    type: type.toUpperCase(),
    is_mixed_consumer_group: type === "consumer" &&
      members.some(({ protocol }) => protocol === "classic"),
    coordinator: resources.link("brokers", coordinator.id),
    consumers: resources.link(LIST_NAME, groupId, "consumers"),
    lag_summary: resources.link(LIST_NAME, groupId, "lag-summary"),
  });
}

function consumer(
  group: string,
  { memberId, groupInstanceId, clientId }: GroupMember,
  resources: Resources,
): Json {
  const steps = [
    ["consumer-group", LIST_NAME, group],
    ["consumer", "consumers", memberId],
  ] as const;
  return resources.resource("KafkaConsumer", steps, {
    consumer_group_id: group,
    consumer_id: memberId,
    instance_id: groupInstanceId,
    client_id: clientId,
    assignments: resources.link(LIST_NAME, group, "consumers", memberId, "assignments"),
  });
}

function assignment(
  group: string,
  { memberId }: GroupMember,
  { topic, partition }: { readonly topic: string; readonly partition: number },
  resources: Resources,
): Json {
  const steps = [
    ["consumer-group", LIST_NAME, group],
    ["consumer", "consumers", memberId],
    ["assignment", "assignments", topic],
    ["partition", "partitions", partition],
  ] as const;
  return resources.resource("KafkaConsumerAssignment", steps, {
    consumer_group_id: group,
    consumer_id: memberId,
    topic_name: topic,
    partition_id: partition,
    partition: resources.link("topics", topic, "partitions", partition),
    lag: resources.link(LIST_NAME, group, "lags", topic, "partitions", partition),
  });
}

function lagSummary(
  { groupId }: GroupDescription,
  lags: readonly GroupLag[],
  resources: Resources,
): Json {
  const most = lags.toSorted((a, b) => b.lag - a.lag)[0];
  const self = resources.url(LIST_NAME, groupId, "lag-summary");
  return {
    kind: "KafkaConsumerGroupLagSummary",
    metadata: {
      self,
      resource_name: `crn:///kafka=${resources.clusterId}/consumer-group=${groupId}/lag-summary`,
    },
    cluster_id: resources.clusterId,
    consumer_group_id: groupId,
    max_lag: most?.lag ?? 0,
    total_lag: lags.reduce((sum, { lag }) => sum + lag, 0),
    ...(most === undefined ? {} : {
      max_lag_consumer_id: most.member?.memberId ?? "",
      max_lag_client_id: most.member?.clientId ?? "",
      max_lag_instance_id: most.member?.groupInstanceId ?? null,
      max_lag_topic_name: most.topic,
      max_lag_partition_id: most.partition,
      max_lag_partition: resources.link("topics", most.topic, "partitions", most.partition),
      ...(most.member === undefined ? {} : {
        max_lag_consumer: resources.link(LIST_NAME, groupId, "consumers", most.member.memberId),
      }),
    }),
  };
}

function lagOf(
  { groupId }: GroupDescription,
  { topic, partition, currentOffset, endOffset, lag, member }: GroupLag,
  resources: Resources,
): Json {
  const steps = [
    ["consumer-group", LIST_NAME, groupId],
    ["lag", "lags", topic],
    ["partition", "partitions", partition],
  ] as const;
  return resources.resource("KafkaConsumerLag", steps, {
    consumer_group_id: groupId,
    topic_name: topic,
    partition_id: partition,
    current_offset: currentOffset,
    log_end_offset: endOffset,
    lag,
    consumer_id: member?.memberId ?? "",
    instance_id: member?.groupInstanceId ?? null,
    client_id: member?.clientId ?? "",
  });
}
