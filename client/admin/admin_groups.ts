/**
 * Listing, describing and deleting groups. Requests about one group go to its coordinator; listing
 * asks every broker, since each knows only its own groups.
 *
 * @module
 */

import { CONSUMER_PROTOCOL_TYPE } from "../../protocol/consumer_protocol.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { consumerGroupDescribe } from "../../protocol/messages/groups/consumer_group_describe.ts";
import { deleteGroups } from "../../protocol/messages/groups/delete_groups.ts";
import { describeGroups } from "../../protocol/messages/groups/describe_groups.ts";
import { listGroups } from "../../protocol/messages/groups/list_groups.ts";
import { MalformedMessageError } from "../../protocol/primitives/reader.ts";
import type { DecodedFields } from "../../protocol/schema/schema.ts";
import type {
  DeleteGroupResult,
  GroupDescription,
  GroupListing,
  GroupMember,
  GroupState,
  GroupType,
  ListGroupsOptions,
} from "../group/group_types.ts";
import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import type { BrokerNode } from "../connection/cluster_metadata.ts";
import { decodeAssignment, decodeSubscription } from "../group/membership/consumer_protocol.ts";
import { DqueueError, isRetriable, KafkaError, UnsupportedVersionError } from "../errors.ts";
import { findCoordinators } from "../connection/coordinator.ts";
import type { TopicPartition } from "../topic_partition.ts";

/** The first version with a filter by state (KIP-518). */
const FIRST_VERSION_WITH_STATES = 4;

/** The first version with a filter by type (KIP-848). */
const FIRST_VERSION_WITH_TYPES = 5;

/** The member type of a classic member in a group of KIP-848 (KIP-1099). */
const CLASSIC_MEMBER = 0;

/** Lists the groups of all brokers. */
export async function listAllGroups(
  core: ClientCore,
  { states = [], types = [], ...options }: ListGroupsOptions,
): Promise<GroupListing[]> {
  const minVersion = types.length > 0
    ? FIRST_VERSION_WITH_TYPES
    : states.length > 0
    ? FIRST_VERSION_WITH_STATES
    : listGroups.versions.min;
  const body = (version: number) => ({
    ...(version >= FIRST_VERSION_WITH_STATES ? { statesFilter: states } : {}),
    ...(version >= FIRST_VERSION_WITH_TYPES ? { typesFilter: types } : {}),
  });
  return await core.retry("list groups", options, async (signal) => {
    await core.metadata.refresh();
    const answers = await Promise.all(core.metadata.brokers.map(async ({ id }) => {
      const answer = await core.requestBroker(id, listGroups, body, { signal, minVersion });
      if (answer.errorCode === ErrorCode.NONE) return answer.groups;
      throw new KafkaError(`list groups of broker ${id}`, answer.errorCode);
    }));
    // A group whose coordinator moves meanwhile may be listed by two brokers.
    const groups = new Map(answers.flat().map((group) => [group.groupId, group]));
    return [...groups.values()]
      .map(({ groupId, protocolType, groupState, groupType }) => ({
        groupId,
        protocolType,
        state: stateOf(groupState),
        type: (groupType === "" ? "unknown" : groupType.toLowerCase()) as GroupType,
      }))
      .sort((a, b) => a.groupId < b.groupId ? -1 : 1);
  });
}

/**
 * Describes groups of either protocol.
 *
 * @throws {KafkaError} If a group does not exist, with `GROUP_ID_NOT_FOUND`.
 */
export async function describeAllGroups(
  core: ClientCore,
  groupIds: readonly string[],
  options: OperationOptions,
): Promise<GroupDescription[]> {
  if (groupIds.length === 0) return [];
  return await core.retry("describe groups", options, async (signal) => {
    const coordinators = await findCoordinators(core, "group", [...new Set(groupIds)], signal);
    const described = await Promise.all(
      coordinators.map(async ({ node, keys: groupIds }) => {
        const modern = await describeModern(core, node, groupIds, signal);
        const known = new Set(modern.map(({ groupId }) => groupId));
        const rest = groupIds.filter((groupId) => !known.has(groupId));
        return [...modern, ...await describeClassic(core, node, rest, signal)];
      }),
    );
    const byId = new Map(described.flat().map((group) => [group.groupId, group]));
    return groupIds.map((groupId) => byId.get(groupId) ?? notFound(groupId));
  });
}

/** Describes the groups of the consumer protocol: none where the broker does not support it. */
async function describeModern(
  core: ClientCore,
  coordinator: BrokerNode,
  groupIds: readonly string[],
  signal: AbortSignal,
): Promise<GroupDescription[]> {
  const connection = await core.control.connection(coordinator, signal);
  let groups: DecodedFields<typeof consumerGroupDescribe.response.fields>["groups"];
  try {
    ({ groups } = await connection.request(consumerGroupDescribe, { groupIds }, { signal }));
  } catch (error) {
    if (error instanceof UnsupportedVersionError) return [];
    throw error;
  }
  const described: GroupDescription[] = [];
  for (const group of groups) {
    const { groupId, errorCode, errorMessage } = group;
    const isElsewhere = errorCode === ErrorCode.GROUP_ID_NOT_FOUND ||
      errorCode === ErrorCode.UNSUPPORTED_VERSION;
    if (isElsewhere) continue;
    if (errorCode !== ErrorCode.NONE) {
      throw new KafkaError(`describe group "${groupId}"`, errorCode, errorMessage);
    }
    described.push({
      groupId,
      type: "consumer",
      state: stateOf(group.groupState),
      protocolType: CONSUMER_PROTOCOL_TYPE,
      assignor: group.assignorName,
      coordinator,
      groupEpoch: group.groupEpoch,
      assignmentEpoch: group.assignmentEpoch,
      members: group.members.map((member): GroupMember => ({
        memberId: member.memberId,
        groupInstanceId: member.instanceId,
        clientId: member.clientId,
        host: member.clientHost,
        rackId: member.rackId,
        protocol: member.memberType === CLASSIC_MEMBER ? "classic" : "consumer",
        topics: member.subscribedTopicNames,
        topicRegex: member.subscribedTopicRegex,
        assignment: partitionsOf(member.assignment.topicPartitions),
        targetAssignment: partitionsOf(member.targetAssignment.topicPartitions),
        memberEpoch: member.memberEpoch,
      })),
    });
  }
  return described;
}

async function describeClassic(
  core: ClientCore,
  coordinator: BrokerNode,
  groupIds: readonly string[],
  signal: AbortSignal,
): Promise<GroupDescription[]> {
  if (groupIds.length === 0) return [];
  const connection = await core.control.connection(coordinator, signal);
  const { groups } = await connection.request(describeGroups, { groups: groupIds }, { signal });
  return groups.map((group) => {
    const { groupId, errorCode, errorMessage } = group;
    if (errorCode !== ErrorCode.NONE) {
      throw new KafkaError(`describe group "${groupId}"`, errorCode, errorMessage);
    }
    // Before version 6 a group that does not exist is described as dead (KIP-1043).
    if (group.groupState === "Dead") return notFound(groupId);
    const isConsumers = group.protocolType === CONSUMER_PROTOCOL_TYPE;
    return {
      groupId,
      type: "classic",
      state: stateOf(group.groupState),
      protocolType: group.protocolType,
      assignor: group.protocolData,
      coordinator,
      groupEpoch: undefined,
      assignmentEpoch: undefined,
      members: group.members.map((member): GroupMember => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        host: member.clientHost,
        protocol: "classic",
        topicRegex: null,
        ...(isConsumers ? subscriptionOf(member.memberMetadata) : NO_SUBSCRIPTION),
        assignment: isConsumers ? assignmentOf(member.memberAssignment) : [],
        targetAssignment: undefined,
        memberEpoch: undefined,
      })),
    };
  });
}

const NO_SUBSCRIPTION = { topics: [], rackId: null };

/** The topics and rack in a member's subscription; empty while the group is not stable. */
function subscriptionOf(metadata: Uint8Array): Pick<GroupMember, "topics" | "rackId"> {
  if (metadata.length === 0) return NO_SUBSCRIPTION;
  try {
    const { topics, rackId } = decodeSubscription(metadata);
    return { topics, rackId };
  } catch (error) {
    // A subscription of another format must not keep the rest of the group from being described.
    if (error instanceof MalformedMessageError) return NO_SUBSCRIPTION;
    throw error;
  }
}

function assignmentOf(assignment: Uint8Array): readonly TopicPartition[] {
  try {
    return decodeAssignment(assignment).partitions;
  } catch (error) {
    if (error instanceof MalformedMessageError) return [];
    throw error;
  }
}

/** Deletes groups. Each has its own result. */
export async function deleteAllGroups(
  core: ClientCore,
  groupIds: readonly string[],
  options: OperationOptions,
): Promise<DeleteGroupResult[]> {
  const results = new Map<string, DeleteGroupResult>();
  try {
    await core.retry("delete groups", options, async (signal) => {
      const left = groupIds.filter((groupId) => !results.has(groupId));
      if (left.length === 0) return;
      let again: DqueueError | undefined;
      const coordinators = await findCoordinators(core, "group", left, signal);
      await Promise.all(coordinators.map(async ({ node, keys: groupsNames }) => {
        const connection = await core.control.connection(node, signal);
        const answer = await connection.request(deleteGroups, { groupsNames }, { signal });
        for (const { groupId, errorCode } of answer.results) {
          const error = errorCode === ErrorCode.NONE
            ? undefined
            : new KafkaError(`delete group "${groupId}"`, errorCode);
          if (isRetriable(error)) again = error;
          else results.set(groupId, { groupId, error });
        }
      }));
      if (again !== undefined) throw again;
    });
  } catch (error) {
    // Results obtained so far are kept when the remaining groups fail.
    if (results.size === 0 || !(error instanceof DqueueError)) throw error;
    for (const groupId of groupIds) {
      if (!results.has(groupId)) results.set(groupId, { groupId, error });
    }
  }
  return groupIds.map((groupId) => results.get(groupId)!);
}

function partitionsOf(
  topics: readonly { readonly topicName: string; readonly partitions: readonly number[] }[],
): TopicPartition[] {
  return topics.flatMap(({ topicName: topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition }))
  );
}

/**
 * Normalizes a state: Kafka's documentation uses camel case, its KIP-848 coordinator other cases.
 */
const STATES: ReadonlyMap<string, GroupState> = new Map(
  ([
    "Empty",
    "PreparingRebalance",
    "CompletingRebalance",
    "Assigning",
    "Reconciling",
    "Stable",
    "Dead",
  ] as const).map((state) => [state.toLowerCase(), state]),
);

function stateOf(state: string): GroupState {
  return STATES.get(state.toLowerCase()) ?? "Unknown";
}

function notFound(groupId: string): never {
  throw new KafkaError(`describe group "${groupId}"`, ErrorCode.GROUP_ID_NOT_FOUND);
}
