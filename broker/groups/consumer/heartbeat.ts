/**
 * ConsumerGroupHeartbeat: validates and processes a member's heartbeat.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from "../../../protocol/messages/groups/consumer_group_heartbeat.ts";
import { ApiError } from "../../api_error.ts";
import type { GroupClient, GroupEnvironment } from "../environment.ts";
import { heartbeatIntervalMs } from "../group_config.ts";
import type { GroupShard } from "../group_shard.ts";
import type { GroupRecord } from "../records/group_record.ts";
import {
  type Assignment,
  assignmentOf,
  equal,
  isSubset,
  NOTHING,
  topicPartitionsOf,
} from "./assignment.ts";
import { ConsumerGroup } from "./consumer_group.ts";
import {
  type ConsumerMember,
  currentRecord,
  LEAVE_EPOCH,
  LEAVE_STATIC_EPOCH,
  newMember,
  subscriptionRecord,
} from "./consumer_member.ts";
import { fenceMembers, startSession, startSessions, watchRevocation } from "./fence.ts";
import { memberTombstones, targetRecord } from "./group_records.ts";
import { upgrade } from "./migrate.ts";
import { type TopicMatches, topicMatches } from "./topic_matches.ts";
import { isRegexEngineLoaded, loadRegexEngine } from "./topic_regex.ts";
import { type MemberChange, METADATA_REFRESH_INTERVAL_MS, updateGroup } from "./update.ts";

type Request = ConsumerGroupHeartbeatRequest;
type Response = ConsumerGroupHeartbeatResponse;

/** From this version on the client generates its member id (KIP-1082). */
const FIRST_VERSION_WITH_OWN_ID = 1;
const JOIN_EPOCH = 0;
/** Limits on topics and owned partitions of a member: a heartbeat is processed without yielding. */
export const MAX_TOPICS = 10_000;
const MAX_PARTITIONS = 50_000;
const UNCHANGED = -1;

/**
 * Processes a heartbeat.
 *
 * @returns The response, once its content is durable.
 * @throws {ApiError} An error of the request, the member or the log.
 */
export function consumerHeartbeat(
  shard: GroupShard,
  request: Request,
  client: GroupClient,
): Response | Promise<Response> {
  validate(request, client.apiVersion, shard.environment);
  const { memberEpoch } = request;
  if (memberEpoch === LEAVE_EPOCH || memberEpoch === LEAVE_STATIC_EPOCH) {
    return leave(shard, request);
  }
  const regexes = regexesFor(shard, request);
  const matches = topicMatches(shard.environment.topics);
  if (regexes.some((regex) => !isRegexEngineLoaded() || !matches.isReady(regex))) {
    return prepare(regexes, matches).then(() => {
      shard.ensureActive();
      return beat(shard, request, client);
    });
  }
  return beat(shard, request, client);
}

/** The regular expressions that the heartbeat may have to resolve. */
function regexesFor(shard: GroupShard, request: Request): string[] {
  const used = shard.consumerGroup(request.groupId)?.regexSubscribers;
  const given = request.subscribedTopicRegex;
  if (!given) return used === undefined ? [] : [...used.keys()];
  return used === undefined ? [given] : [...new Set([given, ...used.keys()])];
}

async function prepare(regexes: readonly string[], matches: TopicMatches): Promise<void> {
  await loadRegexEngine();
  for (const regex of regexes) {
    if (!matches.isReady(regex)) await matches.prepare(regex);
  }
}

function validate(request: Request, apiVersion: number, { config }: GroupEnvironment): void {
  const { memberId, memberEpoch, instanceId, serverAssignor } = request;
  const refuseIf = (condition: boolean, message: string) => {
    if (condition) throw new ApiError(ErrorCode.INVALID_REQUEST, message);
  };
  const mustHaveId = apiVersion >= FIRST_VERSION_WITH_OWN_ID || memberEpoch > JOIN_EPOCH ||
    memberEpoch === LEAVE_EPOCH;
  refuseIf(mustHaveId && memberId === "", "Cannot process heartbeat: MemberId is empty");
  const { subscribedTopicNames: names, topicPartitions: owned } = request;
  refuseIf(
    (names?.length ?? 0) > MAX_TOPICS,
    `Cannot subscribe to ${names?.length} topics: the limit is ${MAX_TOPICS}`,
  );
  refuseIf(
    (owned?.length ?? 0) > MAX_TOPICS,
    `Cannot own partitions of ${owned?.length} topics: the limit is ${MAX_TOPICS}`,
  );
  const ownedCount = owned?.reduce((sum, { partitions }) => sum + partitions.length, 0) ?? 0;
  refuseIf(
    ownedCount > MAX_PARTITIONS,
    `Cannot own ${ownedCount} partitions: the limit is ${MAX_PARTITIONS}`,
  );
  refuseIf(instanceId === "", "Cannot process heartbeat: InstanceId is empty");
  refuseIf(request.rackId === "", "Cannot process heartbeat: RackId is empty");
  refuseIf(
    memberEpoch < LEAVE_STATIC_EPOCH,
    `Cannot process heartbeat: MemberEpoch is ${memberEpoch}, the minimum is ${LEAVE_STATIC_EPOCH}`,
  );
  refuseIf(
    memberEpoch === LEAVE_STATIC_EPOCH && instanceId === null,
    "Cannot leave temporarily: InstanceId is null",
  );
  if (memberEpoch === JOIN_EPOCH) {
    refuseIf(
      request.rebalanceTimeoutMs === UNCHANGED,
      "Cannot join: RebalanceTimeoutMs is missing",
    );
    refuseIf(
      request.topicPartitions === null || request.topicPartitions.length > 0,
      "Cannot join: TopicPartitions must be empty",
    );
    refuseIf(
      request.subscribedTopicNames === null && request.subscribedTopicRegex === null,
      "Cannot join: SubscribedTopicNames and SubscribedTopicRegex are null",
    );
  }
  const assignors = config.get("group.consumer.assignors");
  if (serverAssignor !== null && !assignors.includes(serverAssignor)) {
    throw new ApiError(
      ErrorCode.UNSUPPORTED_ASSIGNOR,
      `Cannot use assignor "${serverAssignor}": this broker supports ${assignors.join(", ")}`,
    );
  }
}

function beat(
  shard: GroupShard,
  request: Request,
  client: GroupClient,
): Response | Promise<Response> {
  const { environment: env } = shard;
  const { groupId } = request;
  const { group, records: conversion } = openGroup(shard, request);
  const memberId = request.memberId || env.uniqueId();
  checkSize(env, group, memberId);
  const owned = request.topicPartitions === null ? null : assignmentOf(request.topicPartitions);
  const { before, replaced } = findMember(group, memberId, request, owned);
  const records: GroupRecord[] = [...conversion];
  if (replaced !== undefined) records.push(...replacement(group, replaced, before));
  const change: MemberChange = {
    before,
    after: subscribe(before, request, client),
    ...(client.mayDescribe === undefined ? {} : { mayDescribe: client.mayDescribe }),
    replaced,
    owned,
  };
  const update = updateGroup(env, group, change);
  records.push(...update.records);

  const durable = shard.commit(groupId, records, true);
  const current = shard.consumerGroup(groupId)!;
  const { member } = update;
  if (update.isRefreshed) current.refreshDueMs = env.clock.now() + METADATA_REFRESH_INTERVAL_MS;
  if (current !== group) startSessions(shard, current);
  startSession(shard, current, member);
  if (member !== change.after) watchRevocation(shard, current, member);

  const isFull = request.rebalanceTimeoutMs !== UNCHANGED && owned !== null &&
    (request.subscribedTopicNames !== null || request.subscribedTopicRegex !== null);
  const mustTell = request.memberEpoch === JOIN_EPOCH || isFull ||
    !equal(before.assigned, member.assigned);
  const response: Response = {
    errorCode: ErrorCode.NONE,
    memberId: member.memberId,
    memberEpoch: member.memberEpoch,
    heartbeatIntervalMs: heartbeatIntervalMs(env, groupId),
    assignment: mustTell ? { topicPartitions: topicPartitionsOf(member.assigned) } : null,
  };
  return durable === undefined ? response : durable.then(() => response);
}

/** The group of the request, which may be new and not yet written. */
function openGroup(
  shard: GroupShard,
  { groupId, memberEpoch }: Request,
): { group: ConsumerGroup; records: readonly GroupRecord[] } {
  const existing = shard.group(groupId);
  if (existing?.type === "consumer") return { group: existing, records: [] };
  if (memberEpoch !== JOIN_EPOCH) {
    throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a consumer group.`);
  }
  if (existing === undefined) return { group: new ConsumerGroup(groupId), records: [] };
  if (!existing.isEmpty) return upgrade(shard.environment, existing);
  const group = new ConsumerGroup(groupId, existing.generation);
  return { group, records: existing.tombstones() };
}

/** @throws {ApiError} GROUP_MAX_SIZE_REACHED if the group is full. */
export function checkSize(
  { config }: GroupEnvironment,
  group: ConsumerGroup,
  memberId: string,
): void {
  const maxSize = config.get("group.consumer.max.size");
  if (group.members.size < maxSize || group.members.has(memberId)) return;
  throw new ApiError(
    ErrorCode.GROUP_MAX_SIZE_REACHED,
    `Cannot join group "${group.groupId}": it has ${group.members.size} members, ` +
      `group.consumer.max.size is ${maxSize}`,
  );
}

/** The member of the request, and the static member that it replaces, if any. */
function findMember(
  group: ConsumerGroup,
  memberId: string,
  { memberEpoch, instanceId }: Request,
  owned: Assignment | null,
): { before: ConsumerMember; replaced: ConsumerMember | undefined } {
  const isJoining = memberEpoch === JOIN_EPOCH;
  const existing = instanceId === null
    ? group.members.get(memberId)
    : group.staticMember(instanceId);
  if (existing === undefined) {
    if (!isJoining) throw unknownMember(group, instanceId ?? memberId);
    return { before: group.members.get(memberId) ?? newMember(memberId), replaced: undefined };
  }
  if (instanceId === null || existing.memberId === memberId) {
    if (isJoining && instanceId !== null) ensureReleased(existing, memberId);
    checkEpoch(existing, memberEpoch, owned);
    return { before: existing, replaced: undefined };
  }
  if (!isJoining) throw fencedInstance(existing, memberId);
  ensureReleased(existing, memberId);
  const before = { ...existing, memberId, memberEpoch: 0, previousMemberEpoch: 0 };
  return { before, replaced: existing };
}

function unknownMember(group: ConsumerGroup, who: string): ApiError {
  return new ApiError(
    ErrorCode.UNKNOWN_MEMBER_ID,
    `Member "${who}" is not a member of group "${group.groupId}"`,
  );
}

function fencedInstance({ instanceId, memberId }: ConsumerMember, other: string): ApiError {
  return new ApiError(
    ErrorCode.FENCED_INSTANCE_ID,
    `Static member "${other}" with instance id "${instanceId}" was fenced by member "${memberId}"`,
  );
}

/** A static member can be replaced only after it left temporarily; a classic member always can. */
function ensureReleased(existing: ConsumerMember, memberId: string): void {
  const { classic, memberEpoch, instanceId } = existing;
  if (classic !== null || memberEpoch === LEAVE_STATIC_EPOCH) return;
  if (existing.memberId === memberId) return;
  throw new ApiError(
    ErrorCode.UNRELEASED_INSTANCE_ID,
    `Static member "${memberId}" cannot join: instance id "${instanceId}" is owned by member ` +
      `"${existing.memberId}"`,
  );
}

/**
 * An older epoch can be due to a lost response, provided that the member holds no more than its
 * assignment.
 */
function checkEpoch(member: ConsumerMember, epoch: number, owned: Assignment | null): void {
  if (epoch === JOIN_EPOCH || epoch === member.memberEpoch) return;
  const isPrevious = epoch < member.memberEpoch && epoch === member.previousMemberEpoch &&
    owned !== null && isSubset(owned, member.assigned);
  if (isPrevious) return;
  throw new ApiError(
    ErrorCode.FENCED_MEMBER_EPOCH,
    `Member "${member.memberId}" has epoch ${epoch}, the coordinator has ` +
      `${member.memberEpoch}: it must revoke all partitions and rejoin`,
  );
}

/** The records that replace a static member. */
export function replacement(
  group: ConsumerGroup,
  replaced: ConsumerMember,
  member: ConsumerMember,
): GroupRecord[] {
  const { groupId } = group;
  return [
    ...memberTombstones(groupId, replaced.memberId),
    subscriptionRecord(groupId, member),
    targetRecord(groupId, member.memberId, group.target(replaced.memberId)),
    currentRecord(groupId, member),
  ];
}

/** Applies the subscription of a request to a member. */
function subscribe(member: ConsumerMember, request: Request, client: GroupClient): ConsumerMember {
  const { subscribedTopicNames: names, subscribedTopicRegex: regex, rebalanceTimeoutMs } = request;
  return {
    ...member,
    instanceId: request.instanceId ?? member.instanceId,
    rackId: request.rackId ?? member.rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs === UNCHANGED
      ? member.rebalanceTimeoutMs
      : rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? member.serverAssignor,
    subscribedTopicNames: names === null ? member.subscribedTopicNames : [...new Set(names)].sort(),
    subscribedTopicRegex: regex === null ? member.subscribedTopicRegex : regex || null,
    clientId: client.clientId,
    clientHost: client.clientHost,
    classic: null,
  };
}

function leave(shard: GroupShard, request: Request): Response | Promise<Response> {
  const { groupId, memberId, instanceId, memberEpoch } = request;
  const group = shard.consumerGroup(groupId);
  if (group === undefined) {
    throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a consumer group.`);
  }
  const member = instanceId === null ? group.members.get(memberId) : group.staticMember(instanceId);
  if (member === undefined) throw unknownMember(group, instanceId ?? memberId);
  if (member.memberId !== memberId) throw fencedInstance(member, memberId);
  const durable = memberEpoch === LEAVE_STATIC_EPOCH
    ? leaveOpen(shard, group, member)
    : fenceMembers(shard, group, new Set([memberId]));
  const response: Response = {
    errorCode: ErrorCode.NONE,
    memberId,
    memberEpoch,
    heartbeatIntervalMs: 0,
  };
  return durable === undefined ? response : durable.then(() => response);
}

/** A static member that will return keeps its partitions until its session ends. */
function leaveOpen(
  shard: GroupShard,
  { groupId }: ConsumerGroup,
  member: ConsumerMember,
): Promise<void> | undefined {
  const gone = { ...member, memberEpoch: LEAVE_STATIC_EPOCH, pendingRevocation: NOTHING };
  return shard.commit(groupId, [currentRecord(groupId, gone)], true);
}
