/**
 * Requests of members of a KIP-848 group that use the classic protocol.
 *
 * The generation of such a member is its member epoch. JoinGroup advances it towards its target,
 * and SyncGroup returns its current assignment; there is no leader. If it must revoke partitions or
 * can get more, heartbeats tell it to rejoin.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { HeartbeatRequest } from "../../../protocol/messages/groups/heartbeat.ts";
import type {
  JoinGroupRequest,
  JoinGroupResponse,
} from "../../../protocol/messages/groups/join_group.ts";
import type {
  LeaveGroupRequest,
  LeaveGroupResponse,
} from "../../../protocol/messages/groups/leave_group.ts";
import type {
  SyncGroupRequest,
  SyncGroupResponse,
} from "../../../protocol/messages/groups/sync_group.ts";
import { MalformedMessageError } from "../../../protocol/primitives/reader.ts";
import { ApiError } from "../../api_error.ts";
import { ownProtocols } from "../classic/classic_member.ts";
import { CONSUMER_PROTOCOL_TYPE, decodeSubscription } from "../../../protocol/consumer_protocol.ts";
import type { GroupClient } from "../environment.ts";
import type { GroupShard } from "../group_shard.ts";
import type { GroupRecord } from "../records/group_record.ts";
import { NOTHING } from "./assignment.ts";
import type { ConsumerGroup } from "./consumer_group.ts";
import { type ConsumerMember, MemberState, newMember } from "./consumer_member.ts";
import { fenceMembers, startSession, watchJoin, watchSync } from "./fence.ts";
import { checkSize, replacement } from "./heartbeat.ts";
import { classicAssignment, downgrade, mayDowngrade, partitionsByName } from "./migrate.ts";
import { type MemberChange, METADATA_REFRESH_INTERVAL_MS, updateGroup } from "./update.ts";

const FIRST_VERSION_WITH_KNOWN_ID = 4;

/**
 * JoinGroup of a classic member.
 *
 * @returns The response, once its content is durable.
 * @throws {ApiError} An error of the request, the member or the log.
 */
export async function joinConsumerGroup(
  shard: GroupShard,
  group: ConsumerGroup,
  request: JoinGroupRequest,
  client: GroupClient,
): Promise<JoinGroupResponse> {
  const { environment: env } = shard;
  const { groupInstanceId: instanceId } = request;
  const isNew = request.memberId === "";
  const memberId = isNew ? `${instanceId ?? client.clientId}-${env.uniqueId()}` : request.memberId;
  checkSize(env, group, memberId);
  if (!sharesProtocol(group, request)) throw new ApiError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  if (isNew && instanceId === null && client.apiVersion >= FIRST_VERSION_WITH_KNOWN_ID) {
    return {
      errorCode: ErrorCode.MEMBER_ID_REQUIRED,
      protocolName: null,
      leader: "",
      memberId,
    };
  }
  const { before, replaced } = findMember(group, memberId, instanceId, isNew);
  const change = changeOf(shard, before, replaced, request, client);
  const member = await advance(shard, group, change);
  return {
    errorCode: ErrorCode.NONE,
    generationId: member.memberEpoch,
    protocolType: CONSUMER_PROTOCOL_TYPE,
    protocolName: member.classic!.protocols[0]!.name,
    leader: "",
    memberId: member.memberId,
  };
}

/** Whether a member supports a protocol that all classic members support. */
function sharesProtocol(
  group: ConsumerGroup,
  { protocolType, protocols }: JoinGroupRequest,
): boolean {
  if (protocolType !== CONSUMER_PROTOCOL_TYPE) return false;
  return protocols.some(({ name }) =>
    group.classicMembers.every(({ classic }) =>
      classic!.protocols.some((protocol) => protocol.name === name)
    )
  );
}

function findMember(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string | null,
  isNew: boolean,
): { before: ConsumerMember; replaced: ConsumerMember | undefined } {
  const existing = instanceId === null
    ? group.members.get(memberId)
    : group.staticMember(instanceId);
  if (instanceId === null || existing === undefined) {
    if (instanceId !== null && !isNew) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID);
    return { before: existing ?? newMember(memberId), replaced: undefined };
  }
  if (existing.memberId === memberId) return { before: existing, replaced: undefined };
  if (!isNew) throw new ApiError(ErrorCode.FENCED_INSTANCE_ID);
  const before = { ...existing, memberId, memberEpoch: 0, previousMemberEpoch: 0 };
  return { before, replaced: existing };
}

function changeOf(
  { environment: { topics } }: GroupShard,
  before: ConsumerMember,
  replaced: ConsumerMember | undefined,
  request: JoinGroupRequest,
  client: GroupClient,
): MemberChange {
  const { sessionTimeoutMs, rebalanceTimeoutMs } = request;
  const protocols = ownProtocols(request.protocols);
  const subscription = subscriptionOf(protocols[0]!.metadata);
  const after: ConsumerMember = {
    ...before,
    instanceId: request.groupInstanceId ?? before.instanceId,
    rackId: subscription.rackId ?? before.rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? sessionTimeoutMs : rebalanceTimeoutMs,
    subscribedTopicNames: [...new Set(subscription.topics)].sort(),
    subscribedTopicRegex: null,
    clientId: client.clientId,
    clientHost: client.clientHost,
    classic: { sessionTimeoutMs, protocols },
  };
  return { before, after, replaced, owned: partitionsByName(subscription.ownedPartitions, topics) };
}

function subscriptionOf(metadata: Uint8Array) {
  try {
    return decodeSubscription(metadata);
  } catch (cause) {
    if (!(cause instanceof MalformedMessageError)) throw cause;
    throw new ApiError(
      ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
      "Cannot join a KIP-848 group: the subscription cannot be read",
      { cause },
    );
  }
}

/** Adds or updates the member and writes it; the group may be downgraded to a classic one. */
async function advance(
  shard: GroupShard,
  group: ConsumerGroup,
  change: MemberChange,
): Promise<ConsumerMember> {
  const { groupId, groupEpoch } = group;
  const { before, replaced } = change;
  const members = membersAfter(group, change);
  const isLast = replaced !== undefined && replaced.classic === null &&
    mayDowngrade(shard.environment, group, members);
  const update = updateGroup(shard.environment, group, change, !isLast);
  const { member } = update;
  if (isLast) {
    const joining = { memberId: member.memberId, replacedId: replaced.memberId };
    // In the classic group, members would never get the rest of their targets.
    const mustRebalance = update.hasSubscriptionChanged || group.state !== "Stable";
    await downgrade(shard, group, members, { joining, mustRebalance });
    return { ...member, memberEpoch: groupEpoch };
  }
  const records: GroupRecord[] = [];
  if (replaced !== undefined) records.push(...replacement(group, replaced, before));
  records.push(...update.records);
  const durable = shard.commit(groupId, records, true);
  if (update.isRefreshed) {
    group.refreshDueMs = shard.environment.clock.now() + METADATA_REFRESH_INTERVAL_MS;
  }
  group.deadlinesOf(member.memberId).join?.cancel();
  startSession(shard, group, member);
  watchSync(shard, group, member);
  await durable;
  return member;
}

function membersAfter(group: ConsumerGroup, { after, replaced }: MemberChange): ConsumerMember[] {
  const others = [...group.members.values()].filter(({ memberId }) =>
    memberId !== replaced?.memberId && memberId !== after.memberId
  );
  return [...others, after];
}

/**
 * SyncGroup of a classic member.
 *
 * @throws {ApiError} An error of the member or its generation.
 */
export async function syncConsumerGroup(
  shard: GroupShard,
  group: ConsumerGroup,
  request: SyncGroupRequest,
): Promise<SyncGroupResponse> {
  const member = classicMember(group, request.memberId, request.groupInstanceId);
  ensureGeneration(member, request.generationId);
  const protocolName = member.classic!.protocols[0]!.name;
  const differs = (request.protocolType !== null &&
    request.protocolType !== CONSUMER_PROTOCOL_TYPE) ||
    (request.protocolName !== null && request.protocolName !== protocolName);
  if (differs) throw new ApiError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  if (group.groupEpoch > member.memberEpoch && member.state !== MemberState.unrevoked) {
    watchJoin(shard, group, member);
    throw new ApiError(ErrorCode.REBALANCE_IN_PROGRESS);
  }
  group.deadlinesOf(member.memberId).sync?.cancel();
  startSession(shard, group, member);
  const assignment = classicAssignment(member, member.assigned, shard.environment.topics);
  await shard.stable(group.groupId);
  return {
    errorCode: ErrorCode.NONE,
    protocolType: request.protocolType,
    protocolName: request.protocolName,
    assignment,
  };
}

/**
 * Heartbeat of a classic member. Returns an error code.
 *
 * @throws {ApiError} An error of the member or its generation.
 */
export function heartbeatConsumerGroup(
  shard: GroupShard,
  group: ConsumerGroup,
  request: HeartbeatRequest,
): number {
  const member = classicMember(group, request.memberId, request.groupInstanceId);
  ensureGeneration(member, request.generationId);
  startSession(shard, group, member);
  if (!mustRejoin(group, member)) return ErrorCode.NONE;
  watchJoin(shard, group, member);
  return ErrorCode.REBALANCE_IN_PROGRESS;
}

/** Whether the member must rejoin: there is a newer target, or partitions to revoke or to get. */
function mustRejoin(group: ConsumerGroup, member: ConsumerMember): boolean {
  if (member.memberEpoch < group.groupEpoch || member.state === MemberState.unrevoked) return true;
  return member.state === MemberState.unreleased && !isWaiting(group, member);
}

/** Whether target partitions of a member are still held by others. */
function isWaiting(group: ConsumerGroup, { memberId }: ConsumerMember): boolean {
  for (const [topicId, partitions] of group.target(memberId) ?? NOTHING) {
    for (const partition of partitions) {
      const owner = group.ownerOf(topicId, partition);
      if (owner !== undefined && owner !== memberId) return true;
    }
  }
  return false;
}

/**
 * LeaveGroup, also of members that use the new protocol, since operators remove static members this
 * way.
 *
 * @throws {ApiError} If the log fails.
 */
export async function leaveConsumerGroup(
  shard: GroupShard,
  group: ConsumerGroup,
  members: LeaveGroupRequest["members"],
): Promise<LeaveGroupResponse> {
  const leaving = new Set<string>();
  const results = members.map(({ memberId, groupInstanceId }) => {
    const member = groupInstanceId === null
      ? group.members.get(memberId)
      : group.staticMember(groupInstanceId);
    let errorCode: number = ErrorCode.NONE;
    if (member === undefined) errorCode = ErrorCode.UNKNOWN_MEMBER_ID;
    else if (memberId !== "" && member.memberId !== memberId) {
      errorCode = ErrorCode.FENCED_INSTANCE_ID;
    } else leaving.add(member.memberId);
    return { memberId, groupInstanceId, errorCode };
  });
  if (leaving.size > 0) await fenceMembers(shard, group, leaving);
  return { errorCode: ErrorCode.NONE, members: results };
}

function classicMember(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string | null,
): ConsumerMember {
  const member = instanceId === null ? group.members.get(memberId) : group.staticMember(instanceId);
  if (member === undefined) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID);
  if (member.memberId !== memberId) throw new ApiError(ErrorCode.FENCED_INSTANCE_ID);
  if (member.classic === null) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID);
  return member;
}

function ensureGeneration({ memberEpoch }: ConsumerMember, generationId: number): void {
  if (memberEpoch !== generationId) throw new ApiError(ErrorCode.ILLEGAL_GENERATION);
}
